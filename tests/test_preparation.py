"""The beginning of a service: what is wrong with one company is that company's alone (I10)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from structlog.testing import capture_logs

from informativa.call import answering as call
from informativa.config import Configuration, builder, findings, inspect, looks, notices
from informativa.ledgers.opening import LedgerOpener
from informativa.model import ChangedRecording, Prompt
from informativa.model.errors import ConfigError, SessionError
from informativa.model.ports import Ledger
from informativa.process import bootstrap, preparation
from informativa.process.maintenance import UnusableLedgers
from informativa.process.preparation import companies_with_previous_configuration, prepare
from informativa.prompts import installed
from informativa.system import patience
from informativa.system.patience import of_each, within

ACMES, BOREALIS = "+390212345678", "+493012345678"
SHORT = "prompts/it/short.wav"


@pytest.fixture
def config(folder: Path) -> Path:
    """Two companies, acme whose prompts are Italian and borealis whose prompts are German."""
    return folder / "informativa.yaml"


def edit(config: Path, old: str, new: str) -> None:
    """Change one place of the file."""
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new, 1))


def played(configuration: Configuration, line: str, language: str) -> Prompt | ChangedRecording:
    """Return what a call on a line would have played, of its first notice."""
    called = configuration.spelled[line]
    prompt = called.plan[0].notice.versions[0].short[language]
    return asyncio.run(bootstrap.as_loaded(configuration.recordings).current(called.controller.id, prompt))


def assert_borealis_alone(configuration: Configuration) -> None:
    """Acme's calls are left to the dialplan, and borealis is served."""
    assert list(configuration.mistaken) == ["acme"]
    assert {name: bool(one.refused) for name, one in configuration.controllers.items()} == {
        "acme": True,
        "borealis": False,
    }
    assert ACMES in configuration.unanswered
    assert ACMES not in configuration.spelled
    assert isinstance(played(configuration, BOREALIS, "de"), Prompt)


def pipe(file: Path) -> None:
    """Put a pipe that nobody writes to in its place."""
    file.unlink()
    os.mkfifo(file)


def device(file: Path) -> None:
    """Put a link in its place to what never ends."""
    file.unlink()
    file.symlink_to("/dev/zero")


def huge(file: Path) -> None:
    """Have it be of 65 MB, of which one byte is on the disk."""
    os.truncate(file, installed.LARGEST + 1)


@pytest.mark.parametrize("replaced", [pipe, device, huge, Path.unlink])
def test_i10_prompt_that_is_no_sound_file_costs_its_company_alone(
    config: Path, replaced: Callable[[Path], None]
) -> None:
    """I10: a pipe, a device, too large a file or none: acme is not live, borealis is served."""
    replaced(config.parent / SHORT)
    assert_borealis_alone(prepare(config))


def test_broken_prompt_that_two_companies_name_is_told_of_both(config: Path) -> None:
    """Neither is served in silence without it, and whoever mends one line reads of the other."""
    edit(config, "de: prompts/de/short", "de: prompts/it/short")
    (config.parent / SHORT).unlink()
    _configuration, problems = inspect(config)
    keys = {problem.key for problem in problems if "it/short" in str(problem)}
    assert keys == {
        "controllers.acme.notices.privacy.versions[0].short.it",
        "controllers.borealis.notices.privacy.versions[0].short.de",
    }


@pytest.mark.parametrize(
    ("module", "function", "part"),
    [
        (notices, "measure", "/it/"),
        (preparation, "hashed", "/it/"),
        (findings, "_read_secret", "/acme.key"),
        (builder, "file_mark", "/acme.sqlite3"),
    ],
    ids=["lengths", "sums", "key", "ledger"],
)
def test_i10_folder_that_stalls_costs_its_company_alone(
    config: Path, monkeypatch: pytest.MonkeyPatch, module: ModuleType, function: str, part: str
) -> None:
    """I10: a look at a network folder that never ends, at lengths or sums of prompts, the key or the ledger,
    is given up, and borealis is served; nobody waits for what else acme has in that folder."""
    over, began = threading.Event(), list[str]()
    real = getattr(module, function)

    def stalling(path: Path | str) -> object:
        if part in str(path):
            began.append(str(path))
            over.wait(60)
        return real(path)

    monkeypatch.setattr(module, function, stalling)
    monkeypatch.setattr(looks, "LOOK_SECONDS", 3.0)
    monkeypatch.setattr(preparation, "PATIENCE_SECONDS", 3.0)
    try:
        configuration = prepare(config)
    finally:
        over.set()
    assert len(began) == (2 if function == "hashed" else 1)  # fallback_prompt is the same one, and nobody's
    if function != "hashed":
        assert_borealis_alone(configuration)
    else:
        assert all("cannot be read within 3 s" in str(problem) for problem in configuration.unplayable)
        assert {problem.key for problem in configuration.unplayable} >= {"controllers.acme.notices.privacy"}
        assert isinstance(played(configuration, BOREALIS, "de"), Prompt)


@pytest.mark.parametrize(
    ("module", "function", "part"),
    [
        (findings, "_read_secret", "/acme.key"),
        (notices, "measure", "/it/short"),
        (builder, "file_mark", "/acme.sqlite3"),
        (preparation, "hashed", "/it/full"),
    ],
    ids=["key", "lengths", "ledger", "sums"],
)
def test_i10_defect_costs_its_company_alone(
    config: Path, monkeypatch: pytest.MonkeyPatch, module: ModuleType, function: str, part: str
) -> None:
    """I10: an error that nobody foresaw at acme's key, prompts or ledger is one problem of acme's, with the
    error for the log, and borealis is served."""
    real, error = getattr(module, function), KeyError("nobody foresaw this")

    def broken(path: Path | str) -> object:
        if part in str(path):
            raise error
        return real(path)

    edit(config, "fallback_prompt: prompts/it/short", "fallback_prompt: prompts/de/short")
    monkeypatch.setattr(module, function, broken)
    configuration = prepare(config)
    problems = [*configuration.mistaken.get("acme", ()), *configuration.unplayable]
    assert [(problem.key, problem.defect) for problem in problems] == [("controllers.acme", error)]
    assert "A defect of informativa (KeyError)" in str(problems[0])
    assert isinstance(played(configuration, BOREALIS, "de"), Prompt)
    if function != "hashed":  # without a sum it is compared with its other formats
        assert_borealis_alone(configuration)


def test_i10_defect_at_one_ledger_is_logged_once_and_costs_its_company_alone(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I10: acme's ledger takes nothing and is tried again, which is logged once, with the error."""
    configuration, reported, error = prepare(config), UnusableLedgers(), RuntimeError("nobody foresaw this")
    real = LedgerOpener.open

    def broken(self: LedgerOpener, file: str, opened: Callable[[], Ledger]) -> Ledger:
        if "acme" in file:
            raise error
        return real(self, file, opened)

    monkeypatch.setattr(LedgerOpener, "open", broken)
    with capture_logs() as logged:
        for _time in range(3):
            services = bootstrap.for_service(configuration)
            failing = bootstrap.unusable(configuration, services)
            reported.report(failing)
            bootstrap.close(services)
    assert {name: problem.code for name, problem in failing.items()} == {"acme": "defect"}
    assert [(one["controller"], one["exc_info"]) for one in logged] == [("acme", error)]


def test_i10_recording_that_changed_is_not_played_and_others_are(config: Path) -> None:
    """I10: silence in the place of acme's notice is refused when a call comes, until the old one is back;
    borealis's notice is played. So it is in the place of the one for numbers that nobody configured."""
    prepare(config)
    short = config.parent / SHORT
    old = short.read_bytes()
    for file in (short, short.with_name("short-nokey.wav")):
        file.write_bytes(old[:44] + bytes(len(old) - 44))
    configuration = prepare(config)
    assert {problem.key for problem in configuration.unplayable} == {
        "fallback_prompt",
        "controllers.acme.notices.privacy",
    }
    assert not configuration.mistaken
    assert isinstance(played(configuration, ACMES, "it"), ChangedRecording)
    assert isinstance(played(configuration, BOREALIS, "de"), Prompt)
    short.write_bytes(old)
    assert isinstance(played(configuration, ACMES, "it"), Prompt)


def test_i10_recording_that_one_company_was_served_is_not_held_against_another(config: Path) -> None:
    """I10: a file that changed under acme's version and is new to borealis is played for borealis alone."""
    prepare(config)
    shutil.copy(config.parent / "prompts/de/short.wav", config.parent / SHORT)
    edit(config, "de: prompts/de/short", "de: prompts/it/short")
    new = '"2026-11"\n            purposes: [service]\n            short'
    edit(config, new, new.replace("11", "12"))
    configuration = prepare(config)
    assert {problem.key for problem in configuration.unplayable} == {"controllers.acme.notices.privacy"}
    assert isinstance(played(configuration, ACMES, "it"), ChangedRecording)
    assert isinstance(played(configuration, BOREALIS, "de"), Prompt)


def locked(ledger: Path) -> Iterator[None]:
    """Hold its write lock."""
    with contextlib.closing(sqlite3.connect(ledger)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


def spoiled(ledger: Path) -> Iterator[None]:
    """Overwrite the pages behind the first."""
    data = ledger.read_bytes()
    ledger.write_bytes(data[:4096] + os.urandom(len(data) - 4096))
    yield


def exchanged(ledger: Path) -> Iterator[None]:
    """Have a pipe lie there."""
    pipe(ledger)
    yield


@pytest.mark.parametrize("fault", [locked, spoiled, exchanged])
def test_i10_ledger_that_cannot_be_used_keeps_nobody_from_being_served(
    config: Path, monkeypatch: pytest.MonkeyPatch, fault: Callable[[Path], Iterator[None]]
) -> None:
    """I10: locked, damaged or no file at all, at the start and at a reload: both companies are served, and
    borealis's calls are recorded."""
    monkeypatch.setattr("informativa.ledgers.ledger_file.BUSY_SECONDS", 0.2)
    monkeypatch.setattr("informativa.ledgers.write_lock.BUSY_SECONDS", 0.2)
    prepare(config)
    with contextlib.contextmanager(fault)(config.parent / "ledger/acme.sqlite3"):
        for create in (True, False):
            configuration = prepare(config, create=create)
            assert (configuration.mistaken, configuration.unplayable) == ({}, ())
            services = bootstrap.for_service(configuration)
            assert "borealis" not in bootstrap.unusable(configuration, services)
            bootstrap.close(services)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("key: keys/acme.key", "key: keys/none.key"),
        ("      privacy:\n", "      privcy:\n"),
        ("retention: 5 years", "retention: 5 ears"),
        ("language: it", "language: xx"),
    ],
    ids=["key", "notice", "shape", "line"],
)
def test_i10_mistake_in_one_companys_part_is_no_others(config: Path, old: str, new: str) -> None:
    """I10: in its section or its line, of whatever kind: the others are served, its own calls are left to
    the dialplan, which is told why."""
    edit(config, old, new)
    configuration = prepare(config)
    assert_borealis_alone(configuration)

    session = SimpleNamespace(call=SimpleNamespace(line=ACMES, options={}))
    services = bootstrap.for_service(configuration)
    try:
        with pytest.raises(SessionError, match="its part of the configuration has mistakes"):
            asyncio.run(call.answer(session, services))
    finally:
        bootstrap.close(services)


@pytest.mark.parametrize(
    ("old", "new"),
    [("service:\n", "servce:\n"), ("key: keys/borealis.key", "key: keys/acme.key")],
    ids=["of all", "of both"],
)
def test_mistake_that_is_not_one_companys_is_refused(config: Path, old: str, new: str) -> None:
    """A section for all, or something that two companies share: nothing is served of it."""
    edit(config, old, new)
    with pytest.raises(ConfigError):
        prepare(config)


def test_i10_company_with_mistakes_is_served_as_before(config: Path) -> None:
    """I10: a reload with a mistake in acme's part changes borealis, and leaves acme as it was: its line, its
    notices, its recordings. A line that is new is left to the dialplan."""
    before = prepare(config)
    edit(config, "retention: 5 years", "retention: 5 ears")
    edit(
        config,
        "lines:\n",
        'lines:\n  "+390255555555": {controller: acme, language: it, plan: [{notice: privcy}]}\n',
    )
    edit(config, BOREALIS, "+493012345679")
    now = companies_with_previous_configuration(before, prepare(config, create=False))
    assert list(now.mistaken) == ["acme"]
    assert now.controllers["acme"] == before.controllers["acme"]
    assert now.notices["acme"] == before.notices["acme"]
    assert now.spelled[ACMES] == before.spelled[ACMES]
    assert list(now.unanswered) == ["+390255555555"]
    assert "+493012345679" in now.spelled
    assert BOREALIS not in now.spelled
    assert isinstance(played(now, ACMES, "it"), Prompt)


def test_i6_company_with_mistakes_keeps_no_ledger_that_is_anothers_now(config: Path) -> None:
    """I6: acme's ledger is given to borealis and acme's part has a mistake: acme is not live."""
    before = prepare(config)
    edit(config, "ledger: ledger/borealis.sqlite3", "ledger: ledger/acme.sqlite3")
    edit(config, "ledger: ledger/acme.sqlite3", "ledger: [ledger/other.sqlite3]")
    now = companies_with_previous_configuration(before, prepare(config, create=False))
    assert now.controllers["acme"].refused
    assert ACMES in now.unanswered


def test_work_that_hangs_is_given_up_and_the_next_is_done() -> None:
    """TimeoutError after the bound; errors come through; the next is done in another thread."""
    over = threading.Event()
    with pytest.raises(TimeoutError):
        within(0.1, lambda: over.wait(60))
    assert within(60, lambda: 7) == 7
    with pytest.raises(KeyError):
        within(60, lambda: {}["none"])
    over.set()


def test_i10_what_hangs_or_fails_for_one_company_is_no_others() -> None:
    """I10: each company's outcome comes back, an error or TimeoutError as well; nobody waits for acme."""
    over = threading.Event()
    works = {"acme": lambda: over.wait(60), "broken": lambda: {}["none"], "borealis": lambda: 7}
    acme, broken, borealis = of_each(works, 0.1).values()
    over.set()
    assert isinstance(acme, TimeoutError)
    assert isinstance(broken, KeyError)
    assert borealis == 7


def test_prompts_of_two_companies_are_read_once(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So 300 companies with the same prompts start nearly as fast as one. (Where one takes long, as all do on
    a busy machine, the next reads beside it.)"""
    monkeypatch.setattr(patience, "SOON_SECONDS", 60.0)
    config.write_text(config.read_text().replace("prompts/de/", "prompts/it/"))
    hashed, reads = preparation.hashed, list[str]()

    def read(path: str) -> dict[Path, str]:
        reads.append(path)
        return hashed(path)

    monkeypatch.setattr(preparation, "hashed", read)
    configuration = prepare(config)
    assert len(reads) == len(set(reads))
    assert set(configuration.recordings["borealis"]) < set(configuration.recordings["acme"])
