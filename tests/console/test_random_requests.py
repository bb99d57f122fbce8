"""Requests that no page makes, thrown at every address as everybody.

Hypothesis makes them from the console's own table of routes, as schemathesis would from an OpenAPI document:
it reads nothing else, and pages for people have none."""

from __future__ import annotations

import os
import re
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from console.raw import Attacker
from console.served import CALLER, ServedConsole
from informativa.console.routes import ROUTES, Route

EXAMPLES = 3000 if os.environ.get("INFORMATIVA_TORTURE") else 120
GUARDS = ("content-security-policy", "x-content-type-options", "referrer-policy", "cache-control")
PEOPLE = ("", "reader@acme", "compliance@acme", "admin@borealis", "operator")
NUMBER = CALLER.number.removeprefix("+39")
NAMES = (
    *(
        "line",
        "status",
        "reason",
        "since",
        "until",
        "before",
        "after",
        "over",
        "account",
        "action",
        "recorded",
    ),
    *("number", "customer", "on", "language", "presentation", "first", "last", "word", "kind", "notice"),
    *("version", "reference", "once", "back", "name", "password", "again", "code", "secret"),
)
WORDS = st.one_of(
    st.sampled_from(["acme", "borealis", "privacy", "2026-11", "short", "it", "en", "csv", "json", "html"]),
    st.sampled_from([CALLER.number, f"+39 {NUMBER}", "+390212345678", "PLAYED", "operator", "year", "erase"]),
    st.sampled_from(
        ["0", "1", "-1", "\u00b2", "\u0663", "1" + "0" * 30, "9" * 5000, "2026-02-30", "9999-12-31"]
    ),
    st.sampled_from(
        ["..", "../..", "\x00", "\r\nx: y", "%00", "\u202e", "=1+1", "<b>", "//evil.example", "NaN"]
    ),
    st.text(max_size=12).filter(lambda text: text.isprintable()),
)
FIELDS = st.dictionaries(st.sampled_from(NAMES), WORDS, max_size=6)
KNOWN = {"controller": "acme", "record": "1", "notice": "privacy", "version": "2026-11"}


def path_of(route: Route, words: dict[str, str]) -> str:
    """The address with these parts, or with such as there are."""
    return re.sub(
        r"\{(\w+)(:\w+)?\}",
        lambda name: quote(words.get(name[1], KNOWN.get(name[1], "x")), safe=""),
        route.path,
    )


@settings(
    derandomize=True,
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    account=st.sampled_from(PEOPLE),
    route=st.sampled_from(ROUTES),
    parts=st.dictionaries(
        st.sampled_from(
            ["controller", "record", "kind", "session_key", "job", "form", "notice", "part", "language"]
        ),
        WORDS,
        max_size=2,
    ),
    asked=FIELDS,
    form=FIELDS,
    headers=st.dictionaries(
        st.sampled_from(
            ["accept_language", "last_event_id", "range", "if_range", "origin", "x_forwarded_for"]
        ),
        st.sampled_from(["9" * 5000, "bytes=1-0", "bytes=0-1,0-1", "it;q=x,\u00ff", "a, b", "2026-11-26"]),
        max_size=2,
    ),
)
@pytest.mark.slow
def test_i5_no_request_makes_a_defect_or_tells_a_number(
    office: ServedConsole,
    account: str,
    route: Route,
    parts: dict[str, str],
    asked: dict[str, str],
    form: dict[str, str],
    headers: dict[str, str],
) -> None:
    """No 5xx, our headers on every answer, of the caller's number nothing in a header, a link or the log."""
    office.console.live.close()  # streams end at once
    path, query = path_of(route, parts), {name: value for name, value in asked.items() if NUMBER not in value}
    with capture_logs() as log:
        for fields in (None, form):
            attacker, address = Attacker(office, account), f"{path}?{urlencode(query)}"
            if fields is None:
                answer = attacker.get(address, **headers)
            else:
                answer = attacker.post(address, fields, **headers)
            assert 200 <= answer.status < 500
            assert [header for header in GUARDS if f"\r\n{header}:" not in answer.head] == []
            assert NUMBER not in answer.head
            assert b"Traceback" not in answer.body
            assert not re.search(rf'(href|action|src)="[^"]*{NUMBER}'.encode(), answer.body)
    assert NUMBER not in repr(log)
    assert [line for line in log if line["log_level"] == "error"] == []
