"""The sending to a hook with a client that answers as the test says: pauses, rounds, errors, and the log."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from consenting import answered_by_key
from hooking import acme, hook_up
from informativa.config import load
from informativa.ledgers import outbox
from informativa.model import Answer, Controller
from informativa.model.hooks import Hook, HookMessage, HookReply
from informativa.operations import hooks
from informativa.process import hook_sending, storage
from informativa.process.hook_sending import HookSending

START = datetime(2026, 11, 25, 13, tzinfo=UTC)
TOOK, DOWN, REFUSED = HookReply(204), HookReply(0, "Connection refused"), HookReply(422)


@dataclass
class Line:
    """A sending whose clock and whose hook do as the test says: `replies` are the hook's, one a message, and
    then it takes all; each takes `seconds`."""

    controller: Controller
    now: float = 0.0
    seconds: float = 0.0
    replies: list[HookReply] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    closed: list[Hook] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sending = HookSending(self._time, lambda: self.now, lambda: 1.0)

    def client(self, hook: Hook) -> Client:
        """Open a connection."""
        return Client(hook, self)

    def send(self, after: float = 0.0) -> outbox.OutboxState | None:
        """Let seconds pass, and send."""
        self.now += after
        return self.sending.send(self.controller)

    def _time(self) -> datetime:
        return START + timedelta(seconds=self.now)


class Client:
    """A connection to the hook."""

    def __init__(self, hook: Hook, line: Line) -> None:
        self.hook, self._line = hook, line

    def send(self, name: str, body: bytes, now: datetime) -> HookReply:
        """Take the next reply."""
        assert name in body.decode()
        assert now == START + timedelta(seconds=self._line.now)
        self._line.sent.append(name)
        self._line.now += self._line.seconds
        return self._line.replies.pop(0) if self._line.replies else TOOK

    def close(self) -> None:
        """Note which one it was."""
        self._line.closed.append(self.hook)


Made = Callable[..., Line]


@pytest.fixture
def hooked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Return a function that makes a company with so many messages of different callers."""

    def make(messages: int, *replies: HookReply, seconds: float = 0.0) -> Line:
        controller = acme(hook_up(folder, "http://127.0.0.1:1/"))
        event = answered_by_key(controller, Answer.GRANTED, "4", START)
        assert event.asked is not None
        asked = [replace(event.asked, subject=f"c{number}") for number in range(messages)]
        with closing(storage.store(controller)) as ledger:
            ledger.append([replace(event, asked=one) for one in asked])
        line = Line(controller, seconds=seconds, replies=[*replies])
        monkeypatch.setattr(hook_sending, "HookClient", line.client)
        return line

    return make


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_pauses_double_up_to_the_longest(jitter: float) -> None:
    """Half of each is by chance; a hook that has been down for a year makes no number too large."""
    sending = HookSending(jitter=lambda: jitter)
    pauses = [sending._pause(10.0, 600.0, failures) for failures in (0, 1, 2, 5, 6, 30, 100_000)]
    longest = [10.0, 20.0, 40.0, 320.0, 600.0, 600.0, 600.0]
    assert pauses == [pause * (1 + jitter) / 2 for pause in longest]
    assert sending._pause(1.0, 1e12, 100) == 2.0**30 * (1 + jitter) / 2


def test_hook_that_is_down_is_left_in_peace_for_longer_each_time(hooked: Made) -> None:
    """One second, two, four, up to five minutes; a message that it takes ends that."""
    line = hooked(1, *[DOWN] * 12)
    pauses = list[float]()
    for _failure in range(12):
        assert line.send() is not None
        (delivery,) = line.sending._deliveries.values()
        pauses.append(delivery.resume_at - line.now)
        line.now += 3600
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    state = line.send()
    assert state is not None
    assert (len(line.sent), state.waiting, delivery.failures) == (13, 0, 0)


@pytest.mark.parametrize(
    ("reply", "waits"), [(DOWN, (10, 20, 40, 80, 160, 320, 600, 600)), (REFUSED, (3600, 3600))]
)
def test_message_is_put_off_for_longer_each_time(
    hooked: Made, reply: HookReply, waits: tuple[int, ...]
) -> None:
    """Ten seconds, twenty, up to ten minutes, if the hook has others to take meanwhile; one that was refused
    an hour at once. At the very second it is sent again."""
    line = hooked(1, *[reply] * len(waits))
    line.send()
    for tries, wait in enumerate(waits, 1):
        (delivery,) = line.sending._deliveries.values()
        delivery.resume_at = 0.0
        line.send(wait - 1)
        assert len(line.sent) == tries
        line.send(1)
        assert len(line.sent) == tries + 1
    assert hooks.state(line.controller).waiting == 0


@pytest.mark.parametrize(("asked", "pause"), [(0.5, 1.0), (90.0, 90.0)])
def test_hook_may_ask_for_a_longer_pause(hooked: Made, asked: float, pause: float) -> None:
    """Another message waits until then, and not a second longer."""
    line = hooked(2, HookReply(503, retry_after=asked))
    line.send()
    line.send(pause - 0.1)
    assert len(line.sent) == 1
    line.send(0.1)
    assert len({*line.sent}) == 2


def test_round_ends_after_a_minute(hooked: Made) -> None:
    """The configuration is looked at anew then; what waits comes in the next round."""
    line = hooked(8, seconds=10.0)
    state = line.send()
    assert state is not None
    assert (len(line.sent), state.waiting) == (6, 2)
    state = line.send()
    assert state is not None
    assert (len({*line.sent}), state.waiting) == (8, 0)


@pytest.mark.parametrize(("seconds", "pages"), [(0.5, [3, 3, 1]), (0.51, [2, 2, 2, 1]), (0.01, [7])])
def test_replies_are_noted_after_a_second(
    hooked: Made, monkeypatch: pytest.MonkeyPatch, seconds: float, pages: list[int]
) -> None:
    """Of sending, so that a crash sends few of them twice."""
    line = hooked(7, seconds=seconds)
    noted, original = list[int](), hook_sending.HookSending._note

    def note(self: HookSending, *arguments: object) -> None:
        noted.append(len(arguments[2].replies))  # type: ignore[attr-defined]
        original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(HookSending, "_note", note)
    line.send()
    assert noted == [0, *pages]


def test_pages_are_of_fifty(hooked: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many wait."""
    line, counts = hooked(1), list[int]()

    def due(connection: object, now: datetime, count: int) -> list[HookMessage]:
        counts.append(count)
        assert now == START
        return original(connection, now, count)  # type: ignore[arg-type]

    original = outbox.due
    monkeypatch.setattr(hook_sending.outbox, "due", due)
    line.send()
    assert counts == [50, 50]


def test_nothing_is_sent_without_a_ledger_or_a_hook(hooked: Made) -> None:
    """No ledger is made, and a hook without an address leaves its messages where they are."""
    line = hooked(1)
    controller = line.controller
    assert controller.hook is not None
    line.controller = replace(controller, hook=None)
    assert line.send() is None
    line.controller = replace(controller, hook=replace(controller.hook, url=""))
    state = line.send()
    assert state is not None
    assert (state.waiting, line.sent) == (1, [])
    line.controller = replace(controller, ledger=str(Path(controller.ledger).with_name("none.sqlite3")))
    with capture_logs() as logged:
        assert line.send() is None
        assert not Path(line.controller.ledger).exists()
    assert logged == []


def test_ledger_that_cannot_be_read_is_logged_once(hooked: Made) -> None:
    """Until it can be, and then anew; the company is named, and what is wrong."""
    line = hooked(1)
    ledger = Path(line.controller.ledger)
    content = ledger.read_bytes()
    with capture_logs() as logged:
        for damaged in (True, True, False, True):
            for side in ("-wal", "-shm"):
                ledger.with_name(f"{ledger.name}{side}").unlink(missing_ok=True)
            ledger.write_bytes(b"no database" * 1000 if damaged else content)
            assert (line.send() is None) is damaged
    assert [(entry["event"], entry["controller"]) for entry in logged] == [
        ("messages about consents cannot be read", "acme"),
        ("messages about consents cannot be read", "acme"),
    ]
    assert {f"The ledger {ledger} cannot be used" in entry["error"] for entry in logged} == {True}


def test_failures_are_logged_once_each(hooked: Made) -> None:
    """The same error is not logged again before a message was taken; a hook that stops is logged with the
    command that resumes it."""
    line = hooked(2, DOWN, DOWN, HookReply(500), TOOK, HookReply(500), HookReply(410))
    with capture_logs() as logged:
        for _time in range(8):
            line.send(3600)
    failed, stopped = (
        "the hook does not take a message about a consent",
        "the hook was stopped: the receiver wants no messages any more (410)",
    )
    assert [{name: entry[name] for name in entry if name != "log_level"} for entry in logged] == [
        {"event": failed, "controller": "acme", "error": "Connection refused"},
        {"event": failed, "controller": "acme", "error": "500"},
        {"event": failed, "controller": "acme", "error": "500"},
        {
            "event": stopped,
            "controller": "acme",
            "remedy": "informativa consent hook acme --resume",
        },
    ]
    assert {entry["log_level"] for entry in logged} == {"error"}


def test_i10_pause_of_one_companys_hook_is_no_others(hooked: Made, folder: Path) -> None:
    """Each company has a connection and a pause of its own, whatever comes between."""
    line = hooked(2, DOWN)
    acme = line.controller
    assert acme.hook is not None
    borealis = load(folder / "informativa.yaml").controllers["borealis"]
    storage.store(borealis).close()
    other = replace(borealis, hook=replace(acme.hook, url="http://127.0.0.1:2/"))
    for line.controller in (acme, other, acme):
        assert line.send() is not None
    assert (len(line.sent), line.closed) == (1, [])


def test_other_address_is_another_connection(hooked: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """The earlier one is closed, its failures are forgotten, and a reply that could not be noted is noted
    all the same; the same address goes on."""
    line = hooked(2, DOWN)
    line.send()
    line.send()
    assert line.closed == []
    first = line.controller.hook
    assert first is not None
    line.controller = replace(line.controller, hook=replace(first, url="http://127.0.0.1:2/"))
    with monkeypatch.context() as full:
        full.setattr(hook_sending.outbox, "note", _fail)
        assert line.send() is None
    assert (line.closed, len(line.sent)) == ([first], 2)
    line.controller = replace(line.controller, hook=first)
    line.send()
    state = hooks.state(line.controller)
    assert (len(line.sent), state.waiting) == (2, 1)
    line.send(10)
    assert (len(line.sent), hooks.state(line.controller).waiting) == (3, 0)


def _fail(*_arguments: object) -> None:
    """Fail as SQLite does on a full disk."""
    raise sqlite3.OperationalError("database or disk is full")
