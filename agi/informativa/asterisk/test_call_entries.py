"""Places in Asterisk's dialplan where calls come to informativa, and checks that a test call may come in
there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..model.errors import ManagerError
from .ami import ManagerSession
from .dialplan import TEST_CONTEXT

_CALLS_US = re.compile(r"(?:^|[?:])informativa,s,1\b")
_ABSENT = "Did not find"  # Asterisk's message that a context or an extension is missing

# What may stand before the Gosub on the way of a call that is to ring nobody and to get there.
_HARMLESS = frozenset(
    [
        "answer",
        "log",
        "mset",
        "noop",
        "playback",
        "progress",
        "ringing",
        "set",
        "userevent",
        "verbose",
        "wait",
        "celgenuserevent",
    ]
)


@dataclass(frozen=True)
class NoticeEntry:
    """A context where the call comes in, with its `steps`. `notice_index` is the index of the step that calls
    informativa."""

    context: str
    extension: str = ""
    steps: tuple[str, ...] = ()
    notice_index: int = 0

    @property
    def risky(self) -> str:
        """The first step before the notice that may ring somebody or lead elsewhere; '' if none does."""
        return next((step for step in self.steps[: self.notice_index] if _name(step) not in _HARMLESS), "")

    @property
    def after(self) -> tuple[str, ...]:
        """The steps after the notice."""
        return self.steps[self.notice_index + 1 :]


async def entries(manager: ManagerSession, line: str, context: str = "") -> list[NoticeEntry]:
    """Return the contexts in which a call to `line` comes to informativa. Raises ManagerError."""
    context_field = {"Context": context} if context else {}
    try:
        messages = await manager.act("ShowDialPlan", Extension=line, **context_field)
    except ManagerError as error:
        if _ABSENT in error.answer:
            return []
        raise
    steps_by_context: dict[str, dict[str, list[str]]] = {}
    for step in messages:
        if step.event == "ListDialplan" and step.application:
            extensions = steps_by_context.setdefault(step.context, {})
            extensions.setdefault(step.exten or step.extension, []).append(
                f"{step.application}({step.appdata})"
            )
    # Asterisk lists the best match first.
    best_matches = [(name, *next(iter(extensions.items()))) for name, extensions in steps_by_context.items()]
    return [
        NoticeEntry(name, extension, tuple(steps), index)
        for name, extension, steps in best_matches
        if name != TEST_CONTEXT and (index := _index_of_ours(steps)) is not None
    ]


async def guarded(manager: ManagerSession) -> bool:
    """Return whether Asterisk's copy of our dialplan ends a test call after the notice."""
    return await _mentions(manager, "informativa", "INFORMATIVA_TEST")


async def direct(manager: ManagerSession) -> bool:
    """Return whether our own context for test calls is loaded."""
    return await _mentions(manager, TEST_CONTEXT, "informativa,s,1")


async def exists(manager: ManagerSession, context: str) -> bool:
    """Return whether Asterisk's dialplan has a context of this name."""
    return await _steps(manager, context) is not None


async def _mentions(manager: ManagerSession, context: str, text: str) -> bool:
    return any(text in step.appdata for step in await _steps(manager, context) or ())


async def _steps(manager: ManagerSession, context: str) -> list[Any] | None:
    """Return the steps of a context; `None` if Asterisk has no such context."""
    try:
        messages = await manager.act("ShowDialPlan", Context=context)
    except ManagerError as error:
        if _ABSENT in error.answer:
            return None
        raise
    return [step for step in messages if step.event == "ListDialplan"]


def _index_of_ours(steps: Sequence[str]) -> int | None:
    """Return the index of the step that calls informativa."""
    for index, step in enumerate(steps):
        name, _, data = step.partition("(")
        if name.lower() in ("gosub", "gosubif") and _CALLS_US.search(data):
            return index
    return None


def _name(step: str) -> str:
    return step.partition("(")[0].lower()
