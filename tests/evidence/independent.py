"""A verifier of receipts, from docs/evidence.md and C2SP alone: it shares no line with the program."""

import base64
import hashlib
import hmac
import json
import sys
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
    assert version in (1, 2)
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
        assert ("opening" in person) == (version == 2 and "binding" in person)
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

    if version == 2 and "opening_key" in opened and "person" in opened:
        digest = sha256(b"informativa/opening/v2\n" + bytes.fromhex(opened["opening_key"])).hex()
        assert opened["person"].get("opening", digest) == digest, "the opening key is not this record's"
    if number:
        opening_key = bytes.fromhex(opened["opening_key"])
        binding = hmac.digest(opening_key, number.encode(), "sha256").hex()
        assert opened["person"]["binding"] == binding, "it is about another caller"
    return dict(facts)


if __name__ == "__main__":
    print(json.dumps(check(Path(sys.argv[1]).read_bytes(), *sys.argv[2:]), indent=2))
