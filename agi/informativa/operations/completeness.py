"""Completeness of an answer about a caller over many boxes, and what to do where something is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ..call.caller import fingerprint
from ..model import Controller, SharedDatabase
from ..model.errors import BoxRefusedError
from ..model.text import Text
from .boxes import QUIET_SECONDS
from .document import Sentence

if TYPE_CHECKING:
    from ..sharing.administration import RegisteredBox

_OTHER_KEYS = Text(
    "{box} has a key of {id} that this box has not: what it knows by that key is not found from here.",
    "Copy the keys of {id} from {box} to this box (keys/{id}.key*), have the service load them, and type the"
    " same again.",
)
_ABSENT = Text(
    "{box} was last heard of at {seen:%Y-%m-%d %H:%M} UTC: what it has not sent is on its disk alone.",
    "Start its service, or, if it is gone for good: informativa boxes retire {box}",
)
_AWAITED = Text(
    "{box} serves {id} and never took part: what it has on record of callers is on its disk alone.",
    "Type on it: informativa join. If it left for good: informativa boxes retire {box}",
)


class Gap(StrEnum):
    """A fault by which an answer over many boxes is not complete."""

    REFUSED = "box-refused"
    """The database takes nothing from this box, because another has its name or its ledger."""
    OTHER_KEYS = "other-keys"
    """A box knows callers by a key that this one has not."""
    ABSENT = "box-absent"
    """A box was not heard of for a while."""
    AWAITED = "box-awaited"
    """A box that serves the company never took part."""


@dataclass(frozen=True)
class Missing:
    """A reason why an answer over many boxes is not complete."""

    box: str
    """The box with which something is missing."""
    code: Gap
    """Its fault."""
    message: Sentence
    """The same as a sentence."""
    remedy: Sentence
    """The action to take, or the command to type."""


def gaps(
    controller: Controller,
    shared: SharedDatabase,
    boxes: Sequence[RegisteredBox],
    refused: BoxRefusedError | None,
) -> Iterator[Missing]:
    """List the boxes with which an answer about a caller is not complete (GDPR art. 15)."""
    if refused is not None:
        yield Missing(shared.box, Gap.REFUSED, refused.message, refused.remedy)
    our_keys = set(map(fingerprint, controller.keys))
    for box in boxes:
        if not set(box.keys.split()) <= our_keys:
            yield _missing(box, Gap.OTHER_KEYS, _OTHER_KEYS.format(box=box.name, id=controller.id))
        if not box.has_joined:
            yield _missing(box, Gap.AWAITED, _AWAITED.format(box=box.name, id=controller.id))
        elif box.age > QUIET_SECONDS:
            yield _missing(box, Gap.ABSENT, _ABSENT.format(box=box.name, seen=box.seen))


def _missing(box: RegisteredBox, code: Gap, text: Text) -> Missing:
    return Missing(box.name, code, text.statement, text.advice)
