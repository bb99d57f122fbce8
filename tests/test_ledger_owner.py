"""I6, I10: a ledger says whose it is and of which key, and another's is refused, for that company alone."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

import pytest

from commands import typed
from doubles import CALLER, ScriptedSession, incoming
from examples import PLAYED
from informativa.call.answering import answer
from informativa.config import load
from informativa.ledgers.sqlite import SqliteLedger, SqliteStore
from informativa.model.errors import LedgerError
from informativa.process import bootstrap, storage
from informativa.process.bootstrap import RefusedLedger


@pytest.fixture
def configured(folder: Path) -> Path:
    """Two companies, each with a record in its ledger; the configuration."""
    file = folder / "informativa.yaml"
    for controller in load(file).controllers.values():
        with closing(storage.store(controller)) as store:
            store.append([PLAYED])
    return file


def exchange(one: Path, other: Path) -> None:
    """Each of two files gets the other's name, and what lies beside it too."""
    for end in ("", "-wal", "-shm"):
        first, second, aside = Path(f"{one}{end}"), Path(f"{other}{end}"), one.with_name(f"aside{end}")
        for source, target in ((first, aside), (second, first), (aside, second)):
            if source.exists():
                source.replace(target)


COMMANDS = (
    ("ledger", "show"),
    ("caller", "show", CALLER),
    ("caller", "erase", CALLER, "--instruction=T-1", "--yes"),
    ("purge", "--yes"),
    ("evidence", "audit"),
    ("evidence", "checkpoint"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_i6_ledgers_that_were_exchanged_are_refused_by_every_command(
    configured: Path, command: tuple[str, ...]
) -> None:
    """Each says whose the file is, whom the configuration gives it to, and what to type; nothing changes."""
    ledgers = [Path(controller.ledger) for controller in load(configured).controllers.values()]
    exchange(*ledgers)
    code, out, error = typed(*command, "--controller", "acme", "-c", configured)
    assert code == (2 if command == ("evidence", "audit") else 1), out
    assert f"{ledgers[0]} is the ledger of borealis, and the configuration gives it to acme." in error
    assert f"begin another ledger: mv {ledgers[0]} {ledgers[0]}.aside" in error
    with closing(SqliteStore(str(ledgers[0]), read_only=True)) as store:
        assert [record.event for record in store.records()][1:] == [PLAYED]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_another_key_in_a_companys_place_is_refused(configured: Path, command: tuple[str, ...]) -> None:
    """All its callers would be strangers, and an erasure would find nobody."""
    (configured.parent / "keys/acme.key").write_text("ab" * 32)
    code, out, error = typed(*command, "--controller", "acme", "-c", configured)
    assert code == (2 if command == ("evidence", "audit") else 1), out
    assert "are known by another key than those of acme." in error
    assert "Put its key back (keys/acme.key)" in error
    assert typed(*command, "--controller", "borealis", "-c", configured)[0] == 0


def test_i10_service_and_script_refuse_the_one_company_alone(configured: Path) -> None:
    """The other's calls are recorded as ever; the first one's fall back, and are not skipped."""
    (configured.parent / "keys/acme.key").write_text("ab" * 32)
    configuration = load(configured)
    services = bootstrap.for_service(configuration)
    try:
        assert isinstance(services.ledgers["acme"], RefusedLedger)
        assert "another key" in str(services.ledgers["acme"].error)
        lines = {line.controller.id: line.number for line in configuration.lines}
        results = {
            name: asyncio.run(answer(ScriptedSession(incoming(line=number)), services))
            for name, number in lines.items()
        }
        assert results["borealis"].error == ""
        assert "another key" in results["acme"].error
    finally:
        bootstrap.close(services)
    script = bootstrap.for_script(configuration).ledgers["acme"]
    assert isinstance(script, SqliteLedger)
    with pytest.raises(LedgerError, match="another key"):
        asyncio.run(script.append(PLAYED))


def test_i10_reload_with_another_key_costs_that_company_alone(configured: Path) -> None:
    """An open ledger goes on with a key that was rotated, and with none that is not its own."""
    before = bootstrap.for_service(load(configured))
    assert typed("keys", "rotate", "acme", "--yes", "-c", configured)[0] == 0
    rotated = bootstrap.for_service(load(configured), before)
    assert rotated.ledgers == before.ledgers
    (configured.parent / "keys/acme.key").write_text("ab" * 32)
    after = bootstrap.for_service(load(configured), rotated)
    assert isinstance(after.ledgers["acme"], RefusedLedger)
    assert after.ledgers["borealis"] is before.ledgers["borealis"]
    for services in (after, rotated, before):
        bootstrap.close(services)


def test_key_that_was_rotated_is_its_own(configured: Path) -> None:
    """And once the ledger knows the new key, the old one alone is not."""
    key = configured.parent / "keys/acme.key"
    old = key.read_text()
    assert typed("keys", "rotate", "acme", "--yes", "-c", configured)[0] == 0
    assert typed("purge", "--controller", "acme", "-c", configured)[0] == 0
    for file in configured.parent.glob("keys/acme.key*"):
        file.unlink()
    key.write_text(old)
    key.chmod(0o600)
    assert "another key" in typed("purge", "--controller", "acme", "-c", configured)[2]


def test_ledger_without_a_record_is_anybodys(folder: Path) -> None:
    """Nobody is known by it yet."""
    file = folder / "informativa.yaml"
    storage.store(load(file).controllers["acme"]).close()
    (folder / "keys/acme.key").write_text("ab" * 32)
    with closing(storage.store(load(file).controllers["acme"])) as store:
        store.append([PLAYED])
    assert typed("purge", "--controller", "acme", "-c", file)[0] == 0


def test_backup_of_another_company_is_not_put_in_place(configured: Path) -> None:
    """It is refused before anything is changed."""
    acme, borealis = load(configured).controllers.values()
    code, _out, error = typed("ledger", "restore", borealis.ledger, "--controller", "acme", "-c", configured)
    assert code == 1
    assert f"{borealis.ledger} is the ledger of borealis" in error
    assert typed("ledger", "show", "--controller", "acme", "-c", configured)[0] == 0
    assert acme.ledger != borealis.ledger
