"""A verifier of receipts and logs, from docs/evidence.md and C2SP alone: it has no line of the program."""

import base64
import hashlib
import hmac
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def sha256(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def jcs(values: object) -> bytes:
    """RFC 8785, of strings, whole numbers and objects with ASCII names."""
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def root_of(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """RFC 6962 2.1.1, from the leaf up: where a tree is cut says on which side the sibling stands."""
    if size == 1:
        assert not path, "the path is too long"
        return leaf
    half = 1
    while half * 2 < size:
        half *= 2
    if index < half:
        return sha256(b"\x01" + root_of(leaf, index, half, path[:-1]) + path[-1])
    return sha256(b"\x01" + path[-1] + root_of(leaf, index - half, size - half, path[:-1]))


def roots(leaves: list[bytes], sizes: set[int]) -> dict[int, bytes]:
    """RFC 6962 2.1, of the first so many leaves: of complete subtrees of falling heights, the last two are
    joined first."""
    roots_by_size = {0: sha256(b"")}
    subtrees: list[tuple[int, bytes]] = []
    for size, leaf in enumerate(leaves, 1):
        subtrees.append((0, leaf))
        while len(subtrees) > 1 and subtrees[-1][0] == subtrees[-2][0]:
            (height, left), (_, right) = subtrees[-2:]
            subtrees[-2:] = [(height + 1, sha256(b"\x01" + left + right))]
        if size in sizes:
            root = subtrees[-1][1]
            for _, left in reversed(subtrees[:-1]):
                root = sha256(b"\x01" + left + root)
            roots_by_size[size] = root
    return {size: roots_by_size[size] for size in sizes}


def checkpoint(note: bytes, vkey: str) -> tuple[int, bytes]:
    """Size and root of a checkpoint that the log's key signed. Raises AssertionError and others."""
    text, _, signatures = note.partition(b"\n\n")
    text += b"\n"
    origin, size, root = text.decode().removesuffix("\n").split("\n")
    name, key_id, key = vkey.split("+", 2)
    public = base64.b64decode(key, validate=True)
    assert name == origin
    assert sha256(name.encode() + b"\n" + public)[:4].hex() == key_id
    assert public[0] == 1
    (signature_line,) = (
        signature
        for line in signatures.decode().splitlines()
        if line.startswith(f"— {name} ")
        and (signature := base64.b64decode(line.rpartition(" ")[2], validate=True))[:4].hex() == key_id
    )
    Ed25519PublicKey.from_public_bytes(public[1:]).verify(signature_line[4:], text)
    return int(size), base64.b64decode(root, validate=True)


def check(receipt: bytes, vkey: str, number: str = "") -> dict[str, object]:
    """The facts of a receipt that holds. Raises AssertionError and others for one that does not."""
    head, _, note = receipt.partition(b"\n\n")
    first, extra, index, *path = head.decode().split("\n")
    assert first == "c2sp.org/tlog-proof@v1"
    opened = json.loads(base64.b64decode(extra.removeprefix("extra "), validate=True))
    assert jcs(opened) == base64.b64decode(extra.removeprefix("extra "))
    version = opened["v"]
    assert version == 2
    tags = {name: f"informativa/{name}/v{version}\n".encode() for name in ("what", "who", "record")}
    opens = {"person", "salt_who"} if "person" in opened else {"who"}
    assert set(opened) - {"opening_key"} == {"v", "facts", "salt_what"} | opens
    facts, salt = opened["facts"], bytes.fromhex(opened["salt_what"])
    facts_hash = sha256(tags["what"] + salt + jcs(facts))
    if "person" in opened:
        salt_who = bytes.fromhex(opened["salt_who"])
        assert len(salt) == len(salt_who) == 16
        assert salt != salt_who
        person = opened["person"]
        assert ("opening" in person) == ("binding" in person)
        person_hash = sha256(tags["who"] + salt_who + jcs(person))
    else:
        person_hash = bytes.fromhex(opened["who"])
    leaf = sha256(b"\x00" + tags["record"] + facts_hash + person_hash)

    size, root = checkpoint(note, vkey)
    place = int(index.removeprefix("index "))
    hashes = [base64.b64decode(text, validate=True) for text in path]
    assert 0 <= place < size
    assert root_of(leaf, place, size, hashes) == root, "it is not in the tree"
    assert (facts["log"], facts["record"]) == (vkey.split("+")[0], place)

    if "opening_key" in opened and "person" in opened:
        digest = sha256(b"informativa/opening/v2\n" + bytes.fromhex(opened["opening_key"])).hex()
        assert opened["person"].get("opening", digest) == digest, "the opening key is not this record's"
    if number:
        opening_key = bytes.fromhex(opened["opening_key"])
        binding = hmac.digest(opening_key, number.encode(), "sha256").hex()
        assert opened["person"]["binding"] == binding, "it is about another caller"
    return dict(facts)


COUNT, NUMBER, MINUTE = r"[1-9]\d*", r"\d+", r"\d{4}-\d\d-\d\dT\d\d:\d\dZ"
ORIGIN = r"[a-z0-9.-]+/informativa/[a-z0-9-]+/[a-z0-9-]+/[1-9]\d*"
KEY, TICKET = r"\S+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+", r"(?!.*\d{8})[A-Za-z0-9][A-Za-z0-9._/-]{0,39}"
SHARED = {
    "v": "2",
    "log": ORIGIN,
    "index": NUMBER,
    "at": MINUTE,
    "by": "service|command|console",
    "kind": ".*",
}
NOTES = {
    "rule": {
        "retention": r"P[1-9]\d{0,4}[MD]|none",
        "zone": r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}",
        "erasures": "each|standing",
        "processor": "0|1",
        "witnesses?": f"{KEY}( {KEY})*",
        "approver?": KEY,
        "instruction?": TICKET,
        "purged?": COUNT,
        "erased?": COUNT,
        "lost?": COUNT,
    },
    "purge": {"of": ORIGIN, "below": COUNT, "cutoff": MINUTE, "rule": NUMBER},
    "erasure": {"list": "[0-9a-f]{64}", "most": "10+", "instruction": TICKET},
    "lost": {"of": ORIGIN, "from": NUMBER, "to": COUNT, "instruction": TICKET},
    "new-log": {
        "after": f"{ORIGIN} \\d+ [0-9a-f]{{64}}(; {ORIGIN} \\d+ [0-9a-f]{{64}})*",
        "instruction?": TICKET,
    },
    "next": {"key": KEY},
    "approval": {"text": "(?s:.+)"},
}
"""The keys of each kind of note, with a `?` where they may be absent, and the forms of their values."""


def entries(folder: Path, size: int) -> list[bytes]:
    """C2SP tlog-tiles: entry bundles of 256, each entry after its length in two bytes; fewer than 256 in the
    last one."""
    strings = []
    for number in range(-(-size // 256)):
        width = min(256, size - number * 256)
        name = f"{number:03}" + (f".p/{width}" if width < 256 else "")
        data = (folder / "tile/entries" / name).read_bytes()
        for _ in range(width):
            length = int.from_bytes(data[:2], "big")
            strings.append(data[2 : 2 + length])
            data = data[2 + length :]
        assert not data, "the bundle is too long"
    return strings


def note(entry: bytes, origin: str, index: int) -> dict[str, str | int]:
    """Return what a note says that is so in itself."""
    text = entry.removeprefix(b"informativa/note/v2\n")
    fields = json.loads(text)
    assert len(entry) <= 16_384
    assert jcs(fields) == text
    forms = SHARED | NOTES[fields["kind"]]
    assert (
        {key for key in forms if not key.endswith("?")} <= set(fields) <= {key.rstrip("?") for key in forms}
    )
    for key, form in forms.items():
        value = fields.get(key.rstrip("?"))
        assert value is None or re.fullmatch(form, str(value)), key
        assert value is None or isinstance(value, int) == (form in ("2", "0|1", COUNT, NUMBER, "10+")), key
    assert (fields["log"], fields["index"]) == (origin, index)
    before = {"below": index, "to": index} if fields.get("of") == origin else {}
    before |= {"rule": index - 1}
    assert all(fields[key] <= most for key, most in before.items() if key in fields)
    assert fields.get("cutoff", "") <= fields["at"]
    assert fields["kind"] != "new-log" or index == 0
    return dict(fields)


def approval(signed: str, vkey: str) -> tuple[int, set[tuple[str, int, bytes]]]:
    """The time of an approval that this key signed, and its leaves: origin, index and leaf hash."""
    text, _, signatures = signed.partition("\n\n")
    name, key_id, key = vkey.split("+", 2)
    public = base64.b64decode(key, validate=True)
    assert sha256(name.encode() + b"\n" + public)[:4].hex() == key_id
    lines = [line for line in signatures.splitlines() if line.startswith(f"— {name} ")]
    signature = base64.b64decode(lines[0].rpartition(" ")[2], validate=True)
    assert signature[:4].hex() == key_id
    assert public[0] == 1
    Ed25519PublicKey.from_public_bytes(public[1:]).verify(signature[4:], f"{text}\n".encode())
    first, time, *leaves = text.split("\n")
    assert first == "informativa/approval/v1"
    assert 1 <= len(leaves) <= 64
    assert leaves == sorted(leaves, key=str.encode)
    named = [line.split(" ") for line in leaves]
    assert len({(origin, index) for origin, index, _hash in named}) == len(leaves)
    return int(time.removeprefix("time ")), {
        (origin, int(index), base64.b64decode(digest, validate=True)) for origin, index, digest in named
    }


def needs_approval(
    fields: dict[str, str | int], rule: dict[str, str | int] | None, *, continues: bool
) -> bool:
    """Return whether a note needs an approval, by the table of the page. `rule` is the one in force, and
    `continues` says that the log before ended with a `next` that has this log's key."""
    match fields["kind"]:
        case "lost":
            return True
        case "new-log":
            return "instruction" in fields or not continues
        case "erasure":
            return rule is None or rule["erasures"] == "each"
        case "rule":
            if {"purged", "erased", "lost"} & set(fields):
                return True
            guarded = ("erasures", "processor", "witnesses", "approver")
            changed = rule and any(fields.get(key) != rule.get(key) for key in guarded)
            return bool(changed) or bool(rule and shorter(str(fields["retention"]), str(rule["retention"])))
    return False


def shorter(now: str, before: str) -> bool:
    """Return whether a retention is shorter than the one before, in doubt it is."""
    if now in ("none", before):
        return False
    if before == "none":
        return True
    if now[-1] == before[-1]:
        return int(now[1:-1]) < int(before[1:-1])
    days = {"M": (28, 31), "D": (1, 1)}
    return int(now[1:-1]) * days[now[-1]][0] < int(before[1:-1]) * days[before[-1]][1]


def erased(file: bytes, digest: str) -> list[list[tuple[str, int]]]:
    """The leaves in the private list of an erasure: those of the caller, and those that rested on them."""
    tag, salt, lines = file.split(b"\n", 2)
    assert tag == b"informativa/list/v2"
    assert len(bytes.fromhex(salt.decode())) == 16
    assert sha256(tag + b"\n" + bytes.fromhex(salt.decode()) + lines).hex() == digest
    own, _, resting = b"\n".join([b"", lines]).partition(b"\n\n")
    parts = [part.decode().split("\n") for part in (own.removeprefix(b"\n"), resting)]
    assert all(part == sorted(part) or part[-1] == "" for part in parts)
    return [[(line.split(" ")[0], int(line.split(" ")[1])) for line in part if line] for part in parts]


@dataclass
class Leaf:
    """A leaf of a log: a record, or what a note says; whether that needs an approval, and
    whether it has one."""

    kind: str
    hash: bytes
    fields: dict[str, str | int] | None = None
    needs: bool = False
    approved: bool = False


def read(logs: list[tuple[Path, str]], approver: str) -> list[list[Leaf]]:
    """All leaves of logs that follow one another, each in a folder and by its key. Raises AssertionError and
    others for a log that is not what its checkpoint says, or a leaf that is none of the page."""
    result: list[list[Leaf]] = []
    rule: dict[str, str | int] | None = None
    approved: set[tuple[str, int, bytes]] = set()
    end: tuple[str, str] | None = None  # the last tree, and the key that its `next` names
    for folder, vkey in logs:
        origin = vkey.split("+")[0]
        size, root = checkpoint((folder / "checkpoint").read_bytes(), vkey)
        leaves: list[Leaf] = []
        for index, entry in enumerate(entries(folder, size)):
            tag, _, rest = entry.partition(b"\n")
            leaf = Leaf(tag.decode().removeprefix("informativa/"), sha256(b"\x00" + entry))
            leaves.append(leaf)
            if leaf.kind == "record/v2":
                assert len(rest) == 64
                continue
            assert leaf.kind == "note/v2"
            leaf.fields = note(entry, origin, index)
            leaf.kind = str(leaf.fields["kind"])
            continues = end == (leaf.fields.get("after"), vkey)
            leaf.needs = needs_approval(leaf.fields, rule, continues=continues)
            if leaf.kind == "rule":
                rule = leaf.fields
            if leaf.kind == "approval":
                approved |= approval(str(leaf.fields["text"]), approver)[1]
        assert roots([leaf.hash for leaf in leaves], {size})[size] == root
        minutes = [str(leaf.fields["at"]) for leaf in leaves if leaf.fields]
        assert minutes == sorted(minutes)
        last = leaves[-1].fields or {}
        end = (f"{origin} {size} {root.hex()}", str(last.get("key", "")))
        result.append(leaves)
    for (_folder, vkey), leaves in zip(logs, result, strict=True):
        for index, leaf in enumerate(leaves):
            leaf.approved = (vkey.split("+")[0], index, leaf.hash) in approved
    return result


if __name__ == "__main__":
    print(json.dumps(check(Path(sys.argv[1]).read_bytes(), *sys.argv[2:]), indent=2))
