"""The things that calls begin with, while they are loaded anew and ledgers are opened again beside them."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from doubles import ScriptedSession, incoming
from informativa.config import changes
from informativa.model import ChangedRecording
from informativa.model.errors import LedgerError
from informativa.process import bootstrap, loaded_text
from informativa.process import generations as generations_module
from informativa.process import service as service_module
from informativa.process.generations import Generations
from informativa.process.maintenance import UnusableLedgers
from informativa.process.preparation import prepare
from informativa.process.service import CallService

OLD_LINE, NEW_LINE = "+390212345678", "+390212345679"


class Beside:
    """Keeps what is to be done beside the calls until it is asked for."""

    def __init__(self) -> None:
        self.waiting: list[Coroutine[Any, Any, None]] = []

    async def done(self) -> int:
        """Do it; how much it was."""
        work, self.waiting = self.waiting, []
        for one in work:
            await one
        return len(work)


@pytest.fixture
def config(folder: Path) -> Path:
    """A configuration with two companies."""
    return folder / "informativa.yaml"


@pytest.mark.slow
def test_call_ends_under_the_configuration_of_its_beginning(config: Path) -> None:
    """What only an earlier configuration has is closed when its last call is over, and not before."""

    async def story() -> None:
        beside = Beside()
        generations = Generations(prepare(config), beside.waiting.append)
        first, again = generations.begin(), generations.begin()
        assert first is again
        config.write_text(config.read_text().replace("+390212345678", "+390212345679"))
        assert await generations.load()
        assert "+390212345679" in generations.newest.services.lines
        assert "+390212345678" in first.services.lines
        second = generations.begin()
        assert second is generations.newest
        assert (generations.in_progress(), beside.waiting) == (3, [])
        for generation in (second, first):
            generations.end(generation)
        assert (generations.in_progress(), beside.waiting) == (1, [])
        generations.end(again)
        assert (generations.in_progress(), await beside.done()) == (0, 1)
        assert generations.newest is second
        generations.close()

    asyncio.run(story())


HELD: tuple[tuple[object, str, str], ...] = (
    (changes, "wait_written", OLD_LINE),
    (generations_module, "prepare", OLD_LINE),
    (bootstrap, "for_service", OLD_LINE),
    (loaded_text.Holder, "hold", NEW_LINE),
    (generations_module, "_close", NEW_LINE),
)
"""The steps of a reload that may take long, each with the line that is served meanwhile."""


@pytest.mark.slow
@pytest.mark.parametrize(("owner", "step", "line"), HELD, ids=[step for _owner, step, _line in HELD])
def test_reload_holds_no_call(
    config: Path, monkeypatch: pytest.MonkeyPatch, owner: object, step: str, line: str
) -> None:
    """While a step of it is held a call is answered to its end, under the earlier configuration until the new
    one is loaded."""
    begun, released = threading.Event(), threading.Event()
    work = getattr(owner, step)

    def holding(*values: object, **options: object) -> object:
        begun.set()
        assert released.wait(60)
        return work(*values, **options)

    async def call(service: CallService, called: str) -> tuple[str, str]:
        session = ScriptedSession(incoming(line=called))
        await asyncio.wait_for(service.answer(session), 60)
        return session.variables["INFORMATIVA_STATUS"], session.variables["INFORMATIVA_REASON"]

    async def story() -> None:
        service = CallService(prepare(config))
        assert await call(service, OLD_LINE) == ("PLAYED", "not-informed")
        config.write_text(config.read_text().replace(OLD_LINE, NEW_LINE))
        monkeypatch.setattr(owner, step, holding)
        reloading = asyncio.create_task(service.reload())
        try:
            assert await asyncio.to_thread(begun.wait, 60)
            assert await call(service, line) == ("NOTDUE", "already-informed")
            other = NEW_LINE if line == OLD_LINE else OLD_LINE
            assert (await call(service, other))[1] == "no-line"
            assert not released.is_set()
        finally:
            released.set()
        await reloading
        assert await call(service, NEW_LINE) == ("NOTDUE", "already-informed")
        service.end_maintenance()
        service.close()

    asyncio.run(story())


@pytest.mark.slow
def test_all_garbage_is_looked_for_at_a_reload_without_calls_alone(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That holds every call of a service with many companies for as long as it takes."""
    looks = list[bool]()
    monkeypatch.setattr(service_module, "_freeze_objects", lambda *, in_full: looks.append(in_full))

    async def story() -> None:
        service = CallService(prepare(config))
        generation = service._generations.begin()
        await service.reload()
        service._generations.end(generation)
        await service.reload()
        service.end_maintenance()
        service.close()

    asyncio.run(story())
    assert looks == [False, True]


@pytest.mark.slow
def test_mistake_is_not_taken(config: Path) -> None:
    """A file that cannot be used leaves all as it was."""

    async def story() -> None:
        beside = Beside()
        generations = Generations(prepare(config), beside.waiting.append)
        before = generations.newest
        config.write_text(config.read_text().replace("controller: acme", "controller: acm"))
        assert not await generations.load()
        assert (generations.newest, beside.waiting) == (before, [])
        generations.close()

    asyncio.run(story())


def test_trouble_of_a_ledger_is_told_once() -> None:
    """And not each time round: again only when it is another one, or comes back."""
    trouble, other = LedgerError("The disk is full."), LedgerError("No such folder.")
    old = LedgerError("Of another version.")
    rounds = [
        {"acme": trouble},
        {"acme": trouble, "borealis": old},
        {"acme": trouble, "borealis": old},
        {"acme": other, "borealis": old},
        {"borealis": old},
        {"acme": other},
        {"borealis": old},
    ]
    reported, lines = UnusableLedgers(), list[list[str]]()
    for failing in rounds:
        with capture_logs() as logged:
            reported.report(failing)
        lines.append([f"{line['controller']} {line['log_level']} {line.get('error', '')}" for line in logged])
    assert lines == [
        ["acme error The disk is full."],
        ["borealis error Of another version."],
        [],
        ["acme error No such folder."],
        [],
        ["acme error No such folder."],
        ["borealis error Of another version."],
    ]


def test_ledger_is_opened_again(config: Path) -> None:
    """One that could not be used is opened once it can be; until then calls go on as before."""

    async def story() -> None:
        ledger, beside = config.parent / "ledger/acme.sqlite3", Beside()
        configuration = prepare(config)
        shutil.copy(ledger, ledger.with_name("kept"))
        for file in ledger.parent.glob("acme.sqlite3*"):
            file.write_text("no database " * 1000)
        generations = Generations(configuration, beside.waiting.append)
        before = generations.newest
        reported = UnusableLedgers()
        with capture_logs() as log:
            for _round in range(3):
                assert list(await generations.reopen(reported)) == ["acme"]
        assert [line["event"] for line in log] == ["ledger cannot be used"]
        assert generations.newest is before
        for file in ledger.parent.glob("acme.sqlite3*"):
            file.unlink()
        ledger.with_name("kept").rename(ledger)
        assert await generations.reopen(reported) == {}
        now = generations.newest
        assert bootstrap.unusable(now.configuration, now.services) == {}
        assert await beside.done() == 1
        generations.close()

    asyncio.run(story())


def test_ledger_of_other_recordings_is_opened_and_they_are_told_once(config: Path) -> None:
    """One that can be opened again, but was served with other recordings: calls are recorded, no prompt is
    played as one that it is not, and that is told once."""

    async def story() -> None:
        ledger, beside = config.parent / "ledger/acme.sqlite3", Beside()
        configuration = prepare(config)
        aside = ledger.rename(ledger.with_name("aside"))
        ledger.write_text("no database " * 1000)
        generations = Generations(configuration, beside.waiting.append)
        before = generations.newest
        with closing(sqlite3.connect(aside)) as connection, connection:
            connection.execute("UPDATE recording SET sha256 = 'another'")
        aside.replace(ledger)
        reported = UnusableLedgers()
        with capture_logs() as log:
            for _round in range(3):
                assert await generations.reopen(reported) == {}
        wrong = [line["problem"] for line in log if line["event"] == "a prompt is not played"]
        assert len(wrong) == len(set(wrong)) == 6  # short, short without keys and full in two languages
        assert all("is not the recording that version 2026-11 was first served with" in one for one in wrong)
        prompt = generations.newest.services.lines["+390212345678"].plan[0].notice.versions[0].short["it"]
        recording = await generations.newest.services.recordings.current("acme", prompt)
        assert isinstance(recording, ChangedRecording)
        assert generations.newest is not before
        await beside.done()
        generations.close()

    asyncio.run(story())
