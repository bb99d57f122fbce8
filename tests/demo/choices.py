"""The demo's calls that are asked something: keys that are really pressed, and what becomes of the calls."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from informativa.call.caller import mask
from lab import audio
from lab.calls import OutcomeError
from lab.office import Office
from lab.pbx import Pbx
from lab.phone import Call, Phone

from . import company
from .company import AI, OFFERS, RECORDED, WITHDRAW, VoiceAgent
from .proof import show_command

COLUMNS = ("#", "call", "from", "heard", "key", "INFORMATIVA_CHOICES", "then")
CUT = "…"
"""The mark behind the name of a prompt that was not heard to its end."""
_INTO = 2.0  # seconds into a prompt, when a key is pressed in it: two prompts may begin with the same words
_AFTER = 1.0  # seconds after the end of a question, when it is pressed there; four are left for an answer


@dataclass(frozen=True)
class Planned:
    """One call: who rings where, and what it must come to.

    `heard` are the prompts in their order. A key is pressed in the first of them that is cut short; where
    there is none, after the last.
    """

    number: int
    title: str
    caller: str
    line: str
    heard: str
    key: str
    choices: str
    then: str

    @property
    def before_key(self) -> tuple[Sequence[str], bool]:
        """The prompts until the key is pressed, and whether it is pressed in the last of these."""
        names = self.heard.split()
        cut = next((place for place, name in enumerate(names) if name.endswith(CUT)), None)
        return [name.removesuffix(CUT) for name in names[: None if cut is None else cut + 1]], cut is not None


ANNA, BRUNO, CARLA, DARIO = "+393331234511", "+393331234512", "+393331234513", "+393331234514"
ELENA, FABIO, GINO = "+393331234515", "+393331234516", "+393331234517"
PLAN = (
    Planned(9, "an AI answers", ANNA, AI, "ai human privacy", "", "human:silence", "machine"),
    Planned(10, "… to a person", BRUNO, AI, "ai human… privacy", "8", "human:human", "person"),
    Planned(
        11, "we record calls", CARLA, RECORDED, "recorded privacy", "", "recorded:recorded",
        "person, recorded",
    ),
    Planned(
        12, "… not this one", DARIO, RECORDED, "recorded… privacy", "7", "recorded:not-recorded", "person"
    ),
    Planned(13, "offers? yes", ELENA, OFFERS, "privacy marketing", "4", "marketing:granted", "person"),
    Planned(14, "… no", FABIO, OFFERS, "privacy marketing…", "5", "marketing:refused", "person"),
    Planned(
        15, "… yes, too early", GINO, OFFERS, "privacy marketing… marketing", "4", "marketing:silence",
        "person",
    ),
    Planned(
        16, "13 takes it back", ELENA, WITHDRAW, "withdraw… withdrawn", "5", "marketing:withdrawn", "over"
    ),
)  # fmt: skip


@dataclass
class Row:
    """One call as it goes on; what it came to, when it is over."""

    planned: Planned
    call: Call | None = None
    pressed: float | None = None
    """Seconds from the first sound to the key."""
    heard: str = ""
    seconds: float = 0.0
    choices: str = ""
    then: str = ""

    def cells(self) -> Sequence[str]:
        """The columns of the table."""
        planned = self.planned
        seconds = self.seconds or (self.call.heard if self.call else 0.0)
        key = "" if self.pressed is None else f"{planned.key}, {self.pressed:.1f} s"
        heard = f"{self.heard} {seconds:.1f} s".lstrip()
        start = (str(planned.number), planned.title, mask(planned.caller))
        return (*start, heard, key, self.choices, self.then) if self.call else start


class Answers:
    """The calls of the third company, and the table that shows them."""

    def __init__(self, console: Console, folder: Path, office: Office, pbx: Pbx, agent: VoiceAgent) -> None:
        self._console, self._folder, self._pbx, self._agent = console, folder, pbx, agent
        self._phone = Phone(pbx)
        files = company.prompts(office)
        self._prompts = {name: audio.read_wav(file) for name, file in files.items()}
        self.rows = {planned.number: Row(planned) for planned in PLAN}

    def table(self) -> Table:
        """All so far, one line each."""
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for heading in COLUMNS:
            table.add_column(heading, no_wrap=True)
        for row in self.rows.values():
            if row.call or not self._console.is_terminal:
                table.add_row(*row.cells())
        return table

    def ring(self) -> None:
        """All at the same time, but who takes something back has agreed to it before. Raises OutcomeError."""
        *first, last = self.rows.values()
        with ThreadPoolExecutor(len(first)) as threads:
            running = {row.planned.caller: threads.submit(self._ring, row) for row in first}
            running.pop(last.planned.caller).result()
            self._ring(last)
            for future in running.values():
                future.result()

    def close(self) -> None:
        """Hang up whatever is still up."""
        self._phone.__exit__(None, None, None)

    def _ring(self, row: Row) -> None:
        planned, number = row.planned, str(row.planned.number)
        row.call = self._phone.dial(planned.line, planned.caller, extra_headers=[f"X-Step: {number}"])
        if planned.key:
            self._press(row, row.call)
        row.call.wait_ended(120)
        event = self._pbx.wait_event(lambda event: event.get("Step") == number)
        row.heard, row.seconds = self._heard(planned, row.call)
        row.choices, row.then = event["Choices"], self._then(event)
        outcome = (row.heard, row.choices, row.then)
        if outcome != (planned.heard, planned.choices, planned.then):
            raise OutcomeError(
                f"Call {number} ({planned.title}) came to {outcome}, status {event['Status']}."
            )

    def _press(self, row: Row, call: Call) -> None:
        names, within = row.planned.before_key
        lengths = [len(self._prompts[name]) / audio.RATE for name in names]
        call.wait_heard(sum(lengths[:-1]) + _INTO if within else sum(lengths) - 0.25, 120)
        if not within:
            time.sleep(_AFTER)
        row.pressed = time.monotonic() - call.packets[0].arrival
        call.press(row.planned.key)

    def _heard(self, planned: Planned, call: Call) -> tuple[str, float]:
        """The prompts that were heard, in their order, and their seconds together. Of prompts that begin
        alike that which was heard longest is the one."""
        audio.write_wav(self._folder / f"{planned.number}.wav", call.audio)
        recording = call.played
        matches = [
            (match, name) for name, prompt in self._prompts.items() for match in audio.find(prompt, recording)
        ]
        heard: list[tuple[audio.Match, str]] = []
        for match, name in sorted(matches, key=lambda pair: pair[0].covered, reverse=True):
            if all(
                match.offset >= other.offset + other.covered - 0.1 or match.offset < other.offset - 0.3
                for other, _name in heard
            ):
                heard.append((match, name))
        heard.sort(key=lambda pair: pair[0].offset)
        names = " ".join(name if match.is_whole else f"{name}{CUT}" for match, name in heard)
        return names, sum(match.covered for match, _name in heard)

    def _then(self, event: Mapping[str, str]) -> str:
        """Return who answered, and whether a recording of the call is there."""
        machine = "machine" if event["Channel"] in self._agent.calls else ""
        recorded = "recorded" if event["Recording"] and self._pbx.recording(event["Recording"]).size else ""
        parts = (machine, event["Person"], recorded)
        return ", ".join(filter(None, parts)) or "over"


def show(console: Console, office: Office) -> None:
    """Show what was put on record of the answers. Raises ProofError."""
    at_corallo = ("--controller", "corallo", "-c", str(office.config))
    console.print("\n[bold]What callers answered, on record:[/bold]\n")
    show_command(console, 0, ["consent", "export", *at_corallo])
    show_command(console, 0, ["evidence", "checkpoint", *at_corallo])
    show_command(console, 0, ["evidence", "audit", *at_corallo])
