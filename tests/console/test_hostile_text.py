"""Text that callers, operators, tables and whoever writes an address could put into pages, files and streams;
and what one company's officer tries at another's."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from console.served import CALLER, ServedConsole, lay_calls, served
from evidence.receipts import Company
from informativa.console import live
from informativa.console.pages import calls
from informativa.operations.evidence import logs
from informativa.views.record_files import spreadsheet_cell

EVIL = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'{{7*7}}\u202e\r\ndata: x\r\n\r\nevent: y"
WRITTEN = ("call", "linked", "reference", "notice", "version", "line", "wanted")


def harmless(text: str) -> None:
    """No tag of whoever wrote it, no character that hides or turns one."""
    assert "<script>" not in text
    assert "<img" not in text
    assert "{{" not in text or "{{7*7}}" in text  # as it was written, not as a template takes it
    assert "\u202e" not in re.sub(r'value="[^"]*"', "", text)


@pytest.mark.sample(3)
@pytest.mark.parametrize("field", WRITTEN)
def test_what_a_call_brings_is_text(
    office: ServedConsole, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On pages, in streams, receipts, exports and their names, whichever fact of a record it is."""
    monkeypatch.setattr(live, "INTERVAL", 0.02)
    monkeypatch.setattr(calls, "HEARTBEAT", 0.05)
    (number,) = office.record(replace(Company(office.folder).played, **{field: EVIL}))
    logs.checkpoint(office.controller())
    officer = office.browser("compliance@acme")
    for path in ("calls", f"calls/{number}", "today"):
        page = officer.get(f"/acme/{path}")
        assert page.status_code == 200
        harmless(page.text)
        if path == f"calls/{number}":
            assert "&lt;script&gt;" in page.text
    file = officer.get(f"/acme/calls/{number}/receipt")
    assert file.status_code == 200
    assert re.fullmatch(r'attachment; filename="[\w.-]+"', file.headers["content-disposition"])
    for kind in ("csv", "json"):
        file = officer.get(f"/acme/calls/file/{kind}")
        assert re.fullmatch(r'attachment; filename="[\w.-]+"', file.headers["content-disposition"])
        assert file.headers["content-type"].startswith(calls.KINDS[kind])
    request = officer.http.build_request("GET", f"/acme/live?after={number - 1}")
    with closing(officer.http.send(request, stream=True)) as stream:
        lines = []
        for line in stream.iter_lines():
            if not line:
                break
            lines.append(line)
    assert {line.partition(":")[0] for line in lines} == {"id", "event", "data"}
    harmless("\n".join(lines))


def test_what_an_address_says_is_text(office: ServedConsole) -> None:
    """Parameters, parts of the path, and what is typed into forms come back as text, or not at all."""
    officer = office.browser("compliance@acme")
    evil = quote(EVIL, safe="")
    for path in (
        f"/{evil}/today",
        f"/acme/{evil}",
        f"/acme/calls/of/{evil}",
        f"/acme/caller/{evil}",
        f"/acme/evidence/jobs/{evil}",
        f"/invitation/{evil}",
        f"/acme/today?over={evil}",
        f"/acme/looked?account={evil}&action={evil}",
        *(f"/acme/calls?{name}={evil}" for name in (*calls.FILTERS, "before")),
        *(f"/acme/calls/file/csv?{name}={evil}" for name in calls.FILTERS),
    ):
        harmless(officer.get(path).text)
    officer.get("/acme/what-if")
    for fields in ({"line": EVIL}, {"number": EVIL}, {"language": EVIL}, {"on": EVIL}):
        harmless(officer.send("", **({"number": "+393331234567", "language": ""} | fields)).text)
        officer.get("/acme/what-if")
    for name in ("number", "customer"):
        officer.get("/acme/caller")
        harmless(officer.send(**{"number": "", "customer": "", name: EVIL}).text)
    stranger = office.browser()
    stranger.get("/login")
    harmless(stranger.send(name=EVIL, password=EVIL).text)


def test_what_the_configuration_says_is_text(folder: Path) -> None:
    """The company's name, on every page that has it."""
    file = folder / "informativa.yaml"
    file.write_text(file.read_text().replace("Acme S.p.A.", "'<img src=x>{{7*7}}'"))
    lay_calls(folder)
    with served(folder) as office:
        officer = office.browser("admin@acme")
        for path in ("today", "calls", "calls/1", "notices", "evidence", "caller", "looked"):
            harmless(officer.get(f"/acme/{path}").text)


def test_what_others_wrote_is_no_formula() -> None:
    """Cells of an export that a spreadsheet would run begin with an apostrophe, also those of lists, and with
    the wide signs that it takes for the others."""
    for sign in ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"):
        for value in (f"{sign}1+1", [f"{sign}1+1", "x"]):
            assert str(spreadsheet_cell("reference", value)).startswith(f"'{sign}")


@pytest.mark.slow
def test_i6_what_somebody_found_is_his_alone(office: ServedConsole) -> None:
    """A caller looked up in one session is in no other: not of a colleague, not of the same account
    elsewhere, not of another company, and not after the log-out."""
    operator = office.browser("operator")
    operator.get("/acme/caller")
    address = operator.send(number=CALLER.number, customer="").url.path
    assert CALLER.number.removeprefix("+39") not in address
    operator.get("/acme/calls")
    listed = operator.send("/acme/calls/of", number="+393331234567", customer="").url.path
    for path in (
        address,
        listed,
        f"{address}/letter",
        f"{address}/erasure",
        f"{address}/told",
        f"{listed}/file/csv",
    ):
        assert operator.get(path).status_code == 200
        for other in ("operator", "compliance@acme", "admin@acme", "reader@acme"):
            assert office.browser(other).get(path).status_code == 404
        officer = office.browser("compliance@borealis")
        assert officer.get(path.replace("/acme/", "/borealis/", 1)).status_code == 404
        assert operator.get(path.replace("/acme/", "/borealis/", 1)).status_code == 404
    operator.get("/")
    operator.send("/logout")
    operator.log_in("operator")
    assert operator.get(address).status_code == 404
    assert operator.get(listed).status_code == 404


def test_i6_jobs_and_files_are_of_their_company(office: ServedConsole) -> None:
    """Whoever knows the address of another company's job or bundle has nothing of it."""
    operator = office.browser("operator")
    operator.get("/acme/evidence")
    job = operator.send(first="2026-01-01", last="2026-12-31").url.path
    for path in (job, f"{job}/file"):
        assert operator.get(path.replace("/acme/", "/borealis/", 1)).status_code == 404
        assert office.browser("admin@borealis").get(path).status_code == 404
        assert office.browser("reader@acme").get(path).status_code == 404
        assert office.browser("admin@borealis").get(path.replace("acme", "borealis")).status_code == 404


def test_i5_an_erased_caller_is_remembered_by_no_session(office: ServedConsole) -> None:
    """Whoever had looked him up, a colleague too, finds nothing by the names that he had; the outcome stays,
    and the form that is sent once more leads to it. No file of the console has his number."""
    officer, colleague = office.browser("compliance@acme"), office.browser("operator")
    opened = []
    for browser in (officer, colleague):
        browser.get("/acme/calls")
        opened.append((browser, browser.send("/acme/calls/of", number=CALLER.number, customer="").url.path))
        browser.get("/acme/caller")
        opened.append((browser, browser.send(number=CALLER.number, customer="").url.path))
    officer.get(f"{opened[1][1]}/letter")
    opened.append((officer, officer.send(reference="2026/17").url.path))
    assert [browser.get(path).status_code for browser, path in opened] == [200] * 5
    page = officer.get(f"{opened[1][1]}/erasure")
    form = officer.forms()[1]
    assert officer.send(word="acme").url.path.startswith("/acme/erased/")
    assert officer.get(opened[1][1]).url.path.startswith("/acme/erased/")
    del opened[1]
    assert [browser.get(path).status_code for browser, path in opened] == [404] * 4
    again = officer.http.post(page.url, data=form.fields | {"word": "acme"})
    assert again.url.path.startswith("/acme/erased/")
    assert CALLER.number not in repr(office.console.sessions._sessions)
    files = [*office.console.folder.rglob("*"), *(office.folder / "web").rglob("*")]
    for file in (path for path in files if path.is_file()):
        assert CALLER.number[3:].encode() not in file.read_bytes()


def test_stream_ends_with_the_account(office: ServedConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose account is removed, or has other grants, is told nothing more."""
    monkeypatch.setattr(live, "INTERVAL", 0.02)
    monkeypatch.setattr(calls, "HEARTBEAT", 0.05)
    for name, change in (
        ("reader@acme", lambda name: office.console.accounts.remove(name)),
        (
            "admin@acme",
            lambda name: office.console.accounts.change(name, {"acme": None}, office.console.now()),
        ),
    ):
        reader = office.browser(name)
        request = reader.http.build_request("GET", "/acme/live?after=6")
        with closing(reader.http.send(request, stream=True)) as stream:
            change(name)
            assert not any(line.startswith("data: <tr") for line in stream.iter_lines())
