"""`make demo`: real calls into a real Asterisk with informativa, told line by line. Checks what it shows."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from informativa.caller import mask
from informativa.model import Record

from . import audio, builds
from .debian import Unavailable
from .demo_proof import ProofError, prove
from .fetch import bar, reporter
from .office import BIN, Office, OfficeError, spool
from .pbx import Pbx, PbxError
from .phone import Call, CallError, Phone

FOLDER = Path(".demo")
ACME, BOREALIS = "+390212345678", "+493012345678"
COMPANY = {ACME: "Acme", BOREALIS: "Borealis"}
LANGUAGE = {ACME: "it", BOREALIS: "de"}
MARIO, GIULIA, LUCA, SOFIA = "+393331234567", "+393470000001", "+393351234560", "+393389876543"

EXTENSIONS = """\
[from-lab]
exten => _+X.,1,Set(STEP=${PJSIP_HEADER(read,X-Step)})
 same => n,Gosub(informativa,s,1(${EXTEN}))
 same => n,Wait(0.5)
 same => n,Hangup()
exten => h,1,UserEvent(Over,Step:${STEP},Status:${INFORMATIVA_STATUS},Reason:${INFORMATIVA_REASON},\
Record:${INFORMATIVA_RECORD})

"""

# Heading and least width; what is left is for the last one.
COLUMNS = {"#": 1, "call": 22, "from → to": 19, "status": 8, "notice heard": 14, "record": 6, "why": 0}

COUNT = 8

WHY = {
    "not-informed": "not told by this company",
    "withheld": "unidentified: always due",
    "hung-up": "hung up: it stays due",
    "service-unavailable": "by the dialplan, proof in AstDB",
}


class DemoError(Exception):
    """A call did not come to what the demo says it shows."""


@dataclass
class Step:
    """One call: who rings whom and what it must come to, and, as it goes on, what was seen of it."""

    number: int
    title: str
    caller: str | None
    line: str
    expected: str
    hang_up_after: float | None = None
    call: Call | None = None
    status: str = ""
    why: str = ""
    record: str = ""
    seconds: float = 0.0
    over: bool = False

    def row(self, length: float) -> list[Text | str]:
        """What the table shows of it now."""
        if self.call is None:
            return [str(self.number), self.title, "", "", "", "", ""]
        heard = self.seconds if self.over else self.call.heard
        return [
            str(self.number),
            self.title,
            f"{mask(self.caller) if self.caller else 'withheld'} → {COMPANY[self.line]}",
            Text(self.status or "…", "bold green" if self.status == "NOTDUE" else "bold"),
            f"{heard:.1f} of {length:.1f} s",
            self.record,
            self.why,
        ]


class Demo:
    """The calls, and the table that shows them."""

    def __init__(self, console: Console, office: Office, pbx: Pbx) -> None:
        self._console, self._office, self._pbx = console, office, pbx
        self._phone = Phone(pbx)
        self._prompts = {
            line: audio.read_wav(office.folder / "prompts" / language / "short.wav")
            for line, language in LANGUAGE.items()
        }
        self.steps: list[Step] = []

    def step(
        self, title: str, caller: str | None, line: str, expected: str, hang_up_after: float | None = None
    ) -> Step:
        """Plan one call."""
        self.steps.append(Step(len(self.steps) + 1, title, caller, line, expected, hang_up_after))
        return self.steps[-1]

    def ring(self, step: Step) -> None:
        """Make the call, wait for its end, and see what it came to. Raises DemoError if to something else."""
        header = [f"X-Step: {step.number}"]
        step.call = self._phone.dial(
            step.line, step.caller, withheld=step.caller is None, extra_headers=header
        )
        if step.hang_up_after:
            step.call.wait_heard(step.hang_up_after, 30)
            step.call.hang_up()
        step.call.wait_ended(60)
        event = self._pbx.wait_event(lambda event: event.get("Step") == str(step.number))
        step.status, reason, record = event["Status"], event["Reason"], event["Record"]
        step.record = "spool" if record.startswith("spool:") else record
        step.why = self._why(step, reason, record)
        self._listen(step)
        step.over = True
        if step.status != step.expected:
            raise DemoError(f"Call {step.number} ({step.title}) came to {step.status}, not {step.expected}.")

    def _listen(self, step: Step) -> None:
        """What the caller really heard, by comparing the sound with the prompt; kept for listening to."""
        assert step.call is not None
        heard = step.call.audio
        audio.write_wav(FOLDER / "heard" / f"{step.number}.wav", heard)
        matches = audio.find(self._prompts[step.line], heard) if len(heard) else []
        step.seconds = sum(match.covered for match in matches)
        if (step.status in {"PLAYED", "FALLBACK"}) != (len(matches) == 1 and matches[0].whole):
            raise DemoError(f"Call {step.number} ({step.title}) is {step.status}, and {matches} was heard.")

    def _why(self, step: Step, reason: str, record: str) -> str:
        if step.status != "NOTDUE":
            return WHY.get(reason, reason)
        records = {kept.number: kept.event for kept in self._office.records(COMPANY[step.line].lower())}
        basis = records[records[int(record)].basis or 0]
        return f"has {basis.notice} {basis.version} since {basis.at:%H:%M:%S}"

    def table(self) -> Table:
        """All calls so far, one line each."""
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for heading, width in COLUMNS.items():
            table.add_column(heading, min_width=width, no_wrap=bool(width), overflow="fold")
        for step in self.steps:
            if step.call is not None or not self._console.is_terminal:
                table.add_row(*step.row(len(self._prompts[step.line]) / 8000))
        return table

    def play(self) -> None:
        """All calls: those that need not wait for each other at the same time."""
        first = self.step("first call", MARIO, ACME, "PLAYED")
        again = self.step("the same caller again", MARIO, ACME, "NOTDUE")
        withheld = self.step("number withheld", None, ACME, "PLAYED")
        partial = self.step("hangs up half way", GIULIA, ACME, "PARTIAL", hang_up_after=2.5)
        retry = self.step("… and rings again", GIULIA, ACME, "PLAYED")
        other = self.step("1 rings another company", MARIO, BOREALIS, "PLAYED")
        script = self.step("service stopped", LUCA, ACME, "PLAYED")
        fallback = self.step("… and the script broken", SOFIA, ACME, "FALLBACK")
        with ThreadPoolExecutor(len(self.steps)) as threads:
            self._together(threads, [first, again], [withheld], [partial, retry], [other])
            self._office.stop()
            running = [threads.submit(self._in_turn, [script])]
            self._until_heard(script, running[0])
            self._office.config.rename(self._office.config.with_suffix(".away"))
            try:
                running.append(threads.submit(self._in_turn, [fallback]))
                for future in running:
                    future.result()
            finally:
                self._office.config.with_suffix(".away").rename(self._office.config)

    def _together(self, threads: ThreadPoolExecutor, *rows: list[Step]) -> None:
        for future in [threads.submit(self._in_turn, row) for row in rows]:
            future.result()

    def _in_turn(self, steps: list[Step]) -> None:
        for step in steps:
            self.ring(step)

    def _until_heard(self, step: Step, running: Future[None]) -> None:
        while step.call is None or step.call.heard < 0.5:
            if running.done():
                running.result()
                return
            time.sleep(0.05)

    def close(self) -> None:
        """Hang up whatever is still up."""
        self._phone.__exit__(None, None, None)


@contextmanager
def shown(demo: Demo, console: Console) -> Iterator[None]:
    """The table, growing while the calls go on; without a terminal, printed when they are over."""
    if not console.is_terminal:
        console.print(f"Placing {COUNT} calls; this takes about 45 seconds.\n")
        yield
        console.print(demo.table())
        return
    with Live(get_renderable=demo.table, console=console, refresh_per_second=5):
        yield


def spared(records: list[Record]) -> float:
    """Seconds of notice that callers did not have to hear again."""
    events = {record.number: record.event for record in records}
    bases = (events[event.basis] for event in events.values() if event.basis and event.status == "NOTDUE")
    return sum(basis.heard.length for basis in bases if basis.heard)


def run(console: Console) -> None:
    """The whole demo."""
    with bar(console) as progress:
        build = builds.for_demo(reporter(progress, "Asterisk"))
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "heard").mkdir(parents=True)
    office = Office((FOLDER / "etc").absolute())
    console.print(
        f"[bold]informativa[/bold] on Asterisk {build.version} ({build.name}); callers are SIPp's, and what"
        " they hear is compared with the prompts.\n"
    )
    with Pbx(build, (FOLDER / "pbx").absolute(), EXTENSIONS + office.dialplan()) as pbx:
        demo = Demo(console, office, pbx)
        try:
            office.start()
            with shown(demo, console):
                demo.play()
        finally:
            demo.close()
            office.stop()
        rows = spool(pbx)
    kept(console, office, rows)
    prove(console, office, FOLDER.absolute())
    close(console, office)


def kept(console: Console, office: Office, rows: dict[str, dict[str, str]]) -> None:
    """What was kept, and what it was worth."""
    file = office.config.relative_to(Path.cwd())
    command = f"{BIN.relative_to(Path.cwd())}/informativa"
    named = ["--controller", "acme", "--controller", "borealis"]  # nothing is shown of all at once
    console.print(f"\n[bold]The ledgers[/bold] ({command} ledger show {' '.join(named)} -c {file}):\n")
    sys.stdout.flush()
    subprocess.run([BIN / "informativa", "ledger", "show", *named, "-c", office.config], check=True)
    console.print("\n[bold]The fallback spool[/bold] (asterisk -rx 'database show informativa'):\n")
    for key, fields in rows.items():
        row = "  ".join(f"{name}={value}" for name, value in fields.items())
        console.print(Text(f"  {key}  {row.replace(f'{Path.cwd()}/', '')}"), soft_wrap=True)
    seconds = spared(office.records("acme") + office.records("borealis"))
    console.print(f"\n[bold]Callers were spared {seconds:.1f} s of notice that they had heard before.[/bold]")


def close(console: Console, office: Office) -> None:
    """What to do next."""
    file = office.config.relative_to(Path.cwd())
    command = f"{BIN.relative_to(Path.cwd())}/informativa"
    console.print(
        f"\nNext: listen to what each caller heard ({FOLDER}/heard/1.wav …); look into {file};"
        f"\nprint its dialplan ({command} dialplan -c {file}); put it on your PBX (README.md).",
        highlight=False,
    )


def main() -> int:
    """Run the demo; the exit code."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        run(console)
    except (Unavailable, PbxError, OfficeError, CallError, DemoError, ProofError) as error:
        console.print(f"[bold red]demo:[/bold red] {error}", highlight=False)
        return 1
    except KeyboardInterrupt:
        console.print("demo: stopped; nothing is left running.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
