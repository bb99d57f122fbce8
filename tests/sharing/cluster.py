"""`make cluster`: three Asterisk with an informativa each, for twenty companies, and the PostgreSQL where
they meet, killed half way.

Real calls, told line by line as the demo's are. Checks what it shows.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from demo.run import ACME, GIULIA, LUCA, MARIO, SOFIA
from informativa.evidence.commitment import KEPT
from informativa.ledgers import boxes as ledger_boxes
from informativa.ledgers import rows
from informativa.ledgers.sqlite import SqliteStore
from informativa.model.errors import InformativaError
from informativa.sharing import schema
from lab import audio, builds, databases
from lab.builds import Build
from lab.calls import EXTENSIONS, Calls, Note, OutcomeError, Step
from lab.debian import Unavailable
from lab.fetch import bar, reporter
from lab.office import BIN, Office, OfficeError
from lab.pbx import Pbx, PbxError
from lab.phone import CallError
from lab.postgres import SUPERUSER, Postgres, PostgresError
from lab.process import NeverError, until
from sharing import cluster_companies
from sharing.cluster_companies import CompanyCalls

FOLDER = Path(".cluster")
ANNA = "+393279876552"
ACME_ID = "acme"
BOXES = A, B, C = "pbx-a", "pbx-b", "pbx-c"
COMPANIES = (ACME_ID, "borealis", *cluster_companies.NAMES)
DATABASE, PASSWORD = "informativa", "of-the-roles"
LIMIT = 1.0
"""Seconds that a caller may wait for the notice, or for what comes after it where it is not due: what three
Asterisk on one machine take, and the 30 ms that the database may take of it. libpq alone, left to itself,
waits for 2 s at least."""
COUNT = 15
PATIENCE = 60.0  # seconds until all has come to the database; boxes try again every 5 s at most
_COLUMNS = {
    "#": 2,
    "call": 22,
    "from → to": 14,
    "status": 6,
    "notice heard": 14,
    "waited": 6,
    "record": 6,
    "why": 0,
}

Row = tuple[str, str, int, int, str]
"""A record: company, box, number, time in microseconds, status."""


@dataclass(frozen=True)
class Outcome:
    """The outcome: calls, records in all ledgers and rows in the database, and the longest that a caller
    waited, in seconds, while the database was there and while it was not."""

    calls: int
    records: list[Row]
    rows: list[Row]
    waited_with: float
    waited_without: float


class Cluster:
    """Three boxes and their database in one folder; started, and a context manager that ends all of it."""

    def __init__(self, folder: Path, build: Build, say: Callable[[str], None]) -> None:
        self.folder = folder
        self.offices: dict[str, Office] = {}
        self.pbxs: dict[str, Pbx] = {}
        self._build, self._say = build, say
        self._closing = contextlib.ExitStack()
        self.migrated: list[list[str]] = []

    def __enter__(self) -> Cluster:
        with contextlib.ExitStack() as closing:
            self._say("PostgreSQL")
            self.server = closing.enter_context(Postgres(self.folder / "postgresql", durable=True))
            self.server.sql(f"CREATE DATABASE {DATABASE}")
            for name in BOXES:
                self._say(f"{name}: Asterisk and informativa")
                self.offices[name] = self._office(name)
                self.migrated.append(self._migrate(self.offices[name]))
                extensions = EXTENSIONS + self.offices[name].dialplan()
                pbx = Pbx(self._build, self.folder / name / "asterisk", extensions)
                self.pbxs[name] = closing.enter_context(pbx)
                closing.callback(self.offices[name].stop)
                self.offices[name].start()
            self._closing = closing.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._closing.close()

    def _migrate(self, office: Office) -> list[str]:
        """Make the tables, and the box's login, which serves all companies, as an admin types it; that,
        and what it says. His own password is in the file for so long, and in one of his own for a look into
        the database."""
        passwords, own = office.folder / "keys/shared.pgpass", passwords_of(SUPERUSER, self.server.password)
        _secret(self.folder / "administrator.pgpass", own)
        roles = passwords.read_text()
        passwords.write_text(own + roles)
        command = ("shared", "migrate", "--as", SUPERUSER, "-c", office.config)
        try:
            output = office.command(*command)
        finally:
            passwords.write_text(roles)
        return [f"informativa {' '.join(map(str, command))}", *(f"  {line}" for line in output.splitlines())]

    def _office(self, name: str) -> Office:
        """One installation: the same companies, keys of theirs and settings as on the other box."""
        office = Office(self.folder / name / "etc")
        cluster_companies.lay(office, self.offices.get(A))  # the first one makes the keys
        passwords = passwords_of(schema.login(name), PASSWORD)
        _secret(office.folder / "keys/shared.pgpass", passwords)
        office.edit(
            "operator: Acme S.p.A.",
            f"shared:\n  hosts: [{databases.HOST}:{self.server.port}]\n  database: {DATABASE}\n"
            f"  box: {name}\n  passwords: keys/shared.pgpass\n\noperator: Acme S.p.A.",
        )
        return office

    def records(self) -> list[Row]:
        """Return what all ledgers hold."""
        return sorted(
            (company, name, record.number, rows.microseconds(record.event.at), str(record.event.status))
            for name, office in self.offices.items()
            for company in COMPANIES
            for record in office.records(company)
        )

    def rows(self) -> list[Row]:
        """Return what the database holds."""
        notes = ", ".join(f"'{kind}'" for kind in KEPT)
        statement = (
            "SELECT controller, box, record, at, status FROM informativa.record JOIN informativa.company"
            f" USING (company) WHERE kind NOT IN ({notes})"
        )
        answer = self.server.sql(statement, dbname=DATABASE)
        return sorted(
            (str(company), str(box), int(str(number)), int(str(at)), str(status))
            for company, box, number, at, status in answer
        )

    def wait_even(self) -> None:
        """Wait until the database has what the ledgers have, and each box what the others told Acme's
        callers."""
        until(
            lambda: self.rows() == self.records() and all(self.has_taken_in(box, ACME_ID) for box in BOXES),
            PATIENCE,
            lambda: f"The ledgers have {self.records()}, and the database has {self.rows()}.",
        )

    def has_taken_in(self, box: str, company: str) -> bool:
        """Tell if a box has what the others told a company's callers."""
        ledger = self.offices[box].folder / f"ledger/{company}.sqlite3"
        with contextlib.closing(SqliteStore(str(ledger))) as store:
            by_ledger = ledger_boxes.received(store).by_ledger
        received = {name: record for (name, _identity), (record, _answers) in by_ledger.items()}
        return all(
            received.get(name, 0) >= record.number
            for name, office in self.offices.items()
            if name != box
            for record in office.records(company)
            if record.event.informs  # past others a box goes without a word in its ledger
        )

    def wait_taken_in(self, box: str, company: str) -> None:
        """Wait until a box has what the others told a company's callers. Before that it asks the database for
        30 ms, which is too short on a busy machine: then the caller hears the notice again."""
        until(
            lambda: self.has_taken_in(box, company),
            PATIENCE,
            lambda: f"{box} has not all that other boxes recorded of {company}.",
        )


class Play:
    """The calls, and what happens to the database between them."""

    def __init__(self, cluster: Cluster, calls: Calls, of_others: CompanyCalls) -> None:
        self._cluster, self._calls, self._of_others = cluster, calls, of_others
        self.away: list[Step] = []
        """The calls that began while the database could not be used."""

    def step(self, title: str, caller: str, box: str, expected: str, *, taken_in: bool = False) -> Step:
        """Plan one call; with `taken_in` it begins when the box has what the others recorded."""
        pbx, offices = self._cluster.pbxs[box], self._cluster.offices
        ready = partial(self._cluster.wait_taken_in, box, ACME_ID) if taken_in else None
        step = Step(0, title, caller, ACME, box, expected, pbx, offices[box], boxes=offices, ready=ready)
        return self._calls.add(step)

    def all(self) -> None:
        """In three parts."""
        self._there()
        self._away()
        self._back()

    def _there(self) -> None:
        first = self.step("first call", MARIO, A, "PLAYED")
        moment = self.step("a moment later", MARIO, B, "NOTDUE", taken_in=True)
        other = self.step("another, the other way", GIULIA, B, "PLAYED")
        round_ = self.step("a moment later", GIULIA, A, "NOTDUE", taken_in=True)
        third = self.step("and once more", GIULIA, C, "NOTDUE", taken_in=True)
        with ThreadPoolExecutor(1) as threads:
            others = threads.submit(self._of_others.ring)
            self._calls.together([first, moment], [other, round_, third])
            others.result()
        self._calls.rows.append(self._of_others.note())

    def _away(self) -> None:
        """First it hangs, which is worse for whoever waits than a port where nobody listens."""
        server = self._cluster.server
        server.halt()
        self._note("the database hangs", "it takes connections, and says nothing")
        new = self.step("new there", LUCA, A, "PLAYED")
        known = self.step("told there before", MARIO, A, "NOTDUE")
        with ThreadPoolExecutor(2) as threads:
            running = [threads.submit(self._calls.in_turn, [caller]) for caller in (new, known)]
            self._calls.until_heard(new, running[0])
            running[1].result()
            server.kill()
            self._note("it is killed", "kill -9")
            then = [
                self.step("new there", SOFIA, B, "PLAYED"),
                self.step("new there", ANNA, C, "PLAYED"),
                self.step("told there before", MARIO, A, "NOTDUE"),
                self.step("told on the other box", MARIO, B, "NOTDUE"),
            ]
            self._calls.together(*([caller] for caller in then))
            running[0].result()
        self.away = [new, known, *then]

    def _back(self) -> None:
        cluster = self._cluster
        count = len(cluster.records())
        if count != len(self.steps):
            raise OutcomeError(f"{len(self.steps)} calls, and {count} records in the ledgers.")
        began = time.monotonic()
        cluster.server.start()
        cluster.wait_even()
        seconds = time.monotonic() - began
        self._note("the database is back", f"{seconds:.1f} s later it has all {count} records")
        then = [
            self.step("6 on another box", LUCA, B, "NOTDUE"),
            self.step("8 on another box", SOFIA, A, "NOTDUE"),
            self.step("9 on another box", ANNA, B, "NOTDUE"),
            self.step("told on the first box", MARIO, C, "NOTDUE"),
        ]
        self._calls.together(*([caller] for caller in then))
        cluster.wait_even()

    def _note(self, title: str, reason: str) -> None:
        self._calls.rows.append(Note(title, reason))

    @property
    def steps(self) -> list[Step]:
        """The calls to all companies."""
        return [*self._calls.steps, *self._of_others.steps]

    def outcome(self) -> Outcome:
        """Return what it came to. Raises OutcomeError if somebody waited too long, or records are not there
        once."""
        steps = self.steps
        late = [step for step in steps if step.waited is None or step.waited > LIMIT]
        if late:
            waits = ", ".join(
                f"{step.number} of {step.controller} ({step.waited or 0.0:.2f} s)" for step in late
            )
            raise OutcomeError(f"Callers waited longer than {LIMIT} s: call {waits}.")
        records, shared = self._cluster.records(), self._cluster.rows()
        if shared != records or len(records) != len(steps):
            raise OutcomeError(f"{len(steps)} calls, records {records}, rows {shared}.")
        without = max(step.waited or 0.0 for step in self.away)
        waited = max(step.waited or 0.0 for step in steps if step not in self.away)
        return Outcome(len(steps), records, shared, waited, without)


def run(console: Console, folder: Path = FOLDER, *, stay: bool = False) -> Outcome:
    """All of it. Raises what `main` tells, where anything is not as it must be."""
    with bar(console) as progress:
        build = builds.for_demo(reporter(progress, "Asterisk"))
        databases.programs(reporter(progress, "PostgreSQL"))
    began = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    console.print(
        f"Three boxes, each [bold]informativa[/bold] for {len(COMPANIES)} companies on Asterisk"
        f" {build.version} ({build.name}), and one PostgreSQL\nwhere they meet; callers are SIPp's, and what"
        " they hear is compared with the prompt.\n"
    )
    with contextlib.ExitStack() as closing:
        with console.status("Starting …") as status:

            def say(step: str) -> None:
                status.update(f"Starting {step} …")
                if not console.is_terminal:
                    console.print(f"Starting {step} …", highlight=False)

            cluster = closing.enter_context(Cluster(folder.absolute(), build, say))
        for migrated in cluster.migrated:
            lines = [*migrated[:3], f"  … and {len(migrated) - 3} more"]
            console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)
        console.print()
        prompt = audio.read_wav(cluster.offices[A].folder / "prompts/it/short.wav")
        calls = Calls(console, folder / "heard", {ACME: prompt}, _COLUMNS)
        closing.callback(calls.close)
        silent = Console(file=io.StringIO())
        of_others = cluster_companies.calls(silent, cluster.offices[A], folder / "heard/of-others")
        closing.callback(of_others.close)
        play = Play(
            cluster,
            calls,
            CompanyCalls(of_others, GIULIA, cluster.pbxs, cluster.offices, cluster.wait_taken_in),
        )
        with calls.shown(f"Placing {COUNT + len(play.steps)} calls; this takes about a minute."):
            play.all()
        outcome = play.outcome()
        show_outcome(console, cluster, outcome, time.monotonic() - began)
        further(console, cluster, stay=stay)
        if stay:
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()
    return outcome


def show_outcome(console: Console, cluster: Cluster, outcome: Outcome, seconds: float) -> None:
    """Show the outcome, and how long it took."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("box", "records in its ledgers", "rows in the database"):
        table.add_column(heading)
    for name in cluster.offices:
        counts = (sum(row[1] == name for row in numbers) for numbers in (outcome.records, outcome.rows))
        table.add_row(name, *map(str, counts))
    console.print(f"\n[bold]Each call is on record once[/bold], and in the database once ({DATABASE}):\n")
    console.print(table)
    console.print(
        "\n[bold]Nobody was told twice, and nothing was lost when the database was killed.[/bold]\n"
        f"Callers waited {outcome.waited_with:.2f} s at most for the notice, or for what comes instead,"
        f" with the database,\nand {outcome.waited_without:.2f} s without it (limit"
        f" {LIMIT:.2f} s; the database may take 0.03 s of it). All of it took {seconds:.0f} s.\n"
        "The worst that is left: who rings two boxes while there is no database hears the notice on both.",
        highlight=False,
    )


def further(console: Console, cluster: Cluster, *, stay: bool) -> None:
    """Show what to look at next."""

    def short(path: Path) -> str:
        return str(path).replace(f"{Path.cwd()}/", "")

    informativa, a = short(BIN / "informativa"), cluster.offices[A]
    lines = [
        f"listen to what each caller heard ({short(cluster.folder)}/heard/1.wav …)",
        f"see what one box has ({informativa} ledger show --controller acme -c {short(a.config)})",
        f"read what it said meanwhile ({short(a.log)})",
    ]
    if stay:
        programs = databases.programs()
        libraries = ":".join(map(str, programs.libraries))
        lines.append(
            f"look into the database (PGPASSFILE={short(cluster.folder)}/administrator.pgpass"
            f"{' LD_LIBRARY_PATH=' if libraries else ''}{libraries} {programs.postgresql}/psql"
            f" '{cluster.server.conninfo(dbname=DATABASE, password=None)}' -c 'TABLE"
            f" informativa.ledger');\nring one yourself (SIP at {cluster.pbxs[A].host}, ports "
            f"{' and '.join(str(pbx.ports.sip) for pbx in cluster.pbxs.values())}); Ctrl-C ends all"
        )
    else:
        lines.append("keep all of it running (make cluster CLUSTER=--stay)")
    steps = ";\n".join(lines)
    console.print(f"\nNext: {steps}.", highlight=False, soft_wrap=True, markup=False)


def passwords_of(role: str, password: str) -> str:
    """A line of .pgpass."""
    return f"*:*:*:{role}:{password}\n"


def _secret(file: Path, text: str) -> None:
    """Write what its owner alone may read."""
    file.touch(0o600)
    file.write_text(text, encoding="utf-8")


def main(*, stay: bool) -> int:
    """Run it; the exit code."""
    console = Console(width=None if sys.stdout.isatty() else 130)
    try:
        run(console, stay=stay)
    except (
        Unavailable,
        PbxError,
        OfficeError,
        CallError,
        OutcomeError,
        PostgresError,
        NeverError,
        InformativaError,
    ) as error:
        console.print(f"[bold red]cluster:[/bold red] {error}", highlight=False)
        return 1
    except KeyboardInterrupt:
        console.print("cluster: stopped; nothing is left running.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(stay="--stay" in sys.argv[1:]))
