"""Calls that are told line by line: who rings whom, what it must come to, what the caller really heard."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from informativa.call.caller import mask

from . import audio
from .office import Office
from .pbx import Pbx
from .phone import Call, Phone

EXTENSIONS = """\
[from-lab]
exten => _+X.,1,Set(STEP=${PJSIP_HEADER(read,X-Step)})
 same => n,Set(BEGAN=${STRFTIME(,,%s%3q)})
 same => n,Gosub(informativa,s,1(${EXTEN}))
 same => n,Set(THROUGH=${MATH(${STRFTIME(,,%s%3q)}-${BEGAN},int)})
 same => n,Wait(0.5)
 same => n,Hangup()
exten => h,1,UserEvent(Over,Step:${STEP},Status:${INFORMATIVA_STATUS},Reason:${INFORMATIVA_REASON},\
Record:${INFORMATIVA_RECORD},Milliseconds:${THROUGH})

"""

# Headings and least widths; what is left is for the one of width 0.
COLUMNS = {"#": 1, "call": 22, "from → to": 19, "status": 8, "notice heard": 14, "record": 6, "why": 0}

WHY = {
    "not-informed": "not told by this company",
    "withheld": "unidentified: always due",
    "hung-up": "hung up: it stays due",
    "service-unavailable": "by the dialplan, proof in AstDB",
}


class OutcomeError(Exception):
    """A call did not come to what it must."""


@dataclass(frozen=True)
class Note:
    """Something else that happened between the calls."""

    title: str
    reason: str

    def cells(self, _length: float) -> Mapping[str, Text | str]:
        """Return what the table shows of it, by heading."""
        return {"call": Text(self.title, "yellow"), "why": Text(self.reason, "yellow")}


@dataclass
class Step:
    """One call: who rings whom and what it must come to, and, as it goes on, what was seen of it.

    ``boxes`` are the other installations by name, whose records may be why nothing is played here. ``ready``
    returns when the call may begin.
    """

    number: int
    title: str
    caller: str | None
    line: str
    to: str
    expected: str
    pbx: Pbx
    office: Office
    controller: str = "acme"
    boxes: Mapping[str, Office] = field(default_factory=dict)
    ready: Callable[[], object] | None = None
    hang_up_after: float | None = None
    call: Call | None = None
    status: str = ""
    reason: str = ""
    record: str = ""
    seconds: float = 0.0
    waited: float | None = None
    """Seconds from the ring to the notice, or in the dialplan's step where none was played."""
    over: bool = False

    def cells(self, length: float) -> Mapping[str, Text | str]:
        """Return what the table shows of it now, by heading."""
        if self.call is None:
            return {"#": str(self.number), "call": self.title}
        heard = self.seconds if self.over else self.call.heard
        return {
            "#": str(self.number),
            "call": self.title,
            "from → to": f"{mask(self.caller) if self.caller else 'withheld'} → {self.to}",
            "status": Text(self.status or "…", "bold green" if self.status == "NOTDUE" else "bold"),
            "notice heard": f"{heard:.1f} of {length:.1f} s",
            "waited": "" if self.waited is None else f"{self.waited:.2f} s",
            "record": self.record,
            "why": self.reason,
        }


class Calls:
    """The calls, and the table that shows them.

    ``prompts`` are what callers of each line must hear, ``nokey`` what the dialplan plays to them by itself,
    where no key is heard; what they did hear is kept in ``folder``.
    """

    def __init__(
        self,
        console: Console,
        folder: Path,
        prompts: Mapping[str, audio.Samples],
        columns: Mapping[str, int] = COLUMNS,
        nokey: Mapping[str, audio.Samples] | None = None,
    ) -> None:
        self._console, self._folder, self._columns = console, folder, columns
        self._prompts, self._nokey = prompts, nokey or {}
        self._phones: dict[int, Phone] = {}
        self.rows: list[Step | Note] = []
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def steps(self) -> list[Step]:
        """The calls among the rows."""
        return [row for row in self.rows if isinstance(row, Step)]

    def add(self, step: Step) -> Step:
        """Plan one call; it gets the next number."""
        step.number = len(self.steps) + 1
        self._phones.setdefault(id(step.pbx), Phone(step.pbx))
        self.rows.append(step)
        return step

    def ring(self, step: Step) -> None:
        """Make the call, wait for its end, and see what it came to. Raises OutcomeError if to another."""
        if step.ready:
            step.ready()
        header = [f"X-Step: {step.number}"]
        phone = self._phones[id(step.pbx)]
        step.call = phone.dial(step.line, step.caller, withheld=step.caller is None, extra_headers=header)
        if step.hang_up_after:
            step.call.wait_heard(step.hang_up_after, 30)
            step.call.hang_up()
        step.call.wait_ended(60)
        event = step.pbx.wait_event(lambda event: event.get("Step") == str(step.number))
        step.status, reason, record = event["Status"], event["Reason"], event["Record"]
        step.record = "spool" if record.startswith("spool:") else record
        step.reason = since(step, record) if step.status == "NOTDUE" else WHY.get(reason, reason)
        step.waited = step.call.until_sound
        if step.waited is None and event.get("Milliseconds"):
            step.waited = int(event["Milliseconds"]) / 1000
        self._listen(step)
        step.over = True
        if step.status != step.expected:
            raise OutcomeError(
                f"Call {step.number} ({step.title}) came to {step.status}, not {step.expected}."
            )

    def _listen(self, step: Step) -> None:
        """Listen to what the caller really heard, by comparing the sound with the prompt; it is kept for
        listening to."""
        assert step.call is not None
        audio.write_wav(self._folder / f"{step.number}.wav", step.call.audio)
        matches = audio.find(self._prompt(step), step.call.played)
        step.seconds = sum(match.covered for match in matches)
        if (step.status in {"PLAYED", "FALLBACK"}) != (len(matches) == 1 and matches[0].is_whole):
            raise OutcomeError(
                f"Call {step.number} ({step.title}) is {step.status}, and {matches} was heard."
            )

    def _prompt(self, step: Step) -> audio.Samples:
        return (self._nokey if step.expected == "FALLBACK" else self._prompts)[step.line]

    def table(self) -> Table:
        """All so far, one line each."""
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for heading, width in self._columns.items():
            table.add_column(heading, min_width=width, no_wrap=bool(width), overflow="fold")
        for row in self.rows:
            if isinstance(row, Note) or row.call is not None or not self._console.is_terminal:
                length = 0.0 if isinstance(row, Note) else len(self._prompt(row)) / audio.RATE
                cells = row.cells(length)
                table.add_row(*(cells.get(heading, "") for heading in self._columns))
        return table

    @contextmanager
    def shown(self, beforehand: str, *below: Callable[[], Table]) -> Iterator[None]:
        """The table, and others ``below`` it, growing while the calls go on; without a terminal a word
        ``beforehand``, and the tables when they are over, however they ended."""

        def tables() -> Group:
            return Group(self.table(), *(part for table in below for part in ("", table())))

        if self._console.is_terminal:
            with Live(get_renderable=tables, console=self._console, refresh_per_second=5):
                yield
            return
        self._console.print(f"{beforehand}\n")
        try:
            yield
        finally:
            self._console.print(tables())

    def in_turn(self, steps: Sequence[Step]) -> None:
        """One after the other."""
        for step in steps:
            self.ring(step)

    def together(self, *rows: Sequence[Step]) -> None:
        """Each row in turn, all rows at the same time."""
        with ThreadPoolExecutor(len(rows)) as threads:
            for future in [threads.submit(self.in_turn, row) for row in rows]:
                future.result()

    def until_heard(self, step: Step, running: Future[None]) -> None:
        """Wait until its caller hears something, or it is over."""
        while step.call is None or step.call.heard < 0.5:
            if running.done():
                running.result()
                return
            time.sleep(0.05)

    def close(self) -> None:
        """Hang up whatever is still up."""
        for phone in self._phones.values():
            phone.__exit__(None, None, None)


def since(step: Step, record: str) -> str:
    """Return why nothing was played: by which delivery the caller knows the notice, and on which other
    box."""
    own = {record.number: record.event for record in step.office.records(step.controller)}
    box, _, number = str(own[int(record)].basis or "").rpartition(":")
    records = step.boxes[box].records(step.controller) if box else step.office.records(step.controller)
    (event,) = (record.event for record in records if record.number == int(number))
    return f"has {event.notice} {event.version} since {event.at:%H:%M:%S}{f', {box}' if box else ''}"
