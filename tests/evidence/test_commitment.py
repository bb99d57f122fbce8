"""The commitments of a record, compared with another library's canonical JSON and with the formulas computed
anew."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import fields, replace
from datetime import timedelta

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from evidence.committed import EVENT, LOG, TEXTS
from examples import AT
from informativa.evidence import commitment, jcs
from informativa.evidence.stated_facts import access_text, totals_text
from informativa.model import (
    Answer,
    Asked,
    Asks,
    Binding,
    Ending,
    Event,
    Heard,
    Identified,
    Reason,
    RecordKind,
    Status,
    Vouched,
)

WHAT_SALT, WHO_SALT = bytes(range(16)), bytes(range(16, 32))

VALUES = TEXTS | st.integers(-(2**53) + 1, 2**53 - 1)


@given(st.lists(VALUES, min_size=41, max_size=41), st.sets(st.integers(0, 40)))
def test_it_is_the_canonical_json_of_rfc_8785(values: list[str | int], absent: set[int]) -> None:
    """For any values of a record `jcs` and the package rfc8785 write the same bytes."""
    for names in (commitment.FACTS, commitment.PERSON):
        present = {name: values[at] for at, name in enumerate(names) if at not in absent}
        data = commitment.canonical(present)
        assert data == jcs.canonical(present) == rfc8785.dumps(present)
        assert jcs.parse(data) == present


def test_words_of_closed_lists_are_written_as_they_are() -> None:
    """An enumeration's member is its word."""
    assert commitment.canonical({"status": Status.PLAYED, "vouched": Vouched.NETWORK}) == (
        b'{"status":"PLAYED","vouched":"network"}'
    )


def test_half_of_a_surrogate_pair_is_refused() -> None:
    """No text of a ledger has one."""
    with pytest.raises(ValueError, match="surrogates"):
        commitment.canonical({"line": "\ud800"})


def test_names_stand_in_order_and_are_those_of_the_tables() -> None:
    """A record that has everything has each name once, in the order that canonical JSON asks for."""
    facts = {**commitment.facts(EVENT, LOG, 6, 7)}
    facts |= commitment.facts(replace(EVENT, kind=RecordKind.PURGE), LOG, 6, 7)
    totals = replace(EVENT, kind=RecordKind.TOTALS, reference=totals_text(0, 6, "1/a/PLAYED/shared=2"))
    access = replace(EVENT, kind=RecordKind.ACCESS, reference=access_text(9, b"\x55" * 32))
    facts |= commitment.facts(totals, LOG, 6, 7) | commitment.facts(access, LOG, 6, 7)
    consent = replace(
        EVENT, asked=Asked("marketing", Asks.CONSENT, Answer.GRANTED, "5=refused 4=granted", 1, 0)
    )
    facts |= commitment.facts(consent, LOG, 6, 7)
    person = commitment.person(EVENT, b"\x33" * 32, b"\x44" * 32)
    assert set(facts) == set(commitment.FACTS)
    assert set(person) == set(commitment.PERSON)
    for names in (list(person), list(commitment.PERSON)):
        assert names == sorted(names)
    assert list(commitment.FACTS) == sorted(commitment.FACTS)
    assert all(name.isascii() and name.islower() for name in {*facts, *person})
    for event in (
        EVENT,
        totals,
        access,
        consent,
        replace(EVENT, heard=None, counts=True, kind=RecordKind.ERASURE),
    ):
        names = list(commitment.facts(event, LOG, 6, 7))
        assert names == sorted(names)


def test_what_is_absent_is_left_out() -> None:
    """Nothing is null or empty; what is zero is not absent."""
    bare = replace(
        EVENT,
        pseudonym=None,
        call="",
        linked="",
        reference="",
        heard=None,
        basis=None,
        earlier=None,
        wanted="",
        recorded=None,
        vouched=None,
        prompt="",
        recording="",
        supplement=False,
        counts=True,
    )
    assert commitment.facts(bare, LOG, 0, 1) == {
        "happened": "2026-11-24T12:30Z",
        "kind": "phone",
        "language": "it",
        "line": "+390212345678",
        "log": LOG,
        "notice": "privacy",
        "number": 1,
        "purposes": "billing service",
        "reason": "new-purpose",
        "record": 0,
        "recorded": "2026-11-24T12:30Z",
        "status": "PARTIAL",
        "version": "3",
    }
    assert commitment.person(bare, None) == {
        "happened": 1_795_523_415_123_456,
        "recorded": 1_795_523_415_123_456,
    }
    nothing = replace(EVENT, heard=Heard(Ending.HUNG_UP, 0, 76_000))
    assert commitment.facts(nothing, LOG, 0, 1)["heard"] == 0


CHANGED: dict[str, tuple[object, str]] = {
    "at": (AT + timedelta(minutes=1), "both"),
    "call": ("1700000000.2", "who"),
    "line": ("+390212345679", "what"),
    "pseudonym": (b"\x12" * 32, "who"),
    "notice": ("other", "what"),
    "version": ("4", "what"),
    "language": ("en", "what"),
    "purposes": (frozenset({"service"}), "what"),
    "status": (Status.PLAYED, "what"),
    "reason": (Reason.NOT_INFORMED, "what"),
    "prompt": ("/p/it/full", "what"),
    "heard": (Heard(Ending.KEY, 18_001, 76_000, 8000, "#"), "what"),
    "basis": (42, "who"),
    "linked": ("1700000000.9", "who"),
    "wanted": ("fr", "what"),
    "kind": (RecordKind.OPERATOR, "what"),
    "reference": ("contract 8", "who"),
    "recorded": (AT + timedelta(minutes=3, microseconds=5), "both"),
    "vouched": (Vouched.NOBODY, "what"),
    "recording": ("cd" * 32, "what"),
    "supplement": (False, "what"),
    "counts": (True, "what"),
    "earlier": (None, "who"),
    "asked": (Asked("marketing", Asks.CONSENT, Answer.GRANTED, "5=refused 4=granted", 1, 900), "what"),
}
HEARD = {
    "ending": (Ending.HUNG_UP, "what"),
    "samples": (17_999, "what"),
    "total": (76_001, "what"),
    "rate": (16_000, "what"),
    "key": ("1", "who"),
}
# `erased` says that there is nothing to commit to any more, and `binding` is what `person` is given.
NOT_COMMITTED = {"erased", "binding"}


def test_every_field_of_an_event_is_committed_to() -> None:
    """A new field of `Event` or `Heard` has no proof until it stands here."""
    assert {field.name for field in fields(Event)} == set(CHANGED) | NOT_COMMITTED
    assert {field.name for field in fields(Heard)} == set(HEARD)


def _commitments(event: Event) -> tuple[bytes, bytes]:
    facts_hash = commitment.what(commitment.facts(event, LOG, 6, 7), WHAT_SALT)
    return facts_hash, commitment.who(commitment.person(event, None), WHO_SALT)


@pytest.mark.parametrize(("name", "value", "which"), [(name, *change) for name, change in CHANGED.items()])
def test_each_field_changes_its_commitment_and_no_other(name: str, value: object, which: str) -> None:
    """Facts and person are apart; times are in both, in minutes and to the microsecond."""
    old, new = _commitments(EVENT), _commitments(replace(EVENT, **{name: value}))  # type: ignore[arg-type]
    assert (old[0] != new[0], old[1] != new[1]) == (
        which in ("what", "both"),
        which in ("who", "both"),
    )


@pytest.mark.parametrize(("name", "value", "which"), [(name, *change) for name, change in HEARD.items()])
def test_each_part_of_what_was_heard_changes_its_commitment(name: str, value: object, which: str) -> None:
    """The pressed key is the caller's, the rest is not."""
    assert EVENT.heard is not None
    heard = replace(EVENT.heard, **{name: value})  # type: ignore[arg-type]
    old, new = _commitments(EVENT), _commitments(replace(EVENT, heard=heard))
    assert (old[0] != new[0], old[1] != new[1]) == (which == "what", which == "who")


@pytest.mark.parametrize("name", ["at", "recorded"])
def test_within_a_minute_only_who_changes(name: str) -> None:
    """To the microsecond a time would lead to the call."""
    moved = replace(EVENT, **{name: getattr(EVENT, name) + timedelta(microseconds=1)})  # type: ignore[arg-type]
    old, new = _commitments(EVENT), _commitments(moved)
    assert (old[0] == new[0], old[1] == new[1]) == (True, False)


def test_place_and_number_are_committed_to() -> None:
    """The same record elsewhere in the log, under another number, of another log, is another one."""
    hashes = {
        commitment.what(commitment.facts(EVENT, log, index, number), WHAT_SALT)
        for log in (LOG, "example.org/informativa/acme/box/2")
        for index in (6, 7)
        for number in (7, 8)
    }
    assert len(hashes) == 8


def test_reference_of_a_record_about_records_stays_after_an_erasure() -> None:
    """It leads to nobody, and says which leaves are gone."""
    note = replace(EVENT, kind=RecordKind.PURGE, reference="1 record; leaves 4")
    assert commitment.facts(note, LOG, 6, 7)["indices"] == "1 record; leaves 4"
    assert "reference" not in commitment.person(note, None)
    assert "indices" not in commitment.facts(EVENT, LOG, 6, 7)


def test_answer_known_beforehand() -> None:
    """The formulas of the format, with nothing of ours: hashlib, hmac and json."""
    company, number = b"k" * 32, "+393331234567"
    opening_key = hmac.new(company, b"binding" + WHO_SALT, hashlib.sha256).digest()
    opening = hashlib.sha256(b"informativa/opening/v2\n" + opening_key).digest()
    binding = hmac.new(opening_key, number.encode("ascii"), hashlib.sha256).digest()
    facts = {
        "counts": 0,
        "ending": "key",
        "happened": "2026-11-24T12:30Z",
        "heard": 18000,
        "kind": "phone",
        "language": "it",
        "length": 76000,
        "line": "+390212345678",
        "log": "example.org/informativa/acme/box/1",
        "notice": "privacy",
        "number": 7,
        "prompt": "/p/it/short",
        "purposes": "billing service",
        "rate": 8000,
        "reason": "new-purpose",
        "record": 6,
        "recorded": "2026-11-24T12:32Z",
        "recording": "ab" * 32,
        "status": "PARTIAL",
        "supplement": 1,
        "version": "3",
        "vouched": "network",
        "wanted": "de",
    }
    person = {
        "basis": 41,
        "binding": binding.hex(),
        "call": "1700000000.1",
        "earlier": "22" * 32,
        "happened": 1795523415123456,
        "key": "#",
        "linked": "1700000000.0",
        "opening": opening.hex(),
        "pseudonym": "11" * 32,
        "recorded": 1795523535123461,
        "reference": "contract 7",
    }

    def digest(tag: str, salt: bytes, value: dict[str, object]) -> bytes:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(f"informativa/{tag}/v2\n".encode() + salt + text.encode()).digest()

    facts_hash = digest("what", WHAT_SALT, facts)  # type: ignore[arg-type]
    person_hash = digest("who", WHO_SALT, person)  # type: ignore[arg-type]
    caller = Identified(number)
    assert commitment.opening_key(company, WHO_SALT) == opening_key
    assert commitment.binding(opening_key, caller) == binding
    assert commitment.opening(opening_key) == opening
    assert commitment.what(commitment.facts(EVENT, LOG, 6, 7), WHAT_SALT) == facts_hash
    assert commitment.who(commitment.person(EVENT, binding, opening), WHO_SALT) == person_hash
    entry = commitment.Commitments(facts_hash, person_hash).entry
    assert entry == b"informativa/record/v2\n" + facts_hash + person_hash
    assert (facts_hash.hex(), person_hash.hex()) == (
        "49d98cf9a302b131d164ae2397f510b7339830a54f1b32ab8c80247d27d54f9b",
        "c90accbc84751c966b41f1dc4168cdf799267a7614ed7aa2cd6494a9b66377d9",
    )
    assert binding.hex() == "9bd073f6fbb3e1a0cc41b9c3f7937bae00b5a2998c9ad2eaed3154c00424e0ed"


def test_entry_has_86_bytes() -> None:
    """Whatever the record."""
    assert len(commitment.Commitments(bytes(32), bytes(32)).entry) == 86


def test_salts_are_16_bytes_and_never_equal() -> None:
    """From the system's random numbers, two for each record."""
    salts = [commitment.salt() for _ in range(10_000)]
    salts += [commitment.bind(Identified("+393331234567"), b"k" * 32).salt for _ in range(1000)]
    assert {len(salt) for salt in salts} == {16}
    assert len(set(salts)) == 11_000


def test_binding_opens_with_the_companys_key_and_that_number_alone() -> None:
    """Not with another key, number, or salt; a customer's number is none of a telephone's."""
    company, caller = b"k" * 32, Identified("+393331234567")
    bound = commitment.bind(caller, company)
    assert isinstance(bound, Binding)
    opening = commitment.opening_key(company, bound.salt)
    assert commitment.binding(opening, caller) == bound.value
    assert commitment.opening(opening) == bound.opening
    assert commitment.binding(opening, Identified("+393331234568")) != bound.value
    assert commitment.binding(opening, Identified("+393331234567", customer=True)) != bound.value
    assert commitment.binding(commitment.opening_key(b"o" * 32, bound.salt), caller) != bound.value
    assert commitment.binding(commitment.opening_key(company, bytes(16)), caller) != bound.value
    assert bound.salt.hex() not in repr(bound)
