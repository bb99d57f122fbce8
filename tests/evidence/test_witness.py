"""A witness by itself: what it answers, and that it never contradicts itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import event, given, settings, target
from hypothesis import strategies as st

from evidence.witnessing import ORIGIN, SIGNER, MemoryLog
from informativa.evidence import note, tree
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.cosignature import WitnessSigner
from informativa.evidence.note import Signer, parse_signatures
from informativa.evidence.witness import AddCheckpoint, Response, decide, logs_of, open_request
from lab.chance import by_day

WITNESS = WitnessSigner("home.example", bytes(range(1, 33)))
NOW = 1_795_600_000
LOGS = logs_of([SIGNER.verifier])
LOG = MemoryLog.of(20)
# c2sp.org/tlog-witness, "add-checkpoint"
EXAMPLE = (
    "old 20852014\n"
    "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
    "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n"
    "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n"
    "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n"
    "\n"
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9"
    "nTo+zyWE+xeMcTOAYQ8=\n"
    "— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUX"
    "TS5Rovnzv++qbSzm9Q=\n"
).encode()


def answered(body: bytes, last: Checkpoint | None = None) -> Response:
    """Return the answer of a witness that signed `last`."""
    request_or_answer = open_request(body, LOGS)
    return (
        request_or_answer
        if isinstance(request_or_answer, Response)
        else decide(*request_or_answer, last, WITNESS, NOW)
    )


def parts_of(answer: Response) -> tuple[int, str, str]:
    """The answer, as it goes out."""
    return answer.status, answer.kind, answer.body.decode()


def test_the_example_of_the_specification_is_read_and_written() -> None:
    """Four hashes from 20852014 on; the log is one that this witness does not know."""
    request = AddCheckpoint.parse(EXAMPLE)
    assert request.old_size == 20_852_014
    assert len(request.proof) == 4
    assert request.body == EXAMPLE
    assert parts_of(answered(EXAMPLE)) == (
        404,
        "text/plain; charset=utf-8",
        "This witness does not know the log.\n",
    )


@pytest.mark.parametrize(("old", "size"), [(0, 0), (0, 1), (0, 13), (1, 13), (8, 13), (13, 13), (13, 20)])
def test_what_extends_the_last_is_signed(old: int, size: int) -> None:
    """The answer is one line that verifies as the witness's for this checkpoint, at its time."""
    last = LOG.checkpoint(old) if old else None
    answer = answered(LOG.request(old, size).body, last)
    assert (answer.status, answer.signed) == (200, LOG.checkpoint(size))
    (signature,) = parse_signatures(answer.body.decode())
    assert (signature.name, signature.key_id) == ("home.example", WITNESS.verifier.key_id)
    assert int.from_bytes(signature.data[:8], "big") == NOW
    assert WITNESS.verifier.verify(LOG.checkpoint(size).text, signature.data)


@pytest.mark.parametrize(("old", "last", "size"), [(0, 5, 8), (5, 0, 8), (7, 5, 8), (5, 8, 6)])
def test_another_size_than_the_last_is_409_with_the_size(old: int, last: int, size: int) -> None:
    """A client learns the witness's size by it."""
    answer = answered(LOG.request(old, size).body, LOG.checkpoint(last) if last else None)
    assert parts_of(answer) == (409, "text/x.tlog.size", f"{last}\n")


def test_another_tree_of_the_same_size_is_409() -> None:
    """A fork at the same size is not signed."""
    fork = MemoryLog.of(13, fork=12)
    assert parts_of(answered(fork.request(13, 13).body, LOG.checkpoint(13))) == (
        409,
        "text/x.tlog.size",
        "13\n",
    )


@pytest.mark.parametrize("at", [0, 3, 12])
def test_a_fork_is_422(at: int) -> None:
    """A larger tree that does not begin with the last one is not signed, with its own proof."""
    fork = MemoryLog.of(20, fork=at)
    assert answered(fork.request(13, 20).body, LOG.checkpoint(13)).status == 422


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"proof": ()}, 422),
        ({"proof": (bytes(32),)}, 422),
        ({"old_size": 20}, 400),
        ({"old_size": 0}, 409),
    ],
)
def test_a_proof_that_does_not_fit_is_refused(change: dict[str, object], status: int) -> None:
    """Cut off, made up, from a larger size than the checkpoint's, or from another than the last."""
    request = replace(LOG.request(5, 13), **change)  # type: ignore[arg-type]
    assert answered(request.body, LOG.checkpoint(5)).status == status


def test_a_proof_from_nothing_must_be_empty() -> None:
    """With the old size 0 any hash is too much."""
    request = replace(LOG.request(0, 13), proof=(bytes(32),))
    assert answered(request.body).status == 422


def test_who_did_not_sign_is_403() -> None:
    """No known key's signature, a wrong one under a known key, or one of another log's key."""
    stranger = Signer(ORIGIN, bytes(32))
    other = Signer("acme.example/informativa/other/pbx-1/1", SIGNER.seed)
    text = LOG.checkpoint(5).text
    forged = note.sign(text, SIGNER).replace(b"1\n5\n", b"1\n6\n", 1)
    for data in (note.sign(text, stranger), note.sign(text, other), forged):
        assert answered(AddCheckpoint(0, (), data).body).status == 403


def test_signatures_of_unknown_keys_do_not_matter() -> None:
    """A log may have other witnesses' signatures under its checkpoint already."""
    data = note.sign(LOG.checkpoint(5).text, Signer("another.example", bytes(32)), SIGNER)
    assert answered(AddCheckpoint(0, (), data).body).status == 200


GOOD = LOG.request(5, 13).body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 5\n",
        GOOD.replace(b"old 5", b"old 05"),
        GOOD.replace(b"old 5", b"old -5"),
        GOOD.replace(b"old 5", b"old  5"),
        GOOD.replace(b"old 5", b"Old 5"),
        GOOD.replace(b"old 5\n", b"old 5\r\n"),
        GOOD.replace(b"old 5\n", b"old 5\nAAAA\n"),
        GOOD.replace(b"old 5\n", b"old 5\n" + b"A" * 43 + b"=\n" * 1 + (b"A" * 43 + b"=\n") * 63),
        GOOD.replace(b"\n13\n", b"\n013\n"),
        GOOD.replace(b"\n13\n", b"\n13\nextra\n"),
        GOOD[:-1],
        GOOD + b"\n",
        GOOD.replace(b"acme", b"\xff\xfe"),
        b"old 0\n\n" + b"x" * 200_000,
        AddCheckpoint(0, (), note.sign(f"{ORIGIN}\n0\n{'A' * 43}=\n", SIGNER)).body,
    ],
)
def test_what_is_no_request_is_400(body: bytes) -> None:
    """Anything that is not in the format, byte for byte, and an empty tree with another root."""
    assert answered(body, LOG.checkpoint(5)).status == 400


SIZES = st.integers(0, 9)


@settings(max_examples=by_day(100, at_night=300), deadline=None)
@given(
    requests=st.lists(
        st.tuples(
            st.one_of(st.none(), st.none(), st.integers(0, 8)),  # where the log forks
            SIZES,  # the old size that is said
            SIZES,  # the size; or how many more, where the old size is the true one
            st.sampled_from(["true", "true", "true", "ours", "none", "long"]),
            st.sampled_from([True, True, True, False]),  # whether the old size that is said is the true one
        ),
        min_size=4,
        max_size=12,
    )
)
@pytest.mark.slow
def test_no_two_signed_checkpoints_contradict_each_other(
    requests: list[tuple[int | None, int, int, str, bool]],
) -> None:
    """Whatever is sent, of two checkpoints that were signed one begins with the other."""
    last: Checkpoint | None = None
    signed: list[tuple[int | None, int]] = []
    for fork, old, size, kind, honest in requests:
        log = MemoryLog.of(9, fork)
        if honest:
            old = last.size if last else 0
            size = min(old + size // 3, 9)
        proofs = {
            "true": tree.consistency_proof(min(old, size), size, log.hash),
            "none": (),
            "ours": tree.consistency_proof(min(old, size), size, LOG.hash),
            "long": (*tree.consistency_proof(min(old, size), size, log.hash), bytes(32)),
        }
        answer = answered(AddCheckpoint(old, proofs[kind], log.note(size)).body, last)
        if answer.status == 200:
            assert answer.signed == log.checkpoint(size)
            last = answer.signed
            signed.append((fork, size))
    target(len({size for _, size in signed}))
    event(f"signed: {min(len(signed), 4)}")
    event(f"forks signed: {len({fork for fork, _ in signed if fork is not None})}")
    for at, (fork, size) in enumerate(signed):
        for later, larger in signed[at:]:
            assert larger >= size
            assert MemoryLog.of(9, fork).leaves[:size] == MemoryLog.of(9, later).leaves[:size]
