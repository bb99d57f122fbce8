"""`informativa reload`: what a running service would change for callers, and that it loads what was shown."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from commands import run
from informativa.config import load
from informativa.process import loaded_text
from lab.office import Office

CHANGE = ('version: "2026-11"', 'version: "2026-12"')


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A service that runs."""
    office = Office(tmp_path / "etc")
    office.start()
    yield office
    office.stop()


def test_changed_file_is_shown_then_loaded(office: Office) -> None:
    """`--diff` shows the change and loads nothing; without a yes nothing is loaded; with it all is, and then
    there is nothing to change."""
    office.edit(*CHANGE)
    shown = run("reload", "--diff", "-c", office.config)
    assert shown.returncode == 0, shown.stderr
    assert "in the place of what the service has loaded:" in shown.stdout
    assert "2026-12 would be played" in shown.stdout
    assert "2026-11 is taken out" in shown.stdout
    unasked = run("reload", "-c", office.config)
    assert unasked.returncode == 1
    assert "Type the same with --yes" in unasked.stderr
    loaded = json.loads(run("reload", "--yes", "--json", "-c", office.config).stdout)
    assert loaded["loaded"]
    assert loaded["forecast"]["companies"][0]["removed"][0]["version"] == "2026-11"
    again = run("reload", "--yes", "-c", office.config)
    assert (again.returncode, again.stdout.count("\n")) == (0, 2)
    assert "has loaded this text" in again.stdout


def test_file_with_mistakes_is_not_loaded(office: Office) -> None:
    """A mistake is told with its line, and the service is not asked to load it."""
    office.edit("prompts/it/short", "prompts/it/none")
    refused = run("reload", "--yes", "-c", office.config)
    assert refused.returncode == 1
    assert "prompts/it/none" in refused.stderr


def test_i10_mistake_of_one_company_stops_no_other(office: Office) -> None:
    """The other company's new version is loaded, and the mistake is told; the company goes on as before."""
    office.edit(*CHANGE)
    office.edit("key: keys/borealis.key", "key: keys/none.key")
    done = run("reload", "--yes", "-c", office.config)
    assert done.returncode == 0, done.stderr
    assert "warning: borealis is left out until this is mended" in done.stderr
    assert "2026-12 would be played" in done.stdout
    assert "The service has loaded it." in done.stdout


def test_without_a_service_it_says_how_to_start_it(folder: Path) -> None:
    """Nobody answers: the command says so, and what to type."""
    refused = run("reload", "--yes", "-c", folder / "informativa.yaml")
    assert refused.returncode == 1
    assert "systemctl start informativa" in refused.stderr


def test_text_is_read_by_its_digest(folder: Path) -> None:
    """The held text is found in this process by its digest alone, differs for each time, and is gone when it
    is released."""
    configuration = load(folder / "informativa.yaml")
    holder = loaded_text.Holder()
    holder.hold(configuration)
    first = loaded_text.read(os.getpid(), configuration.digest)
    assert first is not None
    assert first.text == configuration.file.read_text()
    assert loaded_text.read(os.getpid(), "0" * 16) is None
    holder.hold(configuration)
    second = loaded_text.read(os.getpid(), configuration.digest)
    assert second is not None
    assert second.inode != first.inode
    holder.hold(replace(configuration, digest="0" * 16))
    assert loaded_text.read(os.getpid(), configuration.digest) is None
    holder.release()
