"""Notes of each kind, as values and as the JSON that they are, written by hand; and the keys in them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from informativa.evidence import notes
from informativa.evidence.approval import Approval, LeafIdentity, sign
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.cosignature import WitnessSigner
from informativa.evidence.note import Signer
from informativa.evidence.note_values import ErasureRule, NoteSource
from informativa.model.plan import Period

LOG = "acme.example/informativa/acme/pbx-1/2"
OLD = "acme.example/informativa/acme/pbx-1/1"
NEXT = "acme.example/informativa/acme/pbx-1/3"
AT = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
APPROVER = Signer("acme.example/approver", bytes(range(32)))
WITNESSES = tuple(
    sorted((WitnessSigner(f"witness-{n}.example", bytes([n]) * 32).verifier for n in (1, 2)), key=str)
)
NEXT_KEY = Signer(NEXT, bytes(range(32, 64))).verifier
SIGNED = sign(Approval.of(1_795_523_400, [LeafIdentity(OLD, 7, bytes(range(32)))]), APPROVER)

RULE = notes.RuleNote(
    retention=Period(months=60),
    zone="Europe/Rome",
    erasures=ErasureRule.EACH,
    processor=True,
    witnesses=WITNESSES,
    approver=APPROVER.verifier,
    instruction="OPS/2026-117",
    purged=3,
    erased=2,
    lost=1,
)
CONTENTS: dict[str, tuple[int, notes.NoteContent, dict[str, Any]]] = {
    "rule": (
        41,
        RULE,
        {
            "retention": "P60M",
            "zone": "Europe/Rome",
            "erasures": "each",
            "processor": 1,
            "witnesses": " ".join(map(str, WITNESSES)),
            "approver": str(APPROVER.verifier),
            "instruction": "OPS/2026-117",
            "purged": 3,
            "erased": 2,
            "lost": 1,
        },
    ),
    "purge": (
        50_000,
        notes.PurgeNote(of=LOG, below=40_000, cutoff=datetime(2021, 11, 24, 12, 30, tzinfo=UTC), rule=41),
        {"of": LOG, "below": 40_000, "cutoff": "2021-11-24T12:30Z", "rule": 41},
    ),
    "erasure": (
        42,
        notes.ErasureNote(list_digest="ab" * 32, most=100, instruction="dpo-1"),
        {"list": "ab" * 32, "most": 100, "instruction": "dpo-1"},
    ),
    "lost": (
        43,
        notes.LostNote(of=LOG, first=5, end=43, instruction="dpo-2"),
        {"of": LOG, "from": 5, "to": 43, "instruction": "dpo-2"},
    ),
    "new-log": (
        0,
        notes.NewLogNote(after=(Checkpoint(OLD, 17, bytes(range(32))),), instruction="dpo-3"),
        {"after": f"{OLD} 17 {bytes(range(32)).hex()}", "instruction": "dpo-3"},
    ),
    "next": (44, notes.NextNote(NEXT_KEY), {"key": str(NEXT_KEY)}),
    "approval": (45, notes.ApprovalNote(SIGNED), {"text": SIGNED.decode()}),
}
"""For each kind the index, the content, and the members of the JSON that only this kind has."""


def log_note(kind: str) -> notes.LogNote:
    """The note of that kind."""
    index, content, _values = CONTENTS[kind]
    return notes.LogNote(LOG, index, AT, NoteSource.COMMAND, content)


def members(kind: str, /, **changes: Any) -> dict[str, Any]:
    """All members of that note's JSON, with changes; `None` takes one out."""
    index, _content, values = CONTENTS[kind]
    common = {"v": 2, "kind": kind, "log": LOG, "index": index, "at": "2026-11-24T12:30Z", "by": "command"}
    changed = common | values | changes
    return {name: value for name, value in changed.items() if value is not None}


def entry(values: dict[str, Any]) -> bytes:
    """The entry of a note, without the program."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return b"informativa/note/v2\n" + text.encode("utf-8", "surrogatepass")
