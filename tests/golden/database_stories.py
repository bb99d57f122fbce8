"""Statements that a PostgreSQL gets, by its own log: each with its parameters, in order, and by box. Two
boxes of one company do the same in each run, with a stopped clock."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from examples import PLAYED
from golden.console_walk import KEYS
from golden.stopped_clock import THURSDAY, BytesBySize, stopped_clock
from informativa.call.caller import pseudonym
from informativa.call.guard import suspend
from informativa.config import load
from informativa.model import Controller, RecordFilter, SharedDatabase
from informativa.operations.callers import pseudonyms
from informativa.operations.evidence import logs, receipts
from informativa.process import bootstrap, erasing, storage
from informativa.sharing import administration
from informativa.sharing.connection import connect
from informativa.sharing.exchange import Exchange
from informativa.sharing.others import SharedBoxes
from lab.postgres import SUPERUSER, Postgres
from sharing.installation import HE, Installation

PASSWORD = "of the role"
SETTINGS = {"log_statement": "'all'", "log_line_prefix": "'@%a@ '", "log_min_messages": "'log'"}
MASKS = (
    (r"SCRAM-SHA-256\$[^']+", "PASSWORD"),  # with a salt of libpq's own
    (r"(\$1 = '\d+', \$2 = )'\d{6,}'(, \$3 = 'pbx)", r"\1'RANDOM'\2"),  # of an epoch
    (r'DECLARE "(\w+?)_?[0-9a-f]{6,}"', r'DECLARE "\1"'),
)
"""Patterns of all that differs between two runs, with the text in its place."""


class TwoBoxes:
    """Two boxes of one company, and the server that they share."""

    def __init__(self, server: Postgres, folder: Path) -> None:
        self.server = server
        (folder / "keys/acme.key").write_text(f"{KEYS['acme']}\n")
        (folder / "keys/database.pgpass").write_text(
            f"*:*:*:{SUPERUSER}:{server.password}\n*:*:*:*:{PASSWORD}\n"
        )
        (folder / "keys/database.pgpass").chmod(0o600)
        second = folder.parent / "etc-2"
        shutil.copytree(folder, second)
        self.boxes = [self._box(path, f"pbx-{number}") for number, path in enumerate((folder, second), 1)]

    def _box(self, folder: Path, name: str) -> Installation:
        with (folder / "informativa.yaml").open("a") as file:
            file.write(
                f"shared: {{hosts: ['127.0.0.1:{self.server.port}'], database: postgres, box: {name},"
                " passwords: keys/database.pgpass, milliseconds: 2000}\n"
                f"evidence: {{domain: acme.example, box: {name}}}\n"
            )
        return Installation(folder / "informativa.yaml", name)

    def acme(self, box: int) -> Controller:
        """Return the company by the configuration of a box."""
        return self.boxes[box].configuration.controllers["acme"]

    def database(self, box: int) -> SharedDatabase:
        """Return the shared database by the configuration of a box."""
        database = load(self.boxes[box].file).shared
        assert database is not None
        return replace(database, seconds=20.0)  # a busy machine answers all the same

    @contextmanager
    def exchange(self, box: int) -> Iterator[Exchange]:
        """Yield the exchange of a box with the database, as its service makes it."""
        acme, database = self.acme(box), self.database(box)
        about = replace(bootstrap.about_box(self.boxes[box].configuration, acme), program="VERSION")
        connection = connect(database, acme.id)
        store = storage.store(acme)
        with closing(Exchange(store, connection, database, acme.id, about, (acme.key,))) as exchange:
            yield exchange


def migrated(setup: TwoBoxes) -> None:
    """Make the tables, and the logins of both boxes."""
    for box in (0, 1):
        list(administration.migrate(setup.database(box), ["acme"], SUPERUSER))


def round_of_the_first(setup: TwoBoxes) -> None:
    """Send the records and proofs of the first box; there are none of others."""
    for day in (1, 2):
        setup.boxes[0].record(replace(PLAYED, at=PLAYED.at.replace(day=day)))
    logs.checkpoint(setup.acme(0))
    _round(setup, 0)


def round_of_the_second(setup: TwoBoxes) -> None:
    """Let the second box take in the records of the first, and send one."""
    setup.boxes[1].record()
    _round(setup, 1)


def _round(setup: TwoBoxes, box: int) -> None:
    with setup.exchange(box) as exchange:
        exchange.erase(THURSDAY)
        exchange.receive()
        while exchange.send() or exchange.send_proofs():
            pass


def question(setup: TwoBoxes) -> None:
    """Ask for a caller whom this box does not know."""
    acme = setup.acme(1)
    with closing(SharedBoxes(acme, setup.database(1), suspend)) as boxes:
        asyncio.run(boxes.ask([pseudonym(HE, acme.key)]))


def waiting(setup: TwoBoxes) -> None:
    """Wait until the record of a call is in the database, as a script does."""
    with closing(SharedBoxes(setup.acme(0), replace(setup.database(0), wait=True), suspend)) as boxes:
        asyncio.run(boxes.wait(1))


def records(setup: TwoBoxes) -> None:
    """Read the records of all boxes: all of them, the last two, and one caller's."""
    caller = tuple(pseudonyms(setup.acme(0), HE))
    for record_filter, last in (
        (RecordFilter(), None),
        (RecordFilter(), 2),
        (RecordFilter(callers=caller), None),
    ):
        list(storage.on_all_boxes(setup.database(0), setup.acme(0), record_filter, last))


def receipt_of_another_box(setup: TwoBoxes) -> None:
    """Make a receipt of a record of the first box at the second."""
    receipts.of_record(setup.acme(1), 1, setup.database(1), "pbx-1")


def access(setup: TwoBoxes) -> None:
    """Read the records of a caller on other boxes."""
    storage.records_on_other_boxes(setup.database(1), setup.acme(1), pseudonyms(setup.acme(1), HE))


def erasure(setup: TwoBoxes) -> None:
    """Erase a caller on all boxes, from the first: count the records, then do it."""
    acme, database = setup.acme(0), setup.database(0)
    erasing.would_erase(acme, HE, database)
    erasing.erase(acme, HE, THURSDAY, database)


def erasure_by_the_second(setup: TwoBoxes) -> None:
    """Let the second box erase the caller, in its next round."""
    _round(setup, 1)


def after_that(setup: TwoBoxes) -> None:
    """Let the first box see that all have erased the caller."""
    _round(setup, 0)


def boxes_listed(setup: TwoBoxes) -> None:
    """List the boxes."""
    administration.database_state(setup.database(0), "acme")


def box_retired(setup: TwoBoxes) -> None:
    """Retire a box, and purge its records there; by the server's clock, which is not stopped."""
    recent = "(extract(epoch FROM now()) * 1000000)::bigint"
    setup.server.sql(f"UPDATE informativa.record SET at = {recent} WHERE box = 'pbx-1'")
    administration.retire(setup.database(0), "acme", "pbx-2")
    for really in (False, True):
        administration.purge_retired(setup.database(0), "acme", lambda _now: THURSDAY, really=really)


def migrated_again(setup: TwoBoxes) -> None:
    """Migrate tables that are of the newest migration."""
    migrated(setup)


STORIES: Mapping[str, Callable[[TwoBoxes], None]] = {
    story.__name__.replace("_", " "): story
    for story in (
        migrated, round_of_the_first, round_of_the_second, question, waiting, records, receipt_of_another_box,
        access, erasure, erasure_by_the_second, after_that, boxes_listed, box_retired, migrated_again,
    )
}  # fmt: skip
"""All stories, in the order in which they are run."""


def statements(folder: Path, server_folder: Path) -> dict[str, str]:
    """Return the statements that the server got, by story."""
    texts = {}
    with stopped_clock(THURSDAY, BytesBySize()), Postgres(server_folder, settings=SETTINGS) as server:
        setup = TwoBoxes(server, folder)
        for name, story in STORIES.items():
            start = len(server.log)
            story(setup)
            texts[name] = _readable(server.log[start:])
    return texts


def _readable(log: str) -> str:
    """Return the statements of informativa in a log, one a line, with their parameters below."""
    lines = re.sub(r"\n\t", " ", log).splitlines()
    output, box = list[str](), ""
    for line in lines:
        entry = re.fullmatch(r"@([^@]*)@ (LOG|DETAIL|ERROR|STATEMENT|WARNING): +(.*)", line)
        if entry is None or not entry[1].startswith("informativa") or not (kind := _KINDS.match(entry[3])):
            continue
        if entry[1] != box:
            box = entry[1]
            output.append(f"==== {box} ====")
        text = " ".join(entry[3][kind.end() :].split())
        output.append(f"    {text}" if entry[2] == "DETAIL" else text)
    text = "\n".join((*output, ""))
    for pattern, mask in MASKS:
        text = re.sub(pattern, mask, text)
    return text


_KINDS = re.compile(r"statement: |execute [^:]*: |parameters: ", re.IGNORECASE)
