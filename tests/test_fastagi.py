"""The FastAGI server over real sockets, with peers that are friendly, slow, broken or gone."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from doubles import SHORT
from informativa.asterisk import agi_session, fastagi, peers
from informativa.asterisk.fastagi import FastAgiServer
from informativa.asterisk.peers import Tokens
from informativa.model import Playback
from informativa.model.errors import SessionError
from informativa.model.ports import CallSession

ENVIRONMENT = (
    b"agi_network: yes\nagi_network_script: notice\nagi_request: agi://127.0.0.1/notice\n"
    b"agi_uniqueid: 1.1\nagi_callerid: +393331234567\nagi_callingpres: 0\nagi_threadid: 1\n"
    b"agi_arg_1: 0212345678\n\n"
)
ANSWER = b"ANSWER\n"
STREAM = b'STREAM FILE "/prompts/it/short" "1" "0"\n'
STATUS = b"CHANNEL STATUS\n"

Story = Callable[[CallSession], Awaitable[Any]]
Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Outcome:
    """The value that the handler of one call returned, or the error that it raised."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.errors: list[BaseException] = []


def converse(story: Story, peer: Peer, *, sessions: int = 10) -> Outcome:
    """Run a server whose handler is `story`, let `peer` talk to it, and wait until the call is over."""
    outcome = Outcome()

    async def handle(session: CallSession) -> None:
        try:
            outcome.values.append(await story(session))
        except BaseException as error:
            outcome.errors.append(error)
            raise

    async def run() -> None:
        server = FastAgiServer(handle, sessions=sessions)
        host, port = await server.start("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(host, port)
        await peer(reader, writer)
        writer.close()
        assert await server.stop(10) == 0

    asyncio.run(asyncio.wait_for(run(), 30))
    return outcome


async def play(session: CallSession) -> Playback:
    """Play the prompt."""
    return await session.play(SHORT, "1")


def answers(*replies: bytes, chunk: int = 0) -> Peer:
    """An Asterisk that answers each command with one of these, whole or `chunk` bytes at a time."""

    async def send(writer: asyncio.StreamWriter, data: bytes) -> None:
        size = chunk or len(data)
        for start in range(0, len(data), size):
            writer.write(data[start : start + size])
            await writer.drain()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await send(writer, ENVIRONMENT)
        for reply in replies:
            await reader.readline()
            await send(writer, reply)
        await reader.read()  # until the server closes

    return peer


@pytest.mark.parametrize("chunk", [0, 1, 2, 16, 128])
@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ((b"200 result=0\n", b"200 result=0 endpos=80000\n"), (0, 80_000, True)),
        ((b"200 result=0\n", b"200 result=49 endpos=24000\n"), (49, 24_000, True)),
        (
            (b"200 result=0\n", b"200 result=-1 endpos=20160\n", b"HANGUP\n200 result=6\n"),
            (-1, 20_160, False),
        ),
        ((b"200 result=0\n", b"HANGUP\n200 result=-1 endpos=160\n", b"200 result=6\n"), (-1, 160, False)),
        ((b"200 result=0\n", b"200 result=-1 endpos=0\n", b"200 result=6\n"), (-1, 0, True)),
        ((b"200 result=-1\n", b"511 Command Not Permitted on a dead channel\n", b"511 No\n"), (-1, 0, False)),
        (
            (
                b"200 result=0\n",
                b"520-Invalid\nUsage: STREAM FILE\n520 End of proper usage.\n",
                b"200 result=6\n",
            ),
            (-1, 0, True),
        ),
        ((b"100 Trying...\n200 result=0\n", b"200 result=0 endpos=8\n"), (0, 8, True)),
    ],
)
def test_replies_in_any_chunks(replies, expected, chunk: int) -> None:
    """Whatever way the bytes arrive, the playback is what Asterisk said."""
    (playback,) = converse(play, answers(*replies, chunk=chunk)).values
    assert (playback.result, playback.endpos, playback.alive) == expected
    assert not playback.lost


def test_one_command_at_a_time() -> None:
    """A command goes out only when the one before it is answered: Asterisk would leave it lying."""
    commands_seen: list[bytes] = []

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ENVIRONMENT)
        for reply in (b"200 result=0\n", b"200 result=-1 endpos=0\n", b"200 result=6\n"):
            commands_seen.append(await reader.read(1000))
            writer.write(reply)
        await reader.read()

    converse(play, peer)
    assert commands_seen == [ANSWER, STREAM, STATUS]


@pytest.mark.parametrize("sent", range(0, 60, 3))
def test_i4_end_of_file_at_any_point_of_the_replies(sent: int) -> None:
    """I4: wherever Asterisk goes away, the playback counts as lost and nothing hangs."""
    replies = b"200 result=0\n200 result=-1 endpos=20160\nHANGUP\n200 result=6\n"

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ENVIRONMENT)
        assert await reader.readline() == ANSWER
        writer.write(replies[:sent])
        writer.write_eof()
        await reader.read()

    (playback,) = converse(play, peer).values
    assert playback.lost == (sent < len(replies))
    assert not playback.alive


@pytest.mark.parametrize("sent", range(0, len(ENVIRONMENT), 7))
def test_i4_peer_that_closes_early_stops_nobody(sent: int) -> None:
    """I4: half an environment and a closed connection, as of a health check, is no call and no loop."""

    async def peer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ENVIRONMENT[:sent])

    outcome = converse(play, peer)
    assert outcome.values == outcome.errors == []


@pytest.mark.parametrize(
    "data",
    [
        b"x" * 1_000_000,
        b"agi_request: x\n" * 50_000,
        b"GET / HTTP/1.1\r\n\r\n",
        b"\n\n",
        b"\0" * 100 + b"\n\n",
    ],
)
@pytest.mark.slow
def test_peer_that_speaks_something_else_is_shown_out(data: bytes) -> None:
    """Too much or not AGI: the server closes, and no call was handled."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        try:
            await writer.drain()
            assert await reader.read() == b""
        except ConnectionError:
            pass  # closed with our bytes unread

    assert converse(play, peer).values == []


def test_i4_silent_peer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """I4: a peer that connects and says nothing is closed when its time is over."""
    monkeypatch.setattr(fastagi, "HEADER_SECONDS", 0.05)

    async def peer(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        assert await reader.read() == b""

    assert converse(play, peer).values == []


def test_call_outlasts_what_was_timed_before() -> None:
    """Neither the time for the environment nor that for an earlier command ends a call that goes on."""
    later = 20.0  # seconds: longer than both, shorter than `converse` waits
    assert max(fastagi.HEADER_SECONDS, agi_session.PATIENCE) < later

    async def story(session: CallSession) -> bool:
        assert await session.put_database("informativa", "1.1", "x")
        loop = asyncio.get_running_loop()
        now = loop.time
        loop.time = lambda: now() + later  # type: ignore[method-assign]  # and nobody waits for it to go by
        await asyncio.sleep(0.001)  # what was due before is done before
        return await session.put_database("informativa", "1.2", "x")

    assert converse(story, answers(b"200 result=1\n", b"200 result=1\n")).values == [True]


def test_i4_oldest_stranger_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """I4: of too many peers that say nothing the one silent for longest is closed, and a call gets in."""
    monkeypatch.setattr(fastagi, "HEADER_SECONDS", 60.0)  # none of them is silent for too long

    async def run() -> None:
        called = asyncio.Event()

        async def answer(_session: CallSession) -> None:
            called.set()

        server = FastAgiServer(answer, sessions=1)
        server.pending = 3
        address = await server.start("127.0.0.1", 0)
        peers = [await asyncio.open_connection(*address) for _ in range(4)]
        assert await peers[0][0].read() == b""
        for _, writer in peers[2:]:
            writer.write(ENVIRONMENT)
            await called.wait()
            called.clear()
        assert not peers[1][0].at_eof()
        assert await server.stop(10) == 0
        assert await peers[1][0].read() == b""
        for _, writer in peers:
            writer.close()

    asyncio.run(asyncio.wait_for(run(), 30))


def test_peers_cannot_fill_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a peer causes to be logged again and again is logged once, and then counted for a while."""
    monkeypatch.setattr(peers, "SECONDS", 0.05)

    async def run(patience: float) -> None:
        server = FastAgiServer(play, sessions=0)
        address = await server.start("127.0.0.1", 0)
        for number in range(40):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"GET / HTTP/1.0\n\n" if number % 2 else ENVIRONMENT)
            await reader.read()
            writer.close()
        await asyncio.sleep(patience)
        await server.stop(10)

    for patience in (0.0, 0.2):
        with capture_logs() as logged:
            asyncio.run(asyncio.wait_for(run(patience), 30))
        for event in ("refused a call", "call abandoned"):
            lines = [line for line in logged if line["event"] == event]
            assert "more" not in lines[0]
            assert sum(line.get("more", 1) for line in lines) == 20


def test_unknown_script_is_closed() -> None:
    """A route that is not ours gets no call; the query string is not part of the route."""

    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ENVIRONMENT.replace(b"script: notice", b"script: other"))
        assert await reader.read() == b""

    async def query(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ENVIRONMENT.replace(b"script: notice", b"script: notice?a=b"))
        assert await reader.readexactly(len(ANSWER)) == ANSWER

    assert converse(play, other).values == []
    assert len(converse(play, query).values) == 1


def test_who_serves_is_said_and_no_call_taken() -> None:
    """On the route `status` the service says who it is, also when it is full of calls, and logs nothing."""

    async def run() -> bytes:
        server = FastAgiServer(play, sessions=0, about=lambda: "version=1")
        host, port = await server.start("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(ENVIRONMENT.replace(b"notice", b"status"))
        answer = await reader.read()
        writer.close()
        assert await server.stop(10) == 0
        return answer

    with capture_logs() as logs:
        answer = asyncio.run(asyncio.wait_for(run(), 30))
    assert answer == b'SET VARIABLE "INFORMATIVA_SERVICE" "version=1"\n'
    assert logs == []


def test_variables_are_set_in_one_command() -> None:
    """All result variables take one round trip, in their order."""

    async def story(session: CallSession) -> None:
        await session.set_variables({"A": "1", "B": "spool:1.1-privacy"})

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ENVIRONMENT)
        assert await reader.readuntil() == b'EXEC "MSet" "A=1,B=spool:1.1-privacy"\n'
        writer.write(b"200 result=0\n")
        await reader.read()

    outcome = converse(story, peer)
    assert (outcome.values, outcome.errors) == ([None], [])


def test_nothing_is_said_after_a_failure() -> None:
    """After a reply that is none, no further command is sent: its reply would be taken for another's."""

    async def story(session: CallSession) -> Playback:
        playback = await play(session)
        assert not await session.put_database("informativa", "1.1", "x")
        with pytest.raises(SessionError):
            await session.set_variables({"A": "1"})
        return playback

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ENVIRONMENT)
        assert await reader.readline() == ANSWER
        writer.write(b"agi_callingani2: 0\n")
        assert await reader.read() == b""

    (playback,) = converse(story, peer).values
    assert playback.lost


def test_replies_before_commands_are_refused() -> None:
    """What is answered before it was asked is forged, and no call is made of it."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ENVIRONMENT + b"200 result=0\n200 result=0 endpos=80000\n200 result=0\n")
        assert await reader.read() == b""

    assert converse(play, peer).values == []


@pytest.mark.parametrize("reply", [b"200 result=-2\n", b"510 Invalid\n", b"511 Not permitted\n"])
def test_refused_variables_are_an_error(reply: bytes) -> None:
    """If Asterisk does not take the status, the call was not told, and that is an error."""

    async def story(session: CallSession) -> None:
        await session.set_variables({"A": "1"})

    (error,) = converse(story, answers(reply)).errors
    assert isinstance(error, SessionError)


@pytest.mark.parametrize("value", ["1,B=2", '1"', "1\nANSWER"])
def test_no_second_variable_in_a_value(value: str) -> None:
    """A value that could become another variable or command is refused before it is sent."""

    async def story(session: CallSession) -> None:
        await session.set_variables({"A": value})

    (error,) = converse(story, answers()).errors
    assert isinstance(error, ValueError)


@pytest.mark.parametrize(
    ("reply", "confirmed"), [(b"200 result=1\n", True), (b"200 result=0\n", False), (b"510\n", False)]
)
def test_database_entry_is_confirmed(reply: bytes, confirmed: bool) -> None:
    """An AstDB entry counts only when Asterisk says that it has it."""

    async def story(session: CallSession) -> bool:
        return await session.put_database("informativa", "1.1", "a=b|c=d")

    assert converse(story, answers(reply)).values == [confirmed]


def test_calls_above_the_cap_are_turned_away_at_once() -> None:
    """With all sessions taken a further call is told so and closed, and a later one is served again."""

    async def run() -> None:
        entered, leave = asyncio.Event(), asyncio.Event()

        async def hold(_session: CallSession) -> None:
            entered.set()
            await leave.wait()

        server = FastAgiServer(hold, sessions=1)
        address = await server.start("127.0.0.1", 0)
        first, first_writer = await asyncio.open_connection(*address)
        first_writer.write(ENVIRONMENT)
        await entered.wait()
        second, second_writer = await asyncio.open_connection(*address)
        second_writer.write(ENVIRONMENT)
        assert await second.read() == b'SET VARIABLE "INFORMATIVA_REASON" "service-busy"\n'
        assert server.turned_away == {"busy": 1, "script": 0, "token": 0, "abandoned": 0, "stuck": 0}
        leave.set()
        assert await first.read() == b""
        entered.clear()
        _, third_writer = await asyncio.open_connection(*address)
        third_writer.write(ENVIRONMENT)
        await entered.wait()
        for writer in (first_writer, second_writer, third_writer):
            writer.close()
        await server.stop(10)

    asyncio.run(asyncio.wait_for(run(), 30))


def test_i4_call_for_which_nothing_is_done_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """I4: one whose ledger never answers is closed, logged and counted after three looks, so that the
    dialplan goes on, also where it does not end by being cancelled; one that plays meanwhile is not."""
    monkeypatch.setattr(fastagi, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(fastagi, "THINKING_SECONDS", 0.1)

    async def run() -> None:
        plays, playbacks, over = asyncio.Event(), list[Any](), asyncio.Event()

        async def answer(session: CallSession) -> None:
            if not plays.is_set():
                plays.set()
                playbacks.append(await session.play(SHORT, "1"))
                return
            try:
                await asyncio.Event().wait()
            finally:
                await over.wait()

        server = FastAgiServer(answer, sessions=5)
        address = await server.start("127.0.0.1", 0)
        heard, hears = await asyncio.open_connection(*address)
        hears.write(ENVIRONMENT)
        await heard.readline()
        hears.write(b"200 result=0\n")
        await heard.readline()
        stuck, writer = await asyncio.open_connection(*address)
        with capture_logs() as logged:
            writer.write(ENVIRONMENT)
            assert await stuck.read() == b""
        assert [line["event"] for line in logged] == ["a call was given up: nothing was done for it in time"]
        assert server.turned_away["stuck"] == 1
        hears.write(b"200 result=0 endpos=80000\n")
        assert await heard.read() == b""
        assert [playback.endpos for playback in playbacks] == [80_000]
        over.set()
        for stream in (hears, writer):
            stream.close()
        assert await server.stop(10) == 0

    asyncio.run(asyncio.wait_for(run(), 30))


def test_stopping_lets_calls_end_and_cuts_off_the_rest() -> None:
    """A stop waits for calls in progress; those that outlast its patience are cancelled and counted."""

    async def run(patience: float) -> int:
        entered, leave = asyncio.Event(), asyncio.Event()

        async def hold(_session: CallSession) -> None:
            entered.set()
            await leave.wait()

        server = FastAgiServer(hold, sessions=5)
        _, writer = await asyncio.open_connection(*await server.start("127.0.0.1", 0))
        writer.write(ENVIRONMENT)
        await entered.wait()
        stop = asyncio.create_task(server.stop(patience))
        if patience:
            leave.set()
        cancelled = await stop
        writer.close()
        return cancelled

    assert asyncio.run(asyncio.wait_for(run(10), 30)) == 0
    assert asyncio.run(asyncio.wait_for(run(0), 30)) == 1


def test_call_that_is_cut_off_before_it_began_is_closed() -> None:
    """A call that is cancelled between its environment and its first step leaves no connection open."""

    async def run() -> None:
        server = FastAgiServer(play, sessions=1)
        before = asyncio.all_tasks()

        def promote(*given: Any) -> None:
            FastAgiServer.promote(server, *given)
            for task in asyncio.all_tasks() - before:
                task.cancel()

        server.promote = promote
        reader, writer = await asyncio.open_connection(*await server.start("127.0.0.1", 0))
        writer.write(ENVIRONMENT)
        assert await reader.read() == b""
        writer.close()
        assert await server.stop(10) == 0

    asyncio.run(asyncio.wait_for(run(), 30))


def test_defect_in_the_handler_closes_the_call_and_serves_the_next() -> None:
    """An unexpected exception ends one connection; the dialplan's next try does the rest."""

    async def broken(_session: CallSession) -> None:
        raise RuntimeError("defect")

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ENVIRONMENT)
        assert await reader.read() == b""

    (error,) = converse(broken, peer).errors
    assert isinstance(error, RuntimeError)


NEW, OLD = "5e" * 32, "0d" * 32


def knocking(script: str) -> bytes:
    """An environment for this script."""
    return ENVIRONMENT.replace(b"script: notice", f"script: {script}".encode())


@pytest.mark.parametrize(
    "script",
    [
        "notice",
        "notice/",
        f"notice/{NEW[:-1]}",
        f"notice/{NEW}0",
        f"notice/{OLD}",
        "status",
        "other",
        NEW,
    ],
)
def test_i8_who_does_not_know_the_token_is_refused(script: str) -> None:
    """I8: without the token there is no call, no word, no session: not even what is wrong with the rest is
    told, and neither answer nor log has a token."""

    async def run() -> None:
        server = FastAgiServer(play, sessions=0, about=lambda: "version=1", tokens=Tokens([NEW]))
        address = await server.start("127.0.0.1", 0)
        for sent in (knocking(script), knocking(script).replace(b"agi_threadid: 1\n", b"")):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(sent)
            assert await reader.read() == b""
            writer.close()
        assert server.turned_away == {"busy": 0, "script": 0, "token": 2, "abandoned": 0, "stuck": 0}
        await server.stop(10)

    with capture_logs() as logs:
        asyncio.run(asyncio.wait_for(run(), 30))
    assert [line["event"] for line in logs] == ["refused a peer without the token"] * 2
    assert not any(token[:60] in str(logs) for token in (NEW, OLD))


def test_i8_old_token_ends_with_the_first_call_of_the_new() -> None:
    """I8: a token that was put away is good until a call, not only a question, comes with the new one, and no
    more after the configuration is loaded once more."""
    tokens = Tokens([NEW, OLD])

    async def run() -> list[bytes]:
        server = FastAgiServer(play, sessions=9, about=lambda: "version=1", tokens=tokens)
        address = await server.start("127.0.0.1", 0)
        commands_read = []
        for script in (f"notice/{OLD}", f"status/{NEW}", f"notice/{OLD}", f"notice/{NEW}", f"notice/{OLD}"):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(knocking(script))
            commands_read.append(await reader.readline())
            writer.close()
        await server.stop(10)
        return commands_read

    answer = b'SET VARIABLE "INFORMATIVA_SERVICE" "version=1"\n'
    with capture_logs():
        assert asyncio.run(asyncio.wait_for(run(), 30)) == [ANSWER, answer, ANSWER, ANSWER, b""]
    tokens.load([NEW, OLD])
    assert not tokens.admit(OLD.encode())
    tokens.load(["ab" * 32, NEW, OLD])
    assert tokens.admit(NEW.encode())


def test_i8_silent_peers_do_not_keep_a_call_out() -> None:
    """I8: with 200 connections that say nothing and 100 that say all but the token, the one session is free
    for a call that says it."""

    async def run() -> None:
        server = FastAgiServer(play, sessions=1, tokens=Tokens([NEW]))
        address = await server.start("127.0.0.1", 0)
        idle = [await asyncio.open_connection(*address) for _ in range(300)]
        for _, writer in idle[200:]:
            writer.write(knocking("notice"))
        reader, writer = await asyncio.open_connection(*address)
        writer.write(knocking(f"notice/{NEW}"))
        assert await reader.readline() == ANSWER
        for _, other in (*idle, (reader, writer)):
            other.close()
        await server.stop(10)

    with capture_logs():
        asyncio.run(asyncio.wait_for(run(), 30))


def test_call_that_is_over_leaves_nothing_to_the_collector() -> None:
    """A session goes when its call does: no circle of references holds it until a collection."""
    sessions: list[weakref.ref[CallSession]] = []

    async def story(session: CallSession) -> Playback:
        sessions.append(weakref.ref(session))
        return await play(session)

    gc.disable()
    try:
        converse(story, answers(b"200 result=0\n", b"200 result=0 endpos=80000\n"))
        assert [session() for session in sessions] == [None]
    finally:
        gc.enable()
