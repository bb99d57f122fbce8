"""`make demo`: real calls into a real Asterisk with informativa, told line by line. Checks what it shows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.text import Text

from informativa.model import Record
from lab import audio, builds, conf
from lab.calls import EXTENSIONS, Calls, OutcomeError, Step
from lab.debian import Unavailable
from lab.fetch import bar, reporter
from lab.office import BIN, Office, OfficeError, spool
from lab.pbx import Pbx, PbxError
from lab.phone import CallError

from . import choices, company
from .proof import CALLS, CDR, Home, ProofError, approve, compare, prove
from .web import open_console

FOLDER = Path(".demo")
ACME, BOREALIS = "+390212345678", "+493012345678"
COMPANY = {ACME: "Acme", BOREALIS: "Borealis"}
LANGUAGE = {ACME: "it", BOREALIS: "de"}
CONTROLLERS = ("acme", "borealis", "corallo")
MARIO, GIULIA, LUCA, SOFIA = "+393331234567", "+393470000001", "+393351234560", "+393389876543"

PLAN = (
    ("first call", MARIO, ACME, "PLAYED"),
    ("the same caller again", MARIO, ACME, "NOTDUE"),
    ("number withheld", None, ACME, "PLAYED"),
    ("hangs up half way", GIULIA, ACME, "PARTIAL"),
    ("… and rings again", GIULIA, ACME, "PLAYED"),
    ("caller 1, other company", MARIO, BOREALIS, "PLAYED"),
    ("service stopped", LUCA, ACME, "PLAYED"),
    ("… and the script broken", SOFIA, ACME, "FALLBACK"),
)
"""The calls to the first two companies: their titles, callers and lines, and the status of each."""
COUNT = len(PLAN) + len(choices.PLAN)
_MODULES = ["cdr_csv.so", "app_queue.so"]


class Demo:
    """The calls of the demo."""

    def __init__(self, calls: Calls, answers: choices.Answers, office: Office, pbx: Pbx) -> None:
        self._calls, self._answers, self._office, self._pbx = calls, answers, office, pbx

    def _step(self, title: str, caller: str | None, line: str, expected: str) -> Step:
        name = COMPANY[line]
        step = Step(0, title, caller, line, name, expected, self._pbx, self._office, name.lower())
        step.hang_up_after = 2.5 if expected == "PARTIAL" else None
        return self._calls.add(step)

    def play(self) -> None:
        """All calls: those that need not wait for each other at the same time."""
        steps = [self._step(*planned) for planned in PLAN]
        first, again, withheld, partial, retry, other, script, fallback = steps
        with ThreadPoolExecutor(1) as threads:
            asked = threads.submit(self._answers.ring)
            self._calls.together([first, again], [withheld], [partial, retry], [other])
            asked.result()
        self._office.stop()
        with ThreadPoolExecutor(2) as threads:
            running = [threads.submit(self._calls.ring, script)]
            self._calls.until_heard(script, running[0])
            self._office.config.rename(self._office.config.with_suffix(".away"))
            try:
                running.append(threads.submit(self._calls.ring, fallback))
                for future in running:
                    future.result()
            finally:
                self._office.config.with_suffix(".away").rename(self._office.config)


def spared(records: list[Record]) -> float:
    """Seconds of notice that callers did not have to hear again."""
    events = {record.number: record.event for record in records}
    bases = (
        events[int(event.basis)] for event in events.values() if event.basis and event.status == "NOTDUE"
    )
    return sum(basis.heard.length for basis in bases if basis.heard)


def run(console: Console, *, web: bool) -> None:
    """The whole demo; with `web` the console stays until Ctrl-C."""
    homes = list[Home]()

    def configured(office: Office) -> None:
        homes.append(Home((FOLDER / "home").absolute()))
        homes[0].configure(office)

    office, rows = ring(console, configured)
    show_records(console, office, rows)
    choices.show(console, office)
    (home,) = homes
    with home.witnessing(office):
        prove(console, office, FOLDER.absolute())
        compare(console, office, FOLDER.absolute() / "pbx/log" / CALLS)
        approve(console, office, home)
    close(console, office, web=web)
    if web:
        open_console(console, office, CONTROLLERS)


def ring(
    console: Console, configure: Callable[[Office], None] = lambda _office: None
) -> tuple[Office, dict[str, dict[str, str]]]:
    """Place the calls, once more is configured; where all of it was recorded, and what waits in AstDB."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    with bar(console) as progress:
        build = builds.for_demo(reporter(progress, "Asterisk"))
    office = Office((FOLDER / "etc").absolute())
    configure(office)
    console.print("Speaking the notices of the third company; this takes about 20 seconds.")
    company.lay(office)
    console.print(
        f"[bold]informativa[/bold] on Asterisk {build.version} ({build.name}); callers are SIPp's, and what"
        " they hear is compared with the prompts.\n"
    )
    files = CDR | company.FILES | {"modules.conf": conf.modules(build, _MODULES)}
    agent = company.VoiceAgent()
    extensions = company.dialplan(office, agent.port) + EXTENSIONS + office.dialplan()
    folder = (FOLDER / "pbx").absolute()
    with agent.answering(), Pbx(build, folder, extensions, extra_files=files) as pbx:
        (pbx.log.parent / "cdr-csv").mkdir()
        prompts, nokey = (
            {
                line: audio.read_wav(office.folder / "prompts" / language / f"{part}.wav")
                for line, language in LANGUAGE.items()
            }
            for part in ("short", "short-nokey")
        )
        calls = Calls(console, FOLDER / "heard", prompts, nokey=nokey)
        answers = choices.Answers(console, FOLDER / "heard", office, pbx, agent)
        try:
            office.start()
            beforehand = f"Placing {COUNT} calls; this takes about a minute and a quarter."
            with calls.shown(beforehand, answers.table):
                Demo(calls, answers, office, pbx).play()
        finally:
            calls.close()
            answers.close()
            office.stop()
        return office, spool(pbx)


def show_records(console: Console, office: Office, rows: dict[str, dict[str, str]]) -> None:
    """Show the records, and what they were worth."""
    file = office.config.relative_to(Path.cwd())
    command = f"{BIN.relative_to(Path.cwd())}/informativa"
    named = [
        word for name in CONTROLLERS for word in ("--controller", name)
    ]  # nothing is shown of all at once
    console.print(f"\n[bold]The ledgers[/bold] ({command} ledger show {' '.join(named)} -c {file}):\n")
    sys.stdout.flush()
    subprocess.run([BIN / "informativa", "ledger", "show", *named, "-c", office.config], check=True)
    console.print("\n[bold]The fallback spool[/bold] (asterisk -rx 'database show informativa'):\n")
    for key, fields in rows.items():
        row = "  ".join(f"{name}={value}" for name, value in fields.items())
        console.print(Text(f"  {key}  {row.replace(f'{Path.cwd()}/', '')}"), soft_wrap=True)
    seconds = sum(spared(office.records(name)) for name in CONTROLLERS)
    console.print(f"\n[bold]Callers were spared {seconds:.1f} s of notice that they had heard before.[/bold]")


def close(console: Console, office: Office, *, web: bool) -> None:
    """Show what to do next."""
    file = office.config.relative_to(Path.cwd())
    command = f"{BIN.relative_to(Path.cwd())}/informativa"
    console.print(
        f"\nNext: listen to what each caller heard ({FOLDER}/heard/1.wav …); look into {file};"
        f"\nprint its dialplan ({command} dialplan -c {file}); put it on your PBX (README.md)."
        + ("" if web else "\nIn a browser: make demo WEB=1"),
        highlight=False,
    )


def main(arguments: Sequence[str]) -> int:
    """Run the demo; the exit code."""
    os.environ["LANGUAGE"] = "en"  # the demo is in English, and reads what commands print
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        run(console, web="--web" in arguments)
    except (Unavailable, PbxError, OfficeError, CallError, OutcomeError, ProofError) as error:
        console.print(f"[bold red]demo:[/bold red] {error}", highlight=False)
        return 1
    except KeyboardInterrupt:
        console.print("demo: stopped; nothing is left running.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
