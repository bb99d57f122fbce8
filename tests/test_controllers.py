"""The standing of controllers, and the worksheet for one that another serves: as values, and as they are
shown."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from examples import PLAYED
from informativa.config import Configuration, load
from informativa.model import Lookup, RecordKind
from informativa.model.errors import InformativaError
from informativa.model.text import Text
from informativa.operations import outsourcing
from informativa.operations.controller_state import states
from informativa.process import storage
from informativa.views.documents import document
from informativa.views.messages import ENGLISH, language
from informativa.views.text import controllers as text


@pytest.fixture
def configuration(folder: Path) -> Configuration:
    """The example with two controllers, the second served by the first."""
    return load(folder / "informativa.yaml")


def test_states_of_what_is_there(configuration: Configuration) -> None:
    """Records are counted, none where there is no ledger; one that cannot be read says why."""
    acme, borealis = configuration.controllers.values()
    with closing(storage.store(acme)) as store:
        store.append([PLAYED])
    Path(borealis.ledger).write_bytes(b"no ledger")
    controllers = states(configuration)
    first, second = controllers.controllers
    assert (first.records, bool(first.error), first.processor) == (2, False, None)
    assert first.lines == tuple(line.number for line in configuration.lines if line.controller is acme)
    assert (second.records, second.processor) == (None, "Acme S.p.A.")
    assert "borealis.sqlite3" in str(second.error)
    shown = list(text.states(controllers, ENGLISH))
    assert shown[0] == "acme: Acme S.p.A., live"
    assert shown[2:4] == ["    served by: itself", f"    ledger: {acme.ledger}, 2 records"]
    assert f"ledger: {borealis.ledger}, cannot be read (" in shown[-1]
    assert language("it")("live") in next(iter(text.states(controllers, language("it"))))


def test_states_without_counting(configuration: Configuration) -> None:
    """A page, which may not read a whole ledger, gets the number of the newest record and no count."""
    acme = configuration.controllers["acme"]
    with closing(storage.store(acme)) as store:
        store.append([PLAYED, PLAYED])
    first, second = states(configuration, counted=False).controllers
    assert (first.newest, first.records) == (3, None)
    assert (second.newest, bool(second.error)) == (0, False)


def test_states_with_a_closed_folder(configuration: Configuration, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger whose folder is closed to whoever asks says so, and keeps no other from being told of."""
    acme, borealis = configuration.controllers.values()
    with closing(storage.store(acme)) as store:
        store.append([PLAYED])
    exists = Path.exists

    def closed(file: Path) -> bool:
        if file == Path(borealis.ledger):
            raise PermissionError
        return exists(file)

    monkeypatch.setattr(Path, "exists", closed)
    first, second = states(configuration).controllers
    assert (first.records, second.records) == (2, None)
    assert "borealis.sqlite3. " in str(second.error)
    assert " may not look at " in str(second.error)


def test_states_for_programs(configuration: Configuration) -> None:
    """Nothing is null, and who is not live is so with the reason."""
    controllers = {
        name: replace(controller, refused=Text("its papers are missing"))
        for name, controller in configuration.controllers.items()
    }
    listed = states(replace(configuration, controllers=controllers, lines=()))
    assert list(text.states(listed, ENGLISH))[:2] == [
        "acme: Acme S.p.A., NOT LIVE: its papers are missing",
        "    lines: none",
    ]
    assert list(text.states(listed, ENGLISH))[3].endswith(", nothing recorded yet")
    acme, borealis = json.loads(document(listed))["controllers"]
    assert (acme["live"], acme["why"], acme["lines"]) == (False, "its papers are missing", [])
    assert (acme["processor"], acme["error"], acme["records"]) == (None, None, 0)
    assert borealis["processor"] == "Acme S.p.A."


def test_worksheet_names_the_systems_that_are_asked(configuration: Configuration) -> None:
    """Where a look-up asks stands in it, and not what it asks."""
    web = Lookup("crm", "privacy", RecordKind.WEBSITE, "https://crm.example/told?number={number}", 1.0)
    database = replace(web, driver="psycopg", arguments={"host": "db.example"}, question="SELECT 1")
    acme = replace(configuration.controllers["acme"], lookups=(web, database))
    sheet_facts = outsourcing.facts(replace(configuration, controllers={"acme": acme}), "acme")
    assert sheet_facts.systems == ("crm.example", "psycopg db.example")
    sheet = text.worksheet(sheet_facts)
    assert "asked about at `psycopg db.example`" in sheet
    assert "number={number}" not in sheet
    assert "(**open**: to be confirmed)" in sheet


def test_worksheet_of_nobody(configuration: Configuration) -> None:
    """There is none of a controller that is not in the configuration."""
    with pytest.raises(InformativaError, match="Did you mean acme"):
        outsourcing.facts(configuration, "acne")


def test_worksheet_without_lines(configuration: Configuration) -> None:
    """What there is none of is said to be none."""
    sheet_facts = outsourcing.facts(replace(configuration, lines=()), "borealis")
    sheet = text.worksheet(sheet_facts)
    assert "| none | | |" in sheet
    assert sheet_facts.purposes == {}
    assert "| Contract | 2026/12, 2026-10-01 |" in sheet
