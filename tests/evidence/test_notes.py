"""Notes of a log: their JSON written by hand, read and made again, and all that is refused."""

from __future__ import annotations

import hashlib
import json
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from evidence.noted import (
    APPROVER,
    AT,
    CONTENTS,
    LOG,
    NEXT,
    OLD,
    RULE,
    SIGNED,
    WITNESSES,
    entry,
    log_note,
    members,
)
from informativa.evidence import notes
from informativa.evidence.approval import Approval, LeafIdentity, sign
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.cosignature import WitnessSigner
from informativa.evidence.note import Signer
from informativa.evidence.note_values import ErasureRule, NoteSource
from informativa.model.errors import EvidenceFormatError
from informativa.model.plan import Period
from lab.evidence_page import with_names

ROOT = Path(__file__).resolve().parents[2]
KIND = pytest.mark.parametrize("kind", CONTENTS)


def refused(data: bytes, index: int = 42, log: str = LOG) -> str:
    """Return what is said against the entry of that leaf."""
    with pytest.raises(EvidenceFormatError) as error:
        notes.LogNote.parse(data, log, index)
    return str(error.value)


@KIND
def test_each_kind_is_the_json_of_the_format(kind: str) -> None:
    """Made, it is what json and rfc8785 write; read, it is what was made."""
    note, data = log_note(kind), entry(members(kind))
    assert note.entry == data == b"informativa/note/v2\n" + rfc8785.dumps(members(kind))
    assert notes.LogNote.parse(data, LOG, note.index) == note
    assert note.kind == kind
    assert note.leaf == LeafIdentity(LOG, note.index, hashlib.sha256(b"\0" + data).digest())


def test_an_erasure_known_beforehand() -> None:
    """Letter by letter, as any other program would write it."""
    assert log_note("erasure").entry == (
        b"informativa/note/v2\n"
        b'{"at":"2026-11-24T12:30Z","by":"command","index":42,"instruction":"dpo-1","kind":"erasure","list":"'
        b"abababababababababababababababababababababababababababababababab"
        b'","log":"acme.example/informativa/acme/pbx-1/2","most":100,"v":2}'
    )


def test_tables_name_all_kinds_and_keys() -> None:
    """A further key or kind is another version."""
    assert {kind: {key.name for key in notes.KEYS[part]} for kind, part in notes.KINDS.items()} == {
        kind: set(values) for kind, (_index, _content, values) in CONTENTS.items()
    }
    assert {key.name for key in notes.KEYS[notes.LogNote]} | {"v", "kind"} == {
        *("v", "kind", "log", "index", "at", "by")
    }


def test_page_names_all_kinds_and_keys() -> None:
    """Whoever writes a verifier reads what the program reads now: else `make docs`."""
    page = (ROOT / "docs/evidence.md").read_text(encoding="utf-8")
    assert with_names(page) == page
    assert [row for row in page.splitlines() if row.startswith("| `lost` | `from` |")] == [
        "| `lost` | `from` | a whole number from 0 | the first lost leaf |"
    ]


OPTIONAL = {
    "rule": {"witnesses", "approver", "instruction", "purged", "erased", "lost"},
    "new-log": {"instruction"},
    "replaces": {"after"},
    "retires": {"after"},
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in CONTENTS for name in members(kind)])
def test_required_keys_cannot_be_left_out(kind: str, name: str) -> None:
    """An absent value is an absent key, where it may be absent."""
    data = entry(members(kind, **{name: None}))
    if name in OPTIONAL.get(kind, ()):
        assert notes.LogNote.parse(data, LOG, CONTENTS[kind][0]).entry == data
    else:
        refused(data, CONTENTS[kind][0])


@KIND
@pytest.mark.parametrize(
    "name",
    ["x", "", "V", "who", "number", "\u202e", "x" * 3000, "__class__", "content", "first", "list_digest"],
)
def test_unknown_keys_are_refused(kind: str, name: str) -> None:
    """Also names of fields of the program, and without repeating much of it."""
    refusal = refused(entry(members(kind) | {name: "1"}), CONTENTS[kind][0])
    assert refusal.startswith("A note of this kind has no ")
    assert len(refusal) < 80
    assert refusal.isascii()


@pytest.mark.parametrize("kind", ["", "Rule", "record", "note", "phone", 1, "rule "])
def test_unknown_kinds_are_refused(kind: object) -> None:
    """There are seven."""
    assert "There is no note of the kind" in refused(entry(members("erasure", kind=kind)))


@pytest.mark.parametrize("version", [1, 3, "2", None])
def test_other_versions_are_refused(version: object) -> None:
    """A number, and 2."""
    assert refused(entry(members("erasure", v=version))) == "It is no note of version 2."


@KIND
def test_i7_a_note_of_another_place_is_refused(kind: str) -> None:
    """I7: of another log, epoch or index; so nobody copies one."""
    data, index = log_note(kind).entry, CONTENTS[kind][0]
    for log, place in ((LOG, index + 1), (OLD, index), (LOG.upper(), index), ("", index), (LOG, -1)):
        assert refused(data, place, log) == "The note says that it is another leaf than it is."


PLAIN = entry(members("erasure"))


@pytest.mark.parametrize(
    "data",
    [
        PLAIN + b"\n",
        PLAIN + b" ",
        PLAIN.replace(b"\n", b"\r\n"),
        PLAIN.replace(b"v2\n", b"v2\n\n"),
        PLAIN.replace(b'"most":100', b'"most": 100'),
        PLAIN.replace(b'"most":100', b'"most":1e2'),
        PLAIN.replace(b'"most":100', b'"most":100.0'),
        PLAIN.replace(b'"most":100', b'"most":0100'),
        PLAIN.replace(b'"most":100', b'"most":+100'),
        PLAIN.replace(b'"most":100', b'"most":100,"most":100'),
        PLAIN.replace(b'"most":100', b'"most":10,"most":100'),
        PLAIN.replace(b'"index":42', b'"index":-0'),
        PLAIN.replace(b'"v":2', b'"v":2.0'),
        PLAIN.replace(b"dpo-1", rb"dpo\u002d1"),
        PLAIN.replace(b"dpo-1", b"dpo\xff1"),
        PLAIN.replace(b"dpo-1", b"\xed\xa0\x80"),
        PLAIN.replace(b"dpo-1", rb"\ud800"),
        PLAIN.replace(b'{"at"', b'{"v":2,"at"'),
        PLAIN.replace(b'"dpo-1"', b"null"),
        PLAIN.replace(b'"dpo-1"', b"true"),
        PLAIN.replace(b'"dpo-1"', b'["dpo-1"]'),
        PLAIN.replace(b'"dpo-1"', b'{"id":"dpo-1"}'),
        PLAIN.replace(b"{", b"\xef\xbb\xbf{"),
        PLAIN[:-1],
        b"informativa/note/v2\n",
        b"informativa/note/v2\n[]",
        b"informativa/note/v2\n2",
        b"informativa/note/v2\n" + b"{" * 16_000,
        b'informativa/note/v2\n{"index":' + b"9" * 16_000 + b"}",
        b"informativa/record/v2\n" + bytes(64),
    ],
)
def test_what_is_not_the_one_text_of_a_note_is_refused(data: bytes) -> None:
    """Order, spaces, escapes, numbers, keys that stand twice, half of a surrogate pair, no note at all."""
    assert data != PLAIN
    refused(data)


@KIND
@given(data=st.data())
def test_i7_no_byte_of_a_note_can_be_another_unseen(kind: str, data: st.DataObject) -> None:
    """I7: what is read after a change is another note, and written again it is what was read."""
    original = log_note(kind)
    changed = bytearray(original.entry)
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        note = notes.LogNote.parse(bytes(changed), LOG, original.index)
    except EvidenceFormatError:
        return
    assert note.entry == changed
    assert note != original


VALUES: list[tuple[str, str, object]] = [
    *(
        ("erasure", "at", value)
        for value in (
            *("2026-11-24T12:30", "2026-11-24 12:30Z", "2026-11-24T12:30:00Z", "2026-11-24T12:30+00:00"),
            *("2026-02-29T12:30Z", "2026-11-24T24:00Z", "2026-11-24T12:60Z", "0000-01-01T00:00Z"),
            *("٢٠٢٦-11-24T12:30Z", "2026-11-24T12:30z", "2026-11-24T12:30Z\n", 1_795_523_400, "", "now"),
        )
    ),
    *(("erasure", "by", value) for value in ("", "Command", "mario", "root", "service console", 1)),
    *(("erasure", "index", value) for value in (-1, "42", 2**53, 10**30)),
    *(
        ("erasure", "log", value)
        for value in (
            *(
                "",
                "acme",
                LOG + " ",
                LOG + "\n",
                LOG.replace("/2", "/0"),
                LOG.replace("/2", "/02"),
                LOG + "/",
            ),
            *(LOG.upper(), LOG.replace("pbx-1", "pbx 1"), "x" * 300 + LOG, "/informativa/a/b/1", 7),
        )
    ),
    *(
        ("erasure", "list", value)
        for value in ("", "ab" * 31, "ab" * 33, "AB" * 32, "g" * 64, "ab" * 32 + "\n", 7)
    ),
    *(("erasure", "most", value) for value in (0, 1, 5, 11, 20, 1001, -10, "10", 10**16)),
    *(
        ("erasure", "instruction", value)
        for value in (
            *("", " ", "-1", "a b", "a" * 41, "12345678", "a12345678b", "dpo-20261124", "Müller", "a\n", 7),
            *("٣٣٣١٢٣٤٥", "a:b", "a@b", "+39333", "a\u00a0b"),
        )
    ),
    *(
        ("rule", "retention", value)
        for value in (
            *(
                "",
                "P0M",
                "P0D",
                "P1Y",
                "P8W",
                "P060M",
                "P60",
                "60M",
                "p60m",
                "None",
                "P60M8D",
                "P-1D",
                "P1.5M",
            ),
            *("P100000M", "none ", "P٦M", 60),
        )
    ),
    *(
        ("rule", "zone", value)
        for value in (
            "",
            "Europe/Rome ",
            "../etc/passwd",
            "/Rome",
            "Europe//Rome",
            "a/b/c/d",
            "Rom\u00e9",
            "2",
            1,
        )
    ),
    *(("rule", "erasures", value) for value in ("", "Each", "none", "each standing", 1)),
    *(("rule", "processor", value) for value in (2, -1, "1", "yes", "")),
    *(
        ("rule", "witnesses", value)
        for value in (
            *("", " ", " ".join(map(str, reversed(WITNESSES))), f"{WITNESSES[0]} {WITNESSES[0]}"),
            *(f"{WITNESSES[0]}  {WITNESSES[1]}", f"{WITNESSES[0]} ", f"{WITNESSES[0]},{WITNESSES[1]}"),
            *(str(APPROVER.verifier), str(WITNESSES[0])[:-1], 1),
        )
    ),
    *(
        ("rule", "approver", value)
        for value in (
            "",
            str(WITNESSES[0]),
            f"{APPROVER.verifier} ",
            str(APPROVER.verifier)[1:],
            APPROVER.secret,
            1,
        )
    ),
    *(("rule", name, value) for name in ("purged", "erased", "lost") for value in (0, -1, "3", 2**53)),
    *(("purge", name, value) for name, value in (("of", "acme"), ("below", 0), ("rule", -1), ("cutoff", ""))),
    *(("lost", name, value) for name, value in (("of", ""), ("from", -1), ("to", 0), ("from", "5"))),
    *(
        ("new-log", "after", value)
        for value in (
            *(
                "",
                OLD,
                f"{OLD} 17",
                f"{OLD} 17 {'ab' * 31}",
                f"{OLD} 17 {'AB' * 32}",
                f"{OLD} 017 {'ab' * 32}",
            ),
            *(
                f"{OLD} 17 {'ab' * 32};",
                f"{OLD} 17 {'ab' * 32}; ",
                f"{OLD}  17 {'ab' * 32}",
                f"{OLD} 0 {'ab' * 32}",
            ),
            *(f"{OLD} 17 {'ab' * 32}; {OLD} 17 {'ab' * 32}", f"{OLD} 17 {'ab' * 32}; {OLD} 18 {'ab' * 32}"),
            *(f"{NEXT} 17 {'ab' * 32}; {OLD} 17 {'ab' * 32}", f"{OLD} 17 {'ab' * 32},{NEXT} 17 {'ab' * 32}"),
            *(f"acme 17 {'ab' * 32}", f"{OLD} -1 {'ab' * 32}", 17),
        )
    ),
    *(("next", "key", value) for value in ("", str(APPROVER.verifier), str(WITNESSES[0]), 1)),
    *(
        ("approval", "text", value)
        for value in (
            "",
            "informativa/approval/v1\n",
            SIGNED.decode()[:-1],
            SIGNED.decode().replace("\n", "\r\n"),
            1,
        )
    ),
]


@pytest.mark.parametrize(("kind", "name", "value"), VALUES)
def test_values_in_another_form_are_refused(kind: str, name: str, value: object) -> None:
    """Each in one sentence that names the key."""
    refusal = refused(entry(members(kind, **{name: value})), CONTENTS[kind][0])
    assert refusal.startswith((f"In a note {name} should be ", "A number lies beyond")), refusal


CONTRADICTIONS: list[tuple[str, dict[str, object], str]] = [
    ("purge", {"below": 50_001}, "leaves that come after it"),
    ("lost", {"to": 44}, "leaves that come after it"),
    ("lost", {"from": 43}, "no leaf"),
    ("purge", {"rule": 50_000}, "a rule that comes after it"),
    ("purge", {"cutoff": "2026-11-24T12:31Z"}, "a time that comes after it"),
    ("new-log", {"index": 1}, "not the first leaf"),
    ("new-log", {"after": f"{LOG} 17 {'ab' * 32}"}, "follows itself"),
    ("next", {"key": str(Signer(LOG, bytes(32)).verifier)}, "follows itself"),
]


@pytest.mark.parametrize(("kind", "changes", "sentence"), CONTRADICTIONS)
def test_contradictions_are_refused(kind: str, changes: dict[str, Any], sentence: str) -> None:
    """Each value is in its form, and all together cannot be."""
    values = members(kind, **changes)
    assert sentence in refused(entry(values), values["index"])


def test_leaves_of_another_log_may_have_a_higher_index() -> None:
    """A short epoch purges the long one before it."""
    for kind, changes in (("purge", {"of": OLD, "below": 90_000}), ("lost", {"of": OLD, "to": 90_000})):
        data = entry(members(kind, **changes))
        assert notes.LogNote.parse(data, LOG, CONTENTS[kind][0]).entry == data


def test_what_cannot_be_written_cannot_be_made() -> None:
    """The same is refused where a note is made."""
    erasure, rule = CONTENTS["erasure"][1], RULE
    moments = (AT.replace(tzinfo=None), AT + timedelta(seconds=1), AT + timedelta(microseconds=1))
    for change in (*({"at": at} for at in moments), {"index": -1}, {"log": "acme"}):
        with pytest.raises(EvidenceFormatError):
            replace(log_note("erasure"), **change)  # type: ignore[arg-type]
    contents: list[notes.NoteContent] = [
        replace(erasure, most=50),  # type: ignore[arg-type]
        replace(erasure, instruction="333 1234567"),  # type: ignore[arg-type]
        replace(erasure, instruction=""),  # type: ignore[arg-type]
        replace(rule, witnesses=tuple(reversed(WITNESSES))),
        replace(rule, retention=Period()),
        replace(rule, retention=Period(months=1, days=1)),
        notes.NewLogNote(after=()),
        notes.ApprovalNote(b"x"),
    ]
    for content in contents:
        with pytest.raises(EvidenceFormatError):
            notes.LogNote(LOG, 42, AT, NoteSource.SERVICE, content)


def test_minutes_of_another_zone_are_written_in_utc() -> None:
    """One moment, one text."""
    rome = AT.astimezone(timezone(timedelta(hours=1)))
    assert replace(log_note("erasure"), at=rome).entry == log_note("erasure").entry


def test_largest_approval_is_a_note() -> None:
    """Of 64 boxes with names so long that no letter more is allowed: it fits into the 16,384 bytes."""

    def signed(letters: int) -> bytes:
        origins = (f"{'x' * letters}/informativa/acme/pbx-{box:02}/1" for box in range(64))
        leaves = [LeafIdentity(origin, 9_000_000, bytes(32)) for origin in origins]
        return sign(Approval.of(1_795_523_400, leaves), APPROVER)

    largest = signed(151)
    assert 14_900 < len(largest) <= 15_000
    with pytest.raises(EvidenceFormatError, match="at most 15000"):
        signed(152)
    log = "x" * 265 + "/informativa/acme/pbx-1/999999999"
    note = notes.LogNote(log, 2**53 - 1, AT, NoteSource.COMMAND, notes.ApprovalNote(largest))
    assert len(note.entry) <= 16_384
    assert notes.LogNote.parse(note.entry, log, 2**53 - 1) == note


def test_a_note_that_is_too_large_is_refused() -> None:
    """Where it is made and where it is read; a key that is not known is no reason to read it all."""
    keys = sorted(
        (WitnessSigner(f"{n:03}" + "w" * 200, bytes([n]) * 32).verifier for n in range(80)), key=str
    )
    with pytest.raises(EvidenceFormatError, match="at most 16384"):
        notes.LogNote(LOG, 1, AT, NoteSource.SERVICE, replace(RULE, witnesses=tuple(keys)))
    assert "at most 16384" in refused(entry(members("erasure", x="x" * 16_384)))


ORIGINS = st.builds(
    "{}.example/informativa/{}/{}/{}".format,
    *(st.text("abc019-", min_size=1, max_size=9) for _ in range(3)),
    st.integers(1, 999_999_999),
)
INDICES = st.integers(1, 2**53 - 1)
MINUTES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(
    lambda at: at.replace(second=0, microsecond=0, tzinfo=UTC)
)
INSTRUCTIONS = st.text(string.ascii_letters + "._/-123", min_size=1, max_size=40).filter(
    lambda text: (
        text[0].isalnum()
        and not any(text[at : at + 8].isdecimal() and len(text) >= at + 8 for at in range(33))
    )
)
SEEDS = st.binary(min_size=32, max_size=32)
NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=9).filter(
    lambda name: "+" not in name and not any(letter.isspace() for letter in name)
)
KEYS = st.builds(Signer, NAMES, SEEDS).map(lambda signer: signer.verifier)
WITNESS_KEYS = st.lists(
    st.builds(WitnessSigner, NAMES, SEEDS).map(lambda signer: signer.verifier), max_size=4, unique_by=str
).map(lambda keys: tuple(sorted(keys, key=str)))
PERIODS = (
    st.none()
    | st.builds(Period, months=st.integers(1, 99_999))
    | st.builds(Period, days=st.integers(1, 99_999))
)
TREES = st.lists(
    st.builds(Checkpoint, ORIGINS.map("z{}".format), INDICES, SEEDS),
    min_size=1,
    max_size=3,
    unique_by=lambda tree: tree.origin,
).map(lambda trees: tuple(sorted(trees, key=lambda tree: tree.origin)))
COUNTS = st.integers(0, 2**53 - 1)
RULES = st.builds(
    notes.RuleNote,
    PERIODS,
    st.sampled_from(["UTC", "Europe/Rome", "America/Argentina/Buenos_Aires", "Etc/GMT+12"]),
    st.sampled_from(ErasureRule),
    st.booleans(),
    WITNESS_KEYS,
    st.none() | KEYS,
    st.just("") | INSTRUCTIONS,
    *(COUNTS,) * 3,
)
ERASURES = st.builds(
    notes.ErasureNote, SEEDS.map(bytes.hex), st.integers(1, 15).map(lambda n: 10**n), INSTRUCTIONS
)
LOSSES = st.builds(
    lambda of, ends, reason: notes.LostNote(of, ends[0], ends[1], reason),
    ORIGINS.map("z{}".format),
    st.lists(COUNTS, min_size=2, max_size=2, unique=True).map(sorted),
    INSTRUCTIONS,
)
CONTENT = (
    RULES
    | ERASURES
    | LOSSES
    | st.builds(
        notes.NextNote,
        ORIGINS.map("z{}".format).flatmap(
            lambda origin: SEEDS.map(lambda seed: Signer(origin, seed).verifier)
        ),
    )
)


@given(ORIGINS, INDICES, MINUTES, st.sampled_from(NoteSource), CONTENT)
def test_what_is_written_is_read(
    log: str, index: int, at: datetime, source: NoteSource, content: notes.NoteContent
) -> None:
    """Each note has one text, which another program writes alike."""
    note = notes.LogNote(log, index, at, source, content)
    assert notes.LogNote.parse(note.entry, log, index) == note
    text = note.entry.removeprefix(b"informativa/note/v2\n")
    assert rfc8785.dumps(json.loads(text)) == text


@given(ORIGINS, MINUTES, TREES, st.just("") | INSTRUCTIONS)
def test_first_notes_are_read(
    log: str, at: datetime, after: tuple[Checkpoint, ...], instruction: str
) -> None:
    """A new log after one log or several."""
    note = notes.LogNote(log, 0, at, NoteSource.COMMAND, notes.NewLogNote(after, instruction))
    assert notes.LogNote.parse(note.entry, log, 0) == note


@given(ORIGINS, st.data())
def test_purges_are_read(log: str, data: st.DataObject) -> None:
    """Of its own log or of one before."""
    index = data.draw(INDICES)
    at, cutoff = sorted(data.draw(st.lists(MINUTES, min_size=2, max_size=2)), reverse=True)
    content = notes.PurgeNote(
        log, data.draw(st.integers(1, index)), cutoff, data.draw(st.integers(0, index - 1))
    )
    note = notes.LogNote(log, index, at, NoteSource.SERVICE, content)
    assert notes.LogNote.parse(note.entry, log, index) == note
