"""Anything at all, as an environment, as replies and as a caller's name and number."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import itertools
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from informativa.call import agi
from informativa.model.errors import ProtocolError
from torture import fuzzing

TESTS = Path(__file__).parents[1]
Rounds = Callable[[int, int], int]

fragment = st.one_of(
    st.sampled_from(fuzzing.FRAGMENTS), st.sampled_from(fuzzing.REPLIES), st.binary(max_size=30)
)
hostile = st.lists(fragment, max_size=6).map(b"".join)
good = st.sampled_from(fuzzing.REPLIES)
replies = st.lists(st.one_of(good, good, hostile), max_size=8)
places = st.lists(st.integers(0, 1_000), max_size=4)
called = st.sampled_from([fuzzing.LINE.number.encode(), b"0299999999", b"+393331234567"])


def attempts(count: int) -> settings:
    """Return so many attempts, however long each takes."""
    return settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck))


def cut(data: bytes, at: list[int]) -> list[bytes]:
    """The data in pieces that end at these places."""
    ends = sorted({place % (len(data) + 1) for place in at} | {0, len(data)})
    return [data[start:end] for start, end in itertools.pairwise(ends)]


def test_i1_no_name_or_number_makes_another_call_of_it(rounds: Rounds) -> None:
    """I1: whatever a caller calls himself, the line and the dialplan's options stay, or count for nothing."""

    @attempts(rounds(300, 300_000))
    @given(hostile, hostile)
    @example(b"", b"\nagi_threadid: 1\n")  # an environment that ends too early
    def attempt(name: bytes, number: bytes) -> None:
        with contextlib.suppress(ProtocolError):
            parts = agi.split_environment(fuzzing.environment(name, number))
            assert parts is not None
            agi.ReplyReader().unasked(parts[1])  # refuses all but an environment that ended where it should
            call = agi.parse_environment(parts[0])
            assert call.options in ({}, {"linked": "1700000000.1"})
            assert call.ambiguous or (call.line, call.presentation) == (fuzzing.LINE.number, 0)

    attempt()


def test_environment_in_any_pieces(rounds: Rounds) -> None:
    """The pieces that an environment comes in, and what they are, never matter to how it is understood."""

    def understood(pieces: list[bytes]) -> object:
        raw = b""
        with contextlib.suppress(ProtocolError):
            for number, piece in enumerate(pieces):
                raw += piece
                if (parts := agi.split_environment(raw)) is not None:
                    return agi.parse_environment(parts[0]), parts[1] + b"".join(pieces[number + 1 :])
        return None

    @attempts(rounds(200, 100_000))
    @given(hostile, hostile, places)
    def attempt(name: bytes, rest: bytes, at: list[int]) -> None:
        sent = fuzzing.environment(name) + rest
        assert understood(cut(sent, at)) == understood([sent])

    attempt()


def test_replies_in_any_pieces(rounds: Rounds) -> None:
    """Whatever bytes come as a reply, in whatever pieces: the same reply and hang-up, or an error."""

    def understood(pieces: list[bytes]) -> object:
        reader, reply = agi.ReplyReader(), None
        try:
            for piece in pieces:
                if reply is None:
                    reply = reader.feed(piece)
                else:
                    reader.unasked(piece)
        except ProtocolError:
            return None
        return reply, reader.hung_up

    @attempts(rounds(300, 200_000))
    @given(replies, places)
    def attempt(chunks: list[bytes], at: list[int]) -> None:
        sent = b"".join(chunks)
        assert understood(cut(sent, at)) == understood([sent])

    attempt()


def test_arguments_come_out_as_they_went_in(rounds: Rounds) -> None:
    """A word is refused, or Asterisk gets it whole, as one argument of one command."""

    @attempts(rounds(300, 100_000))
    @given(st.lists(st.one_of(st.text(), hostile.map(lambda data: data.decode("latin-1"))), max_size=4))
    def attempt(words: list[str]) -> None:
        with contextlib.suppress(ValueError):
            line = agi.command("EXEC", *words)
            assert line.count(b"\n") == 1
            assert len(line) <= agi.MAX_COMMAND
            assert shlex.split(line.decode()) == ["EXEC", *words]

    attempt()


def test_i4_sessions_with_any_peer_end_and_say_what_they_should(rounds: Rounds) -> None:
    """I4: whatever a peer sends, and when, the service says only what it means to, and lets go of it."""

    @attempts(rounds(300, 200_000))
    @given(hostile, hostile, called, replies, places, st.sampled_from([0, 6]))
    def attempt(
        name: bytes, number: bytes, line: bytes, sent_after: list[bytes], at: list[int], turns: int
    ) -> None:
        sent = [*cut(fuzzing.environment(name, number, arg_1=line), at), *sent_after]
        lines = runner.run(fuzzing.serve([(chunk, turns) for chunk in sent]))
        assert fuzzing.unintended(lines) == []

    with asyncio.Runner() as runner:
        attempt()


def test_i4_peers_that_are_no_asterisk(rounds: Rounds) -> None:
    """I4: bytes that are no environment end as quietly, and a call that finds no session is told so."""

    @attempts(rounds(200, 50_000))
    @given(st.lists(hostile, max_size=5), st.integers(0, 1), st.booleans())
    def attempt(sent: list[bytes], sessions: int, asterisk: bool) -> None:
        sent = [fuzzing.environment(), *sent] if asterisk else sent
        lines = runner.run(fuzzing.serve([(chunk, 1) for chunk in sent], sessions=sessions))
        assert fuzzing.unintended(lines) == []
        assert (lines == [fuzzing.BUSY]) == (asterisk and not sessions)

    with asyncio.Runner() as runner:
        attempt()


def test_i4_script_with_any_asterisk_ends_and_says_what_it_should(
    rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I4: the same of the classic script."""

    @attempts(rounds(200, 100_000))
    @given(hostile, hostile, called, replies)
    def attempt(name: bytes, number: bytes, line: bytes, sent_after: list[bytes]) -> None:
        sent = [fuzzing.environment(name, number, arg_1=line), *sent_after]
        assert fuzzing.unintended(fuzzing.run_script(sent, monkeypatch)) == []

    attempt()


@pytest.mark.skipif(not importlib.util.find_spec("atheris"), reason="atheris is not installed")
def test_i4_sessions_by_every_branch(rounds: Rounds) -> None:
    """I4: the same of a service again, with bytes made up so that they take each branch of the code."""
    if not (seconds := rounds(0, 600)):
        pytest.skip("only in the long form")
    command = [sys.executable, "-m", "torture.guided", str(seconds)]
    ran = subprocess.run(command, cwd=TESTS, capture_output=True, timeout=seconds + 300, check=False)
    assert ran.returncode == 0, ran.stderr.decode(errors="replace")[-5_000:]
