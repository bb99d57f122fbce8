"""A call that tries a line: placed by Asterisk itself, to nobody, and reported step by step.

It is a Local channel, whose one end goes through the dialplan like a caller's and whose other end only
listens. It carries INFORMATIVA_TEST=test, on which dialplan/informativa.conf hangs up where another call
returns to the context that it came from: so it goes through the real dialplan up to there and rings nobody.
"""

from __future__ import annotations

import asyncio
import math
import random
import re
import string
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..model import ManagerAccount
from ..model.errors import ManagerError
from ..model.text import NOTHING, Text
from . import ami

PATIENCE = 30.0  # seconds beside the prompts: a service that hangs costs 10, a slow ledger 10, a script some
PAUSE = 0.5  # seconds of a `w` of SendDTMF: keys are pressed in these steps
_KEY_SECONDS, _BETWEEN_SECONDS = 0.1, 0.25  # of SendDTMF
SILENCE = 5.0  # seconds without a word about a call that was taken; Asterisk says the first at once

_PLAYED_HERE = re.compile(r"execif\(1\?Playback\((.*)\)\)")  # the third try of our dialplan
_WITHOUT_TOKEN = re.compile(r"^(agi://[^/]*/[^/]*)/.*$")
_RESULT = {
    f"INFORMATIVA_{variable}": variable.lower() for variable in ("STATUS", "REASON", "RECORD", "CHOICES")
}


@dataclass(frozen=True)
class Press:
    """A key that is pressed so many seconds after the call was answered, to the next half second."""

    key: str
    seconds: float


class CallStep(StrEnum):
    """A step of a call."""

    PLACED = "placed"
    SERVICE = "service-asked"
    SCRIPT = "script-asked"
    ANSWERED = "answered"
    KEY = "key-pressed"
    BEGINS = "notice-begins"
    ENDS = "notice-ends"
    STATUS = "status"
    OVER = "over"


@dataclass(frozen=True)
class Moment:
    """One thing that happened to a call."""

    seconds: float
    """Seconds since it was placed, to a millisecond."""
    what: CallStep
    """The step that was reached."""
    fact: str | None
    """The channel, address, prompt or status of that step."""


@dataclass
class TestCallResult:
    """The result that the dialplan got, and facts beside it."""

    call: str
    status: str = ""
    reason: str = ""
    record: str = ""
    choices: str = ""
    by_script: bool = False
    lacking: Text = NOTHING


async def place(
    manager: ami.ManagerSession,
    account: ManagerAccount,
    channel: str,
    number: str,
    seconds: float,
    tell: Callable[[Moment], None],
    presses: Sequence[Press] = (),
    country: str = "",
) -> TestCallResult:
    """Place a call at `channel` from `number` ('' to withhold it), follow it to its end, and report each
    step. Each of `presses` is sent on the listening end, from where it reaches the other as a caller's key.
    `country` is the operators', as the dialplan would name it, '' for none.

    It is hung up as soon as its status is set, and at the latest after `seconds` (the length of the prompts
    that it may hear) and PATIENCE. Raises ManagerError.
    """
    ids = _ids()
    watch, to_press = _CallWatch(ids[1], tell), sorted(presses, key=lambda press: press.seconds)
    await manager.listen("call", "dialplan", "agi")
    longest = seconds + PATIENCE
    variables = ["__INFORMATIVA_TEST=test"] + [f"__INFORMATIVA_COUNTRY={country}"] * bool(country)
    await _originate(manager, channel, ids, number, _listening(presses, longest), variables)
    watch.tell(CallStep.PLACED, channel)
    try:
        while not watch.ended and (remaining := min(longest, watch.deadline) - watch.age()) > 0:
            due = watch.until(to_press[0]) if to_press else remaining
            if due <= 0:
                watch.tell(CallStep.KEY, to_press.pop(0).key)
            elif event := await manager.event(min(remaining, due)):
                watch.happened(event)
    finally:
        await _hang_up(manager, ids)
    _require_sight(watch, account.user)
    watch.tell(CallStep.OVER)
    if watch.agi_started and "agi" not in watch.event_classes:
        watch.outcome.lacking = ami.lacking(account.user, read="agi")
    return watch.outcome


class _CallWatch:
    """The state of one call, from Asterisk's events about its end that goes through the dialplan."""

    def __init__(self, channel: str, tell: Callable[[Moment], None]) -> None:
        self.outcome = TestCallResult(channel)
        self.over = False
        self.failed = False  # there is no such extension, so the call never began
        self.agi_started = False
        self.event_classes: set[str] = set()  # classes of events that came
        self.deadline = SILENCE
        self._channel, self._tell = channel, tell
        self._began = time.monotonic()
        self._playing = False
        self._answered: float | None = None

    @property
    def ended(self) -> bool:
        """True if no more events are expected."""
        return bool(self.outcome.status) or self.over or self.failed

    def age(self) -> float:
        """Return the seconds since the call was placed."""
        return time.monotonic() - self._began

    def until(self, press: Press) -> float:
        """Return the seconds until a key is to be pressed; for ever as long as the call is not answered."""
        if self._answered is None:
            return float("inf")
        return self._answered + press.seconds - self.age()

    def tell(self, what: CallStep, fact: str = "") -> None:
        """Report a step that is reached now."""
        self._tell(Moment(round(self.age(), 3), what, fact or None))

    def happened(self, event: Any) -> None:
        """Take an event of any channel."""
        if event.event == "OriginateResponse" and event.response == "Failure" and not self.event_classes:
            self.failed = True
        if event.uniqueid != self._channel:
            return
        handler = _HANDLERS.get(event.event)
        if handler:
            event_class, handle = handler
            self.event_classes.add(event_class)
            if {"call", "dialplan"} <= self.event_classes:
                self.deadline = float("inf")
            handle(self, event)

    def _state(self, event: Any) -> None:
        if event.channelstatedesc == "Up":
            self._answered = self.age()
            self.tell(CallStep.ANSWERED)

    def _step(self, event: Any) -> None:
        if self._playing:  # Playback has no event of its end; the next step shows it
            self._playing = False
            self.tell(CallStep.ENDS)
        application, data = event.application.lower(), event.appdata
        if event.context == "informativa" and (playback := _PLAYED_HERE.match(f"{application}({data})")):
            self._playing = True
            self.tell(CallStep.BEGINS, playback[1])
        elif event.context == "informativa" and application == "agi":
            self.agi_started = True
            self.outcome.by_script = not data.startswith("agi://")
            script = data.partition(",")[0]
            shown = script if self.outcome.by_script else _WITHOUT_TOKEN.sub(r"\1", script)
            self.tell(CallStep.SCRIPT if self.outcome.by_script else CallStep.SERVICE, shown)

    def _variable(self, event: Any) -> None:
        name = _RESULT.get(event.variable.lstrip("_"))  # inherited variables begin so
        if name and event.value:
            setattr(self.outcome, name, event.value)
        if name == "status" and event.value:
            self.tell(CallStep.STATUS, event.value)

    def _command(self, event: Any) -> None:
        command = str(event.command)
        if command.startswith("STREAM FILE"):
            starts = event.event == "AGIExecStart"
            self.tell(CallStep.BEGINS if starts else CallStep.ENDS, _file(command))

    def _hung_up(self, _event: Any) -> None:
        self.over = True


_HANDLERS: dict[str, tuple[str, Callable[[_CallWatch, Any], None]]] = {
    "Newchannel": ("call", lambda _watch, _event: None),
    "Newstate": ("call", _CallWatch._state),
    "Hangup": ("call", _CallWatch._hung_up),
    "Newexten": ("dialplan", _CallWatch._step),
    "VarSet": ("dialplan", _CallWatch._variable),
    "AGIExecStart": ("agi", _CallWatch._command),
    "AGIExecEnd": ("agi", _CallWatch._command),
}


@dataclass(frozen=True)
class _Listening:
    """The application of the listening end, which begins when the call is answered, and its data; the call
    may last so many seconds."""

    application: str
    data: str
    seconds: float


def _listening(presses: Sequence[Press], longest: float) -> _Listening:
    """Return what the listening end does: wait for as long as the call may last or, with keys, send them and
    wait. SendDTMF needs no right of the account that the call does not need; PlayDTMF would."""
    if not presses:
        return _Listening("Wait", f"{longest:.0f}", longest)
    digits, now = "", 0.0
    for press in sorted(presses, key=lambda press: press.seconds):
        pauses = max(0, round((press.seconds - now) / PAUSE))
        digits += "w" * pauses + press.key
        now += pauses * PAUSE + _KEY_SECONDS + _BETWEEN_SECONDS
    digits += "w" * math.ceil(longest / PAUSE)
    data = f"{digits},{_BETWEEN_SECONDS * 1000:.0f},{_KEY_SECONDS * 1000:.0f}"
    return _Listening("SendDTMF", data, longest)


async def _originate(
    manager: ami.ManagerSession,
    channel: str,
    ids: tuple[str, str],
    number: str,
    listening: _Listening,
    variables: list[str],
) -> None:
    """Let Asterisk place the call."""
    listener, caller = ids
    await manager.act(
        "Originate",
        Channel=channel,
        ChannelId=listener,
        OtherChannelId=caller,
        Application=listening.application,
        Data=listening.data,
        CallerID=f"<{number}>" if number else "",
        Timeout=f"{listening.seconds * 1000:.0f}",
        Variable=variables,
        Async="true",
    )


def _require_sight(watch: _CallWatch, user: str) -> None:
    """Raise ManagerError if the account does not get the events of the call."""
    lacking = [right for right in ("call", "dialplan") if right not in watch.event_classes]
    if lacking and not watch.failed:
        raise ManagerError(
            Text("Asterisk's manager interface does not let {user} see what became of the call.", user=user),
            ami.lacking(user, read=",".join(lacking)),
        )


def _ids() -> tuple[str, str]:
    """Return ids of the two channels, listener first. Neither is a beginning of the other, which Asterisk
    would take for the same.

    Letters alone: a run of digits might be somebody's number.
    """
    suffix = "".join(random.choices(string.ascii_lowercase, k=10))  # noqa: S311  # need not be secret
    return f"informativa-test-listener-{suffix}", f"informativa-test-{suffix}"


async def _hang_up(manager: ami.ManagerSession, channels: Iterable[str]) -> None:
    for channel in channels:
        with suppress(ManagerError):  # it hung up by itself
            async with asyncio.timeout(ami.SECONDS):
                await manager.act("Hangup", Channel=channel)


def _file(command: str) -> str:
    """Return the file that STREAM FILE plays; our paths have neither quotes nor backslashes."""
    match = re.match(r'STREAM FILE "?([^"]*?)"? ', command)
    return match[1] if match else ""
