"""The fallback spool: what its rows say, and that each comes into the ledger exactly once."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from structlog.testing import capture_logs

from doubles import FULL, SHORT, ScriptedManager, line, notice, version
from examples import PLAYED
from informativa.asterisk import ami
from informativa.call import spool
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Controller, Ending, Event, Heard, Line, ManagerAccount, Prompt, Reason, Status
from informativa.model.errors import LedgerError, ManagerError
from informativa.model.text import Text
from informativa.process import spool_collection

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
LINE = line(notice(version("1"), version("2")))
LINES = {LINE.number: LINE, "0212345678": LINE}
KEY = "1700000000.1-1795521600000017"


def row(**fields: object) -> str:
    """A row as the dialplan writes it, changed at will."""
    given = {
        "at": int(AT.timestamp()),
        "line": "0212345678",
        "prompt": SHORT.path,
        "why": "service-unavailable",
        "ending": "whole",
        "seconds": 10,
    } | fields
    return "|".join(f"{name}={value}" for name, value in given.items() if value is not None)


def test_row_of_the_dialplan() -> None:
    """A prompt that the dialplan played becomes a delivery to nobody, with notice, version and grounds."""
    parsed = spool.parse_row(KEY, row(), LINES)
    (event,) = parsed.events
    assert (parsed.controller, event.pseudonym, event.call) == ("acme", None, "1700000000.1")
    assert (event.notice, event.version, event.language, event.at) == ("privacy", "2", "it", AT)
    assert (event.status, event.reason, event.line) == (Status.FALLBACK, "service-unavailable", LINE.number)
    assert event.heard == Heard.in_seconds(Ending.WHOLE, 10.0, 10.0)
    assert event.reference == f"spool:{KEY}"
    assert not event.informs


def test_prompt_without_keys_is_of_its_version() -> None:
    """The dialplan hears no key and plays the words that name none: the same notice, version and language."""
    nokey = Prompt("/prompts/it/short-nokey", SHORT.lengths)
    own = line(notice(version("1"), replace(version("2"), short_nokey={"it": nokey})))
    (event,) = spool.parse_row(KEY, row(prompt=nokey.path), {"0212345678": own}).events
    assert (event.notice, event.version, event.language, event.prompt) == ("privacy", "2", "it", nokey.path)
    assert event.heard == Heard.in_seconds(Ending.WHOLE, 10.0, 10.0)


def test_sound_that_was_played_comes_with_the_row() -> None:
    """The digest that service and script knew; the dialplan knows none, and what is no digest is no row."""
    (event,) = spool.parse_row(KEY, row(recording="ab" * 32), LINES).events
    assert event.recording == "ab" * 32
    assert spool.parse_row(KEY, row(), LINES).events[0].recording == ""
    with pytest.raises(spool.RowError, match="not such as informativa writes"):
        spool.parse_row(KEY, row(recording="+393331234567"), LINES)


@pytest.mark.parametrize(
    ("ending", "status"),
    [("hung-up", Status.PARTIAL), ("not-playable", Status.FAILED), ("recording-changed", Status.FAILED)],
)
def test_what_was_not_heard_whole(ending: str, status: Status) -> None:
    """A hang-up and a missing prompt are told apart."""
    assert spool.parse_row(KEY, row(ending=ending), LINES).events[0].status is status


def test_several_prompts_and_unknown_ones() -> None:
    """Prompts of a plan that were played together are an event each; an unknown one keeps its path."""
    events = spool.parse_row(KEY, row(prompt=f"{SHORT.path}&{FULL.path}&/other"), LINES).events
    assert [(event.prompt, event.notice) for event in events] == [
        (SHORT.path, "privacy"),
        (FULL.path, "privacy"),
        ("/other", ""),
    ]


def test_row_without_a_prompt() -> None:
    """Where there was nothing to play, that is put on record too, of no notice in particular."""
    (event,) = spool.parse_row(KEY, row(prompt="", ending="not-playable"), LINES).events
    assert (event.status, event.notice, event.version, event.prompt) == (Status.FAILED, "", "", "")
    assert event.heard == Heard.in_seconds(Ending.NOT_PLAYABLE, 10.0, 0.0)


def test_row_of_an_operator() -> None:
    """That an operator read the notices is put on record of each notice that is not for every call."""
    later = version("3", starts=AT + timedelta(days=1))
    lines = {"0212345678": line(notice(version("1"), version("2"), later))}
    (event,) = spool.parse_row(KEY, row(ending="operator", prompt=""), lines).events
    assert (event.status, event.kind, event.notice, event.version) == (
        Status.INFORMED,
        "operator",
        "privacy",
        "2",
    )
    assert (event.at, event.call, event.line, event.language, event.reference) == (
        AT,
        "1700000000.1",
        "+390212345678",
        "it",
        f"spool:{KEY}",
    )


def test_row_of_an_earlier_release() -> None:
    """A row without its reason, as it was written before, is understood."""
    assert spool.parse_row(KEY, row(why=None), LINES).events[0].reason is Reason.SERVICE_UNAVAILABLE


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (KEY, ""),
        (KEY, row(line="default")),
        (KEY, row(at="noon")),
        (KEY, row(at=10**30)),
        (KEY, row(ending="somehow")),
        (KEY, row(why="because")),
        (KEY, row(seconds=None)),
        (KEY, row(seconds="nan")),
        (KEY, row(prompt="/of/another/company")),
        ("no key of ours", row()),
        ("1700000000.1-3331234567", row()),
        ("1.1-" + "9" * 30, row()),
    ],
)
def test_row_that_cannot_be_collected(key: str, text: str) -> None:
    """What informativa did not write, or for a line that is not there, is said to be so."""
    with pytest.raises(spool.RowError):
        spool.parse_row(key, text, LINES)


@pytest.mark.parametrize(
    ("key", "text", "message", "cause"),
    [
        (KEY, row(line=None), "it names no line that is configured", ""),
        (KEY, row(line="default"), "it names no line that is configured", ""),
        ("1.1-1", row(), "it is not such as informativa writes", "no time in the key"),
        (KEY, row(seconds="inf"), "it is not such as informativa writes", "no number of seconds"),
        (KEY, row(recording="f"), "it is not such as informativa writes", "no digest"),
        (
            KEY,
            row(prompt="/of/another/company"),
            "none of its prompts is the line's: the line may be another company's now",
            "",
        ),
    ],
)
def test_why_a_row_cannot_be_collected(key: str, text: str, message: str, cause: str) -> None:
    """The log says which it is; a line whose number is anything else takes no row that names none."""
    with pytest.raises(spool.RowError) as caught:
        spool.parse_row(key, text, LINES | {"XXXX": LINE})
    assert (str(caught.value), str(caught.value.__cause__ or "")) == (message, cause)


def test_row_as_it_is_written() -> None:
    """Every field under its name; the digest of the sound only where it is known."""
    event = replace(PLAYED, at=AT, line=LINE.number, call="1700000000.1", prompt="/p/it=1", recording="")
    plain = "at=1795521600|line=+390212345678|prompt=/p/it=1|why=not-informed|ending=whole|seconds=10"
    assert spool.format_row(event) == plain
    assert spool.format_row(replace(event, recording="a" * 64)) == f"{plain}|recording={'a' * 64}"


def test_row_is_read_as_it_is_written() -> None:
    """Paths with an equals sign, purposes, the moment to the microsecond; and of a prompt that is no more the
    line's nothing is made up."""
    prompt = replace(SHORT, path="/p/it=1")
    served = replace(
        LINE, plan=line(notice(replace(version("2", "service", "ads"), short={"it": prompt}))).plan
    )
    parsed = spool.parse_row(
        "1700000000.1-1795521601000017", row(prompt="/p/it=1&/other"), {"0212345678": served}
    )
    assert parsed.delivery == ("1700000000.1", datetime(2026, 11, 24, 12, 0, 1, 17, tzinfo=UTC))
    known, unknown = parsed.events
    assert (known.prompt, known.purposes) == ("/p/it=1", {"service", "ads"})
    assert (unknown.language, unknown.version, unknown.purposes) == ("", "", frozenset())


def test_i5_key_that_holds_a_number_is_collected_without_it() -> None:
    """I5: the dialplan writes the channel's id as it is, and whoever placed the call may have chosen it."""
    parsed = spool.parse_row("333-123-4567-1795521600000017", row(), LINES)
    assert (parsed.key, parsed.events[0].call) == ("333-123-4567-1795521600000017", "###-###-####")
    assert parsed.events[0].reference == "spool:###-###-####-1795521600000017"
    assert spool.plain("1700000000.1-1795521600000017") == "1700000000.1-1795521600000017"
    assert spool.plain("1700000000.1-3331234567") == "##########.#-##########"


def test_row_of_a_slow_ledger_is_its_record_again() -> None:
    """What the service spools is read back as what it was."""
    event = replace(
        PLAYED, at=AT.replace(microsecond=17), line=LINE.number, call="1700000000.1", prompt=SHORT.path
    )
    parsed = spool.parse_row(spool.key(event), spool.format_row(event), LINES)
    assert parsed.delivery == (event.call, event.at)
    assert parsed.events[0].reason is event.reason


def stored(file: Path) -> list[Event]:
    """Return what a ledger holds."""
    store = SqliteStore(str(file))
    try:
        return [record.event for record in store.records()]
    finally:
        store.close()


def test_each_row_is_recorded_exactly_once(tmp_path: Path) -> None:
    """A row that is read again, since its deletion failed, adds nothing; nor does one of a delivery that a
    slow ledger took after all."""
    controller = replace(LINE.controller, ledger=str(tmp_path / "acme.sqlite3"))
    late = replace(
        PLAYED, at=AT.replace(microsecond=17), line=LINE.number, call="1700000000.1", prompt=SHORT.path
    )
    rows = [spool.parse_row(spool.key(late), spool.format_row(late), LINES)]
    rows += [spool.parse_row(f"1700000000.{n}-1795521600000017", row(), LINES) for n in (2, 3)]
    store = SqliteStore(controller.ledger)
    store.append([late])
    store.close()
    keys = {row.key for row in rows}
    assert spool_collection.keep_spooled(controller, rows) == (keys, 2)
    assert spool_collection.keep_spooled(controller, rows) == (keys, 0)
    events = stored(Path(controller.ledger))
    assert [event.call for event in events] == ["1700000000.1", "1700000000.2", "1700000000.3"]
    assert [event.recorded is None for event in events] == [True, False, False]


def test_row_that_the_ledger_refuses_fails_no_other(tmp_path: Path) -> None:
    """One bad row stays where it is, and those after it are recorded."""
    controller = replace(LINE.controller, ledger=str(tmp_path / "acme.sqlite3"))
    SqliteStore(controller.ledger).close()
    good, bad = (spool.parse_row(f"1700000000.{n}-1795521600000017", row(), LINES) for n in (1, 2))
    wrong = replace(bad, events=(replace(bad.events[0], basis=999),))
    assert spool_collection.keep_spooled(controller, [wrong, good]) == ({good.key}, 1)


def test_two_unknown_prompts_of_one_row_are_two_records(tmp_path: Path) -> None:
    """Prompts that have no version any more are told apart by their place in the row."""
    controller = replace(LINE.controller, ledger=str(tmp_path / "acme.sqlite3"))
    SqliteStore(controller.ledger).close()
    parsed = spool.parse_row(KEY, row(prompt=f"{SHORT.path}&/old/one&/old/other"), LINES)
    assert spool_collection.keep_spooled(controller, [parsed]) == ({KEY}, 3)


def test_i3_ledger_that_was_deleted_is_not_made_anew(tmp_path: Path) -> None:
    """I3: what a row tells must not go into a file that the admin will replace."""
    controller = replace(LINE.controller, ledger=str(tmp_path / "acme.sqlite3"))
    with pytest.raises(LedgerError):
        spool_collection.keep_spooled(controller, [spool.parse_row(KEY, row(), LINES)])
    assert not Path(controller.ledger).exists()


@dataclass
class SpoolManager(ScriptedManager):
    """AstDB with the rows of the fallback spool, from which they can be deleted."""

    deleted: list[str] = field(default_factory=list)

    async def delete(self, family: str, key: str) -> None:
        """Keep what was deleted."""
        assert family == "informativa"
        self.deleted.append(key)


def collected(
    rows: Mapping[str, str],
    controller: Controller,
    monkeypatch: pytest.MonkeyPatch,
    *logged: str,
) -> tuple[set[str], list[str], list[MutableMapping[str, Any]]]:
    """Return which rows stay, which were deleted, sorted, and what was logged."""
    manager = SpoolManager(rows=rows)
    monkeypatch.setattr(ami, "session", manager.session)
    lines: dict[str, Line] = {
        number: replace(original, controller=controller) for number, original in LINES.items()
    }
    account = ManagerAccount("127.0.0.1", 5038, "x", "secret")
    collection = spool_collection.SpoolCollection()
    collection.logged = set(logged)
    with capture_logs() as log:
        stay = asyncio.run(collection.collect(account, lines))
    return stay, sorted(manager.deleted), log


def test_spool_is_emptied_into_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row is deleted once its record is there; one that cannot be read stays, and is told of once."""
    controller = replace(LINE.controller, ledger=str(tmp_path / "acme.sqlite3"))
    SqliteStore(controller.ledger).close()
    other = KEY.replace(".1-", ".2-")
    rows = {KEY: row(), other: row(), "odd": "nonsense"}
    stay, deleted, log = collected(rows, controller, monkeypatch)
    assert (stay, deleted) == ({"odd"}, [KEY, other])
    assert [event.call for event in stored(Path(controller.ledger))] == ["1700000000.1", "1700000000.2"]
    first, second = log
    assert first["event"] == "a row of the fallback spool cannot be collected"
    assert (first["log_level"], first["key"]) == ("warning", "odd")
    assert second == {
        "event": "fallback spool collected",
        "log_level": "info",
        "controller": "acme",
        "rows": 2,
        "records": 2,
    }
    assert collected({"odd": "nonsense"}, controller, monkeypatch, "odd") == ({"odd"}, [], [])


def test_spool_waits_for_a_ledger_that_takes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the ledger is gone, or its company may not go live, every row stays where it is."""
    controller = replace(LINE.controller, ledger=str(tmp_path / "acme.sqlite3"))
    stay, deleted, log = collected({KEY: row()}, controller, monkeypatch)
    assert (stay, deleted) == ({KEY}, [])
    assert [(entry["event"], entry["controller"]) for entry in log] == [
        ("the fallback spool was not collected", "acme")
    ]
    refused = replace(controller, refused=Text("It has no papers."))
    assert collected({KEY: row()}, refused, monkeypatch) == ({KEY}, [], [])
    assert not Path(controller.ledger).exists()


def test_spool_that_cannot_be_collected_is_told_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What keeps Asterisk's database or a ledger from being used is logged once for as long as it is so, and
    again when it comes back."""
    controller = replace(LINE.controller, ledger=str(tmp_path / "acme.sqlite3"))
    lines = {number: replace(original, controller=controller) for number, original in LINES.items()}
    manager, away = SpoolManager(rows={KEY: row()}), ManagerError("Nobody is there.")
    collection = spool_collection.SpoolCollection()

    def refusing(_account: ManagerAccount) -> NoReturn:
        raise away

    def logged_by(session: Callable[..., object]) -> list[str]:
        monkeypatch.setattr(ami, "session", session)
        with capture_logs() as logged, suppress(ManagerError):
            asyncio.run(collection.collect(ManagerAccount("127.0.0.1", 5038, "x", "secret"), lines))
        return [entry.get("controller", entry["error"]) for entry in logged]

    assert [logged_by(refusing) for _ in range(3)] == [["Nobody is there."], [], []]
    assert [logged_by(manager.session) for _ in range(3)] == [["acme"], [], []]
    assert logged_by(refusing) == ["Nobody is there."]


def test_row_that_is_refused_stays_and_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the ledger refuses is not deleted, and the log says which row it is."""
    controller = replace(LINE.controller, ledger=str(tmp_path / "acme.sqlite3"))
    SqliteStore(controller.ledger).close()
    other = KEY.replace(".1-", ".2-")
    with closing(sqlite3.connect(controller.ledger)) as connection, connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON event WHEN new.call = '1700000000.2'"
            " BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    stay, deleted, log = collected({KEY: row(), other: row()}, controller, monkeypatch)
    assert (stay, deleted) == ({other}, [KEY])
    assert [(entry["event"], entry.get("key")) for entry in log] == [
        ("a row of the fallback spool was refused", other),
        ("fallback spool collected", None),
    ]
