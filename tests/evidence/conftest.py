"""Ledgers with their logs: one to be attacked, and two for receipts."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from evidence import mixed
from evidence.ledger import Busy, busy, copied
from evidence.places import Place
from evidence.receipts import NUMBER, Company, Logged
from examples import PARTIAL, PLAYED, UNIDENTIFIED
from informativa.call.caller import pseudonym
from informativa.config import load
from informativa.evidence import commitment
from informativa.ledgers.sequencer import sequence
from informativa.process import storage
from lab.office import lay


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Busy:
    """A ledger with some of everything, which nobody touches."""
    return busy(tmp_path_factory.mktemp("busy"))


@pytest.fixture
def attacked(original: Busy, tmp_path: Path) -> Busy:
    """The same, to be attacked."""
    return copied(original, tmp_path / "attacked")


@pytest.fixture
def logged(folder: Path) -> Logged:
    """Two records of one caller, one of nobody."""
    controller = replace(load(folder / "informativa.yaml").controllers["acme"], rule=None)
    his = replace(PLAYED, pseudonym=pseudonym(NUMBER, controller.key))
    with closing(storage.store(controller)) as store:
        for event in (his, replace(PARTIAL, pseudonym=his.pseudonym)):
            store.append([replace(event, binding=commitment.bind(NUMBER, controller.key))])
        store.append([UNIDENTIFIED])
    sequence(Path(controller.ledger))
    return Logged(controller, folder)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, short_prompts: Path) -> Company:
    """A company with one record for each kind of sentence of a receipt."""
    folder = tmp_path_factory.mktemp("company") / "etc"
    lay(folder, short_prompts)
    company = Company(folder)
    company.record(*company.events())
    return company


@pytest.fixture(scope="session")
def mixed_logs(tmp_path_factory: pytest.TempPathFactory) -> list[mixed.MixedLog]:
    """Logs with leaves of all kinds, for tests that only read."""
    return mixed.grown(tmp_path_factory.mktemp("mixed"))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder in which logs are published."""
    folder = tmp_path / "mount"
    folder.mkdir()
    return Place(folder)
