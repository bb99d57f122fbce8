"""Every address of the console: who may ask, and what every answer has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from console.served import ServedConsole, filled, lay_calls, served
from informativa.console.context import MENU
from informativa.console.routes import ROUTES, Route
from informativa.model import Role

WITH_LOG_IN = [route for route in ROUTES if route.role is not None]
OF_A_COMPANY = [route for route in WITH_LOG_IN if "{controller}" in route.path]


@pytest.fixture(scope="module")
def office(module_folder: Path) -> Iterator[ServedConsole]:
    """One for all, as what is asked here is looked at or refused."""
    lay_calls(module_folder)
    with served(module_folder) as office:
        yield office


@pytest.fixture(autouse=True)
def closed_browsers(office: ServedConsole) -> Iterator[None]:
    """Close the connections of one test: the console takes so many and no more."""
    yield
    while office.browsers:
        office.browsers.pop().http.close()


@pytest.mark.parametrize("route", WITH_LOG_IN, ids=lambda route: route.path)
def test_who_is_not_logged_in_is_sent_to_the_door(office: ServedConsole, route: Route) -> None:
    """He gets nothing of any page, and sends nothing by any form."""
    stranger = office.browser()
    stranger.http.follow_redirects = False
    if route.get:
        answer = stranger.get(filled(route))
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    if route.post:
        assert stranger.post(filled(route), {"csrf": "x"}).status_code == 403


@pytest.mark.sample(16)
@pytest.mark.parametrize("route", OF_A_COMPANY, ids=lambda route: route.path)
def test_i6_another_company_is_not_there(office: ServedConsole, route: Route) -> None:
    """I6: to an admin of acme borealis's pages are as those of a company that does not exist."""
    admin = office.browser("admin@acme")
    csrf = admin.forms()[0].fields["csrf"]
    for ask in (admin.get, lambda path: admin.post(path, {"csrf": csrf})):
        other, none = (ask(filled(route, controller=name)) for name in ("borealis", "nowhere"))
        assert (other.status_code, none.status_code) in ((404, 404), (405, 405))
        assert other.text.replace("borealis", "nowhere") == none.text
    assert "Borealis" not in admin.get("/").text


@pytest.mark.parametrize(
    "route", [route for route in OF_A_COMPANY if route.role is not Role.READER], ids=lambda route: route.path
)
def test_a_reader_may_not_what_officers_may(office: ServedConsole, route: Route) -> None:
    """Pages that do more than show are not there for a reader."""
    reader = office.browser("reader@acme")
    csrf = reader.forms()[0].fields["csrf"]
    if route.get:
        assert reader.get(filled(route)).status_code == 404
    if route.post:
        assert reader.post(filled(route), {"csrf": csrf}).status_code == 404


@pytest.mark.sample(24)
@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.post and route.own_forms], ids=lambda route: route.path
)
@pytest.mark.parametrize(
    ("forged", "headers"),
    [
        (True, {}),
        (False, {"origin": "https://evil.example"}),
        (False, {"origin": "null"}),
        (False, {"sec-fetch-site": "cross-site"}),
    ],
    ids=["csrf", "origin", "no-origin", "fetch-site"],
)
def test_forms_of_others_are_refused(
    office: ServedConsole, route: Route, forged: bool, headers: dict[str, str]
) -> None:
    """Whatever another site has a browser send, nothing is done."""
    operator = office.browser("operator")
    csrf = "0" * 64 if forged else operator.forms()[0].fields["csrf"]
    answer = operator.http.post(filled(route), data={"csrf": csrf}, headers=headers)
    assert answer.status_code == 403
    assert operator.get("/acme/calls").status_code == 200  # not even logged out


def test_only_the_provider_sends_forms_of_its_own() -> None:
    """It is no browser, and signs what it sends."""
    assert [route.path for route in ROUTES if not route.own_forms] == ["/oidc/logout"]


@pytest.mark.parametrize("path", ["/login", "/", "/acme/today", "/nowhere", "/static/console.css"])
def test_every_answer_is_guarded(office: ServedConsole, path: str) -> None:
    """No script of others, no frame, no sniffing, nothing that tells where somebody was."""
    headers = office.browser("operator").get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    if not path.startswith("/static"):
        assert headers["cache-control"] == "no-store"


@pytest.mark.sample(30)
@pytest.mark.parametrize(
    "route",
    [route for route in WITH_LOG_IN if route.get and not route.path.endswith("/live")],
    ids=lambda route: route.path,
)
@pytest.mark.parametrize("language", ["it", "en"])
def test_no_page_has_a_defect(office: ServedConsole, route: Route, language: str) -> None:
    """Every page is served, or says that it is not there; none says that it broke."""
    operator = office.browser("operator", language=language)
    answer = operator.get(filled(route))
    assert answer.status_code in (200, 404)
    if answer.headers["content-type"].startswith("text/html"):
        assert f'<html lang="{language}">' in answer.text
        assert "style=" not in answer.text  # which the policy forbids
        assert not re.search(r"<script(?![^>]* src=)[^>]*>\s*\S", answer.text)


def test_methods_and_bodies_are_bounded(office: ServedConsole) -> None:
    """Requests that no form sends get a short answer, and the next request is answered as ever."""
    operator = office.browser("operator")
    assert operator.http.request("DELETE", "/acme/calls").status_code == 405
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert operator.http.post("/language", content=b"x" * 200_000, headers=form).status_code == 413
    many = "&".join(f"a{number}=1" for number in range(200))
    assert operator.http.post("/language", content=many, headers=form).status_code == 400
    assert operator.get("/acme/calls").status_code == 200


OURS = sorted({"static", *(route.path.split("/")[1] for route in ROUTES)} - {"{controller}", ""})


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", OURS)
def test_a_company_may_be_called_as_a_page_of_ours(folder: Path, name: str) -> None:
    """None of its pages is hidden by ours, or kept by browsers, and none of ours by its."""
    file = folder / "informativa.yaml"
    file.write_text(re.sub(r"(?<!/)\bborealis\b", name, file.read_text()))
    with served(folder) as office:
        now = office.console.now()
        office.console.accounts.change("operator", {name: Role.ADMIN}, now)
        token = office.console.accounts.invite("nora", {name: Role.READER}, now + timedelta(hours=1))
        officer = office.browser("operator")
        for page in (entry.part for entry in MENU):
            answer = officer.get(f"/{name}/{page}")
            assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), page
            assert f'href="/{name}/today"' in answer.text
        assert officer.get("/static/vendor/htmx.min.js").headers["cache-control"] == "max-age=3600"
        assert "nora" in office.browser().get(f"/invitation/{token}").text
