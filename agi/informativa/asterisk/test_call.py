"""A call to try a line with: placed by Asterisk itself, to nobody, and told step by step.

It is a Local channel, whose one end goes through the dialplan like a caller's and whose other end only
listens. It carries INFORMATIVA_TEST=test, on which dialplan/informativa.conf hangs up where another call
returns to the context that it came from: so it goes through the real dialplan up to there and rings nobody.
"""

from __future__ import annotations

import asyncio
import random
import re
import string
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..errors import ManagerError
from ..model import ManagerAccount
from ..text import NOTHING, Text
from . import ami

PATIENCE = 30.0  # seconds beside the prompts: a service that hangs costs 10, a slow ledger 10, a script some
SILENCE = 5.0  # seconds without a word about a call that was taken; Asterisk says the first at once

_PLAYED_HERE = re.compile(r"execif\(1\?Playback\((.*)\)\)")  # the third try of our dialplan
_WITHOUT_TOKEN = re.compile(r"^(agi://[^/]*/[^/]*)/.*$")
_RESULT = {"INFORMATIVA_STATUS": "status", "INFORMATIVA_REASON": "reason", "INFORMATIVA_RECORD": "record"}


class CallStep(StrEnum):
    """What happened to the call."""

    PLACED = "placed"
    SERVICE = "service-asked"
    SCRIPT = "script-asked"
    ANSWERED = "answered"
    BEGINS = "notice-begins"
    ENDS = "notice-ends"
    STATUS = "status"
    OVER = "over"


@dataclass(frozen=True)
class Moment:
    """One thing that happened, so many seconds after the call was placed; `fact` is a path, a word."""

    seconds: float
    what: CallStep
    fact: str = ""


@dataclass
class Outcome:
    """What the dialplan was told, and what is worth knowing beside."""

    call: str
    status: str = ""
    reason: str = ""
    record: str = ""
    by_script: bool = False
    lacking: Text = NOTHING


async def place(
    manager: ami.ManagerSession,
    account: ManagerAccount,
    channel: str,
    number: str,
    seconds: float,
    tell: Callable[[Moment], None],
) -> Outcome:
    """Place a call at `channel` from `number` ('' to withhold it), to its end, and tell what happens.

    It is hung up as soon as its status is set, and at the latest after `seconds` (of the prompts that it may
    hear) and PATIENCE. Raises ManagerError.
    """
    one, two = _ids()
    watch = _CallWatch(two, tell)
    await manager.listen("call", "dialplan", "agi")
    longest = seconds + PATIENCE
    await _originate(manager, channel, (one, two), number, longest)
    watch.tell(CallStep.PLACED, channel)
    try:
        while not watch.ended and (left := min(longest, watch.deadline) - watch.age()) > 0:
            if event := await manager.event(left):
                watch.happened(event)
    finally:
        await _hang_up(manager, (one, two))
    _require_sight(watch, account.user)
    watch.tell(CallStep.OVER)
    if watch.asked and "agi" not in watch.seen:
        watch.outcome.lacking = ami.lacking(account.user, read="agi")
    return watch.outcome


class _CallWatch:
    """What is known of one call, by what Asterisk tells of its end that goes through the dialplan."""

    def __init__(self, channel: str, tell: Callable[[Moment], None]) -> None:
        self.outcome = Outcome(channel)
        self.over = False
        self.failed = False  # there is no such extension: it never came to be
        self.asked = False
        self.seen: set[str] = set()  # classes of events
        self.deadline = SILENCE
        self._channel, self._tell = channel, tell
        self._began = time.monotonic()
        self._playing = False

    @property
    def ended(self) -> bool:
        """Whether nothing more is to be waited for."""
        return bool(self.outcome.status) or self.over or self.failed

    def age(self) -> float:
        """Seconds since the call was placed."""
        return time.monotonic() - self._began

    def tell(self, what: CallStep, fact: str = "") -> None:
        """Something happened now."""
        self._tell(Moment(self.age(), what, fact))

    def happened(self, event: Any) -> None:
        """Take what Asterisk says of any channel."""
        if event.event == "OriginateResponse" and event.response == "Failure" and not self.seen:
            self.failed = True
        if event.uniqueid != self._channel:
            return
        taken = _TAKEN.get(event.event)
        if taken:
            right, take = taken
            self.seen.add(right)
            if {"call", "dialplan"} <= self.seen:
                self.deadline = float("inf")
            take(self, event)

    def _state(self, event: Any) -> None:
        if event.channelstatedesc == "Up":
            self.tell(CallStep.ANSWERED)

    def _step(self, event: Any) -> None:
        if self._playing:  # Playback tells its end by what comes after it
            self._playing = False
            self.tell(CallStep.ENDS)
        application, data = event.application.lower(), event.appdata
        if event.context == "informativa" and (own := _PLAYED_HERE.match(f"{application}({data})")):
            self._playing = True
            self.tell(CallStep.BEGINS, own[1])
        elif event.context == "informativa" and application == "agi":
            self.asked = True
            self.outcome.by_script = not data.startswith("agi://")
            asked = data.partition(",")[0]
            shown = asked if self.outcome.by_script else _WITHOUT_TOKEN.sub(r"\1", asked)
            self.tell(CallStep.SCRIPT if self.outcome.by_script else CallStep.SERVICE, shown)

    def _variable(self, event: Any) -> None:
        name = _RESULT.get(event.variable)
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


_TAKEN: dict[str, tuple[str, Callable[[_CallWatch, Any], None]]] = {
    "Newchannel": ("call", lambda _watch, _event: None),
    "Newstate": ("call", _CallWatch._state),
    "Hangup": ("call", _CallWatch._hung_up),
    "Newexten": ("dialplan", _CallWatch._step),
    "VarSet": ("dialplan", _CallWatch._variable),
    "AGIExecStart": ("agi", _CallWatch._command),
    "AGIExecEnd": ("agi", _CallWatch._command),
}


async def _originate(
    manager: ami.ManagerSession, channel: str, ids: tuple[str, str], number: str, longest: float
) -> None:
    """Have Asterisk place it; the end that only listens waits for as long as the call may last."""
    one, two = ids
    await manager.act(
        "Originate",
        Channel=channel,
        ChannelId=one,
        OtherChannelId=two,
        Application="Wait",
        Data=f"{longest:.0f}",
        CallerID=f"<{number}>" if number else "",
        Timeout=f"{longest * 1000:.0f}",
        Variable=["__INFORMATIVA_TEST=test"],
        Async="true",
    )


def _require_sight(watch: _CallWatch, user: str) -> None:
    """Raises ManagerError where the account does not see what became of the call."""
    lacking = [right for right in ("call", "dialplan") if right not in watch.seen]
    if lacking and not watch.failed:
        raise ManagerError(
            Text("Asterisk's manager interface does not let {user} see what became of the call.", user=user),
            ami.lacking(user, read=",".join(lacking)),
        )


def _ids() -> tuple[str, str]:
    """Ids of the two channels, neither the beginning of the other, which Asterisk takes for the same.

    Letters alone: a run of digits might be somebody's number.
    """
    own = "".join(random.choices(string.ascii_lowercase, k=10))  # noqa: S311  # need not be secret
    return f"informativa-test-listener-{own}", f"informativa-test-{own}"


async def _hang_up(manager: ami.ManagerSession, channels: Iterable[str]) -> None:
    for channel in channels:
        with suppress(ManagerError):  # it hung up by itself
            async with asyncio.timeout(ami.SECONDS):
                await manager.act("Hangup", Channel=channel)


def _file(command: str) -> str:
    """What STREAM FILE plays; our paths have neither quotes nor backslashes."""
    quoted = re.match(r'STREAM FILE "?([^"]*?)"? ', command)
    return quoted[1] if quoted else ""
