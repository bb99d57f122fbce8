"""The eighteen companies of `make cluster` beside the two that `informativa init` lays, and their calls."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from lab import audio
from lab.calls import Calls, Note, Step
from lab.office import Office
from lab.pbx import Pbx

NAMES = tuple(f"company-{number}" for number in range(3, 21))
FIRST = 100  # the number before those of their calls, by which Asterisk's events are told apart
LANES = 6  # calls at a time: what three Asterisk and two processors take beside others
_CONTROLLER = """\
  {name}:
    name: Company {number} S.r.l.
    outsourcing:
      processor: Acme S.p.A.
      contract: {{reference: "2026/{number}", date: 2026-10-01}}
      analysis: {{reference: "2026/{number}-1", date: 2026-09-15}}
    key: keys/{name}.key
    ledger: ledger/{name}.sqlite3
    retention: 5 years
    time_zone: Europe/Rome
    notices:
      privacy:
        versions:
          - version: "2026-11"
            purposes: [service]
            short: {{it: {prompt}}}
            short_nokey: {{it: {prompt}}}
            full: {{it: prompts/it/full}}

"""
_LINE = """
  "{line}":
    controller: {name}
    language: it
    region: IT
    callers: either
    plan:
      - notice: privacy
    keys: {{full: "1"}}
"""
PROMPT = "prompts/it/ai"  # the shortest text that is shipped, of four seconds


def line(name: str) -> str:
    """The number at which callers ring a company."""
    return f"+3906123400{name.partition('-')[2]:0>2}"


def lay(office: Office, first: Office | None) -> None:
    """Add the companies to a box's configuration; with the keys of the first box, if it is another."""
    controllers = "".join(
        _CONTROLLER.format(name=name, number=name.partition("-")[2], prompt=PROMPT) for name in NAMES
    )
    office.edit("\n# What is recorded is signed", f"\n{controllers}# What is recorded is signed")
    lines = "".join(_LINE.format(name=name, line=line(name)) for name in NAMES)
    office.config.write_text(office.config.read_text(encoding="utf-8") + lines, encoding="utf-8")
    keys = office.folder / "keys"
    if first is None:  # as `informativa keys make` does, which would be started eighteen times
        for name in NAMES:
            (keys / f"{name}.key").touch(0o600)
            (keys / f"{name}.key").write_text(f"{secrets.token_hex(32)}\n", encoding="utf-8")
        return
    for key in (first.folder / "keys").glob("*.key"):
        shutil.copy(key, keys)


class CompanyCalls:
    """One caller who rings each of them, at one box and then at the next one: each tells him, once.

    ``wait_taken_in`` waits until a box has what the others told a company's callers.
    """

    def __init__(
        self,
        calls: Calls,
        caller: str,
        pbxs: Mapping[str, Pbx],
        offices: Mapping[str, Office],
        wait_taken_in: Callable[[str, str], None],
    ) -> None:
        self._calls, self._boxes, self._wait_taken_in = calls, list(pbxs), wait_taken_in
        self.steps = [
            step
            for number, name in enumerate(NAMES)
            for step in (
                self._step(caller, name, number, "PLAYED", pbxs, offices),
                self._step(caller, name, number + 1, "NOTDUE", pbxs, offices),
            )
        ]

    def _step(
        self,
        caller: str,
        company: str,
        number: int,
        expected: str,
        pbxs: Mapping[str, Pbx],
        offices: Mapping[str, Office],
    ) -> Step:
        box = self._boxes[number % len(self._boxes)]
        step = Step(
            0, company, caller, line(company), box, expected, pbxs[box], offices[box], company, boxes=offices
        )
        if expected == "NOTDUE":
            step.ready = partial(self._wait_taken_in, box, company)
        self._calls.add(step).number += FIRST
        return step

    def ring(self) -> None:
        """Place all, some at a time. Raises OutcomeError."""
        lanes: list[Sequence[Step]] = [
            [step for at in range(lane, len(NAMES), LANES) for step in self.steps[2 * at : 2 * at + 2]]
            for lane in range(LANES)
        ]
        self._calls.together(*lanes)

    def note(self) -> Note:
        """Return what the table of the other calls says of them."""
        return Note(
            f"{len(NAMES)} other companies",
            f"the same caller: each tells him on one box, and spares him on the next"
            f" ({max(step.waited or 0.0 for step in self.steps):.2f} s at most)",
        )


def calls(console: Console, office: Office, folder: Path) -> Calls:
    """Calls of these companies, which nothing shows one by one."""
    prompt = audio.read_wav(office.folder / f"{PROMPT}.wav")
    return Calls(console, folder, {line(name): prompt for name in NAMES})
