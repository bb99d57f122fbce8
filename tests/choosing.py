"""Choices, lines that ask them and keys, for tests of calls; and events of choices as ledgers have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from doubles import line, notice, version
from examples import PLAYED
from informativa.model import (
    Answer,
    Asked,
    Asks,
    Choice,
    Event,
    KeyPress,
    Length,
    Line,
    Notice,
    Period,
    PlannedChoice,
    Prompt,
    Reason,
    Status,
    Step,
    Version,
    Vouched,
)
from informativa.model.choices import KINDS, VOUCHED_AT_LEAST

OPTIONS = "5=refused 4=granted"
QUESTION = Prompt("/prompts/it/marketing", (Length(64_000, 8000),))  # eight seconds
WITHDRAW = Prompt("/prompts/it/marketing-withdraw", (Length(40_000, 8000),))  # five
YES, NO, EU, HUMAN, UNRECORDED, RECORDED = "4", "5", "2", "0", "7", "8"
KEYS = {
    Answer.GRANTED: YES,
    Answer.REFUSED: NO,
    Answer.EU: EU,
    Answer.HUMAN: HUMAN,
    Answer.NOT_RECORDED: UNRECORDED,
    Answer.RECORDED: RECORDED,
}
LATE = 1.0  # seconds into the wait
NETWORK = 0x03  # Q.931: allowed, and the network put the number there


def wording(name: str, *purposes: str, number: str = "1", material: bool = False) -> Version:
    """Build one version of a choice, in Italian."""
    return Version(
        number, frozenset(purposes), material, {"it": replace(QUESTION, path=f"/prompts/it/{name}")}, {},
        withdraw={"it": WITHDRAW},
    )  # fmt: skip


def choice(asks: Asks, name: str = "", *versions: Version, **more: object) -> Choice:
    """Build a choice of this kind."""
    name = name or {Asks.CONSENT: "marketing", Asks.OPERATOR: "abroad"}.get(asks, str(asks))
    purposes = ("marketing",) if KINDS[asks].personal else ()
    given: dict[str, object] = {
        "keys": {option: KEYS[option] for option in KINDS[asks].options},
        "purpose": "".join(purposes),
        "holds": Period(24) if purposes else None,
        "vouched": VOUCHED_AT_LEAST[Vouched.NOBODY] if purposes else frozenset(),
    }
    own = versions or (wording(name, *purposes),)
    return Choice(Notice(name, own), asks, **(given | more))  # type: ignore[arg-type]


PRIVACY = notice(version("1", "service", "marketing"))
CONSENT = choice(Asks.CONSENT)


def planned(*choices: Choice, after: int = 1, plan: Sequence[Step] = (), **more: object) -> Line:
    """Build a line that asks these choices after so many notices."""
    steps = plan or (Step(PRIVACY),)
    asked = tuple(PlannedChoice(one, after) for one in choices)
    return line(*steps, choices=asked, revocable=choices, **more)


def pressed(digit: str, seconds: float = LATE) -> KeyPress:
    """Build a key that came so many seconds into the wait."""
    return KeyPress(digit, seconds)


def answering(answer: Answer, event: Event = PLAYED, choice: str = "marketing", **more: object) -> Event:
    """Return the event of a consent that was asked in the call of an event."""
    asked = Asked(choice, Asks.CONSENT, answer, OPTIONS, 1, 1250)
    values = {"notice": "", "purposes": frozenset({"marketing"}), "asked": asked} | more
    heard = event.heard and replace(
        event.heard, key={Answer.GRANTED: "4", Answer.REFUSED: "5"}.get(answer, "")
    )
    return replace(
        event,
        status=Status.ASKED,
        reason=Reason.NOT_ANSWERED,
        heard=heard,
        **values,  # type: ignore[arg-type]
    )
