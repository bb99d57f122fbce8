"""Calls on the console: found, watched, opened, exported."""

from __future__ import annotations

from lab.console import ServedConsole


def test_a_reader_sees_his_company_alone(office: ServedConsole) -> None:
    """I6: of another company's calls he learns as little as of one that does not exist."""
    reader = office.browser("reader@acme")
    assert "+390212345678" in reader.get("/acme/calls").text
    other, none = reader.get("/borealis/calls"), reader.get("/nowhere/calls")
    assert (other.status_code, none.status_code) == (404, 404)


def test_without_calls_the_page_says_what_to_wait_for(empty_office: ServedConsole) -> None:
    """An empty list is no empty page."""
    assert "Nothing is on record yet." in empty_office.browser("reader@acme").get("/acme/calls").text
