"""What a PostgreSQL is sent, as its own log tells: each statement with its parameters, in their order and by
whom. Two boxes of one company do the same each time, while the clock stands."""

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
from informativa import bootstrap, storage
from informativa.caller import pseudonym
from informativa.config import load
from informativa.guard import suspend
from informativa.ledgers import erasure_requests
from informativa.model import Controller, RecordFilter, SharedDatabase
from informativa.operations.callers import pseudonyms
from informativa.operations.evidence import logs, receipts
from informativa.sharing import administration
from informativa.sharing.connection import connect
from informativa.sharing.exchange import Exchange
from informativa.sharing.others import SharedBoxes
from lab.postgres import SUPERUSER, Postgres
from sharing.installation import HE, Installation

PASSWORD = "of the role"
TODAY = THURSDAY.date()
SETTINGS = {"log_statement": "'all'", "log_line_prefix": "'@%a@ '", "log_min_messages": "'log'"}
COVERED = (
    (r"SCRAM-SHA-256\$[^']+", "PASSWORD"),  # with a salt of libpq's own
    (r'DECLARE "(\w+?)_?[0-9a-f]{6,}"', r'DECLARE "\1"'),
)
"""What no two runs have in common."""


class Meeting:
    """Two boxes, and the server at which they meet."""

    def __init__(self, server: Postgres, folder: Path) -> None:
        self.server = server
        (folder / "keys/acme.key").write_text(f"{KEYS['acme']}\n")
        (folder / "keys/database.pgpass").write_text(
            f"*:*:*:{SUPERUSER}:{server.password}\n*:*:*:*:{PASSWORD}\n"
        )
        (folder / "keys/database.pgpass").chmod(0o600)
        other = folder.parent / "etc-2"
        shutil.copytree(folder, other)
        self.boxes = [self._box(where, f"pbx-{number}") for number, where in enumerate((folder, other), 1)]

    def _box(self, folder: Path, name: str) -> Installation:
        with (folder / "informativa.yaml").open("a") as file:
            file.write(
                f"shared: {{hosts: ['127.0.0.1:{self.server.port}'], database: postgres, box: {name},"
                " passwords: keys/database.pgpass, milliseconds: 2000}\n"
                f"evidence: {{domain: acme.example, box: {name}}}\n"
            )
        return Installation(folder / "informativa.yaml", name)

    def acme(self, box: int) -> Controller:
        """The company, as this box has it."""
        return self.boxes[box].configuration.controllers["acme"]

    def database(self, box: int) -> SharedDatabase:
        """Where they meet, as this box has it."""
        found = load(self.boxes[box].file).shared
        assert found is not None
        return replace(found, seconds=20.0)  # a busy machine answers all the same

    @contextmanager
    def exchange(self, box: int) -> Iterator[Exchange]:
        """What this box sends and takes in, as its service does."""
        acme, database = self.acme(box), self.database(box)
        about = replace(bootstrap.about_box(self.boxes[box].configuration, acme), program="VERSION")
        connection = connect(database, acme.id)
        with closing(Exchange(storage.store(acme), connection, database, acme.id, about, (acme.key,))) as own:
            yield own


def migrated(at: Meeting) -> None:
    """The schema is made."""
    list(administration.migrate(at.database(0), ["acme"], SUPERUSER, TODAY))


def round_of_the_first(at: Meeting) -> None:
    """It has records, and what proves them, and nobody else has any."""
    for day in (1, 2):
        at.boxes[0].record(replace(PLAYED, at=PLAYED.at.replace(day=day)))
    logs.checkpoint(at.acme(0))
    _round(at, 0)


def round_of_the_second(at: Meeting) -> None:
    """It takes in what the first has sent, and has a record of its own."""
    at.boxes[1].record()
    _round(at, 1)


def _round(at: Meeting, box: int) -> None:
    with at.exchange(box) as own:
        own.erase(THURSDAY)
        own.receive()
        while own.send() or own.send_proofs():
            pass


def question(at: Meeting) -> None:
    """A call of somebody whom this box does not know."""
    acme = at.acme(1)
    with closing(SharedBoxes(acme, at.database(1), suspend)) as boxes:
        asyncio.run(boxes.ask([pseudonym(HE, acme.key)]))


def waiting(at: Meeting) -> None:
    """A call whose record is to be there before it goes on; a script asks for that."""
    with closing(SharedBoxes(at.acme(0), replace(at.database(0), wait=True), suspend)) as boxes:
        asyncio.run(boxes.wait(1))


def records(at: Meeting) -> None:
    """What all boxes have on record: all of it, the last two, and one caller's."""
    his = tuple(pseudonyms(at.acme(0), HE))
    for wanted, last in ((RecordFilter(), None), (RecordFilter(), 2), (RecordFilter(callers=his), None)):
        list(storage.on_all_boxes(at.database(0), at.acme(0), wanted, last))


def receipt_of_another_box(at: Meeting) -> None:
    """The second makes a receipt of a record of the first."""
    receipts.of_record(at.acme(1), 1, at.database(1), "pbx-1")


def access(at: Meeting) -> None:
    """What other boxes have of a caller."""
    storage.elsewhere(at.database(1), at.acme(1), pseudonyms(at.acme(1), HE))


def erasure(at: Meeting) -> None:
    """The first is asked to erase a caller on all boxes: what it would come to, and then it is done."""
    acme, database = at.acme(0), at.database(0)
    his = pseudonyms(acme, HE)
    storage.would_erase_elsewhere(database, acme, his)
    storage.erase(acme, his, THURSDAY, everywhere=HE)
    with closing(storage.store(acme)) as store:
        (request,) = erasure_requests.kept(store)
    storage.erase_elsewhere(database, acme, request)


def erasure_by_the_second(at: Meeting) -> None:
    """It does what was asked, in its next round."""
    _round(at, 1)


def after_that(at: Meeting) -> None:
    """The first sees that all have done it."""
    _round(at, 0)


def boxes_listed(at: Meeting) -> None:
    """Which boxes there are."""
    administration.look(at.database(0), "acme")


def box_retired(at: Meeting) -> None:
    """One left for good, and what it had there is purged; by the server's clock, which does not stand."""
    recent = "(extract(epoch FROM now()) * 1000000)::bigint"
    at.server.sql(f"UPDATE \"informativa_acme\".record SET at = {recent} WHERE box = 'pbx-1'")
    administration.retire(at.database(0), "acme", "pbx-2")
    for really in (False, True):
        administration.purge_retired(at.database(0), "acme", lambda _now: THURSDAY, really=really)


def migrated_again(at: Meeting) -> None:
    """There is nothing to be done."""
    migrated(at)


STORIES: Mapping[str, Callable[[Meeting], None]] = {
    each.__name__.replace("_", " "): each
    for each in (
        migrated, round_of_the_first, round_of_the_second, question, waiting, records, receipt_of_another_box,
        access, erasure, erasure_by_the_second, after_that, boxes_listed, box_retired, migrated_again,
    )
}  # fmt: skip
"""One after the other."""


def told(folder: Path, server_folder: Path) -> dict[str, str]:
    """By story, what the server was sent."""
    said = {}
    with stopped_clock(THURSDAY, BytesBySize()), Postgres(server_folder, settings=SETTINGS) as server:
        meeting = Meeting(server, folder)
        for name, story in STORIES.items():
            before = len(server.log)
            story(meeting)
            said[name] = _readable(server.log[before:])
    return said


def _readable(log: str) -> str:
    """Statements of informativa's, one a line, their parameters below."""
    lines = re.sub(r"\n\t", " ", log).splitlines()
    told, before = list[str](), ""
    for line in lines:
        found = re.fullmatch(r"@([^@]*)@ (LOG|DETAIL|ERROR|STATEMENT|WARNING): +(.*)", line)
        if found is None or not found[1].startswith("informativa") or not (kind := _KINDS.match(found[3])):
            continue
        if found[1] != before:
            before = found[1]
            told.append(f"==== {before} ====")
        text = " ".join(found[3][kind.end() :].split())
        told.append(f"    {text}" if found[2] == "DETAIL" else text)
    text = "\n".join((*told, ""))
    for pattern, instead in COVERED:
        text = re.sub(pattern, instead, text)
    return text


_KINDS = re.compile(r"statement: |execute [^:]*: |parameters: ", re.IGNORECASE)
