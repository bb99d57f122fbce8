"""The administration of the shared database: what it makes, reads and deletes there, step by step."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest

from examples import PLAYED
from informativa.ledgers import boxes as ledger_boxes
from informativa.ledgers.rows import microseconds
from informativa.model import SharedDatabase
from informativa.model.errors import BoxRefusedError, SharedDatabaseError
from informativa.sharing import administration, schema
from informativa.sharing.administration import DatabaseState, Migrated, OldRecords, RegisteredBox
from informativa.sharing.erasure_statements import ErasureStatements
from informativa.sharing.rows import Statements
from lab.postgres import SUPERUSER
from sharing import earlier
from sharing.answering import Answering
from sharing.conftest import ROLE, Boxes

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
ROLES = "SELECT rolname, rolcanlogin FROM pg_roles WHERE starts_with(rolname, 'informativa') ORDER BY 1"
PASSWORDS = f"SELECT rolpassword FROM pg_authid WHERE rolname = '{ROLE}'"
COMPANIES = "SELECT company, controller FROM informativa.company ORDER BY company"
CLOCK = "SELECT extract(epoch FROM clock_timestamp())"
SQL = Statements(7)


def migrated(database: SharedDatabase, *controllers: str) -> list[Migrated]:
    """Migrate these companies."""
    return list(administration.migrate(database, controllers or ["acme"], SUPERUSER))


@pytest.fixture
def untouched(boxes: Boxes) -> Boxes:
    """A server on which nobody migrated anything yet."""
    boxes.sql(
        "DROP SCHEMA informativa CASCADE;"
        f'DROP OWNED BY informativa_boxes, informativa_owner, "{ROLE}";'
        f'DROP ROLE informativa_boxes, informativa_owner, "{ROLE}"'
    )
    return boxes


def test_what_is_missing_is_made_and_nothing_twice(untouched: Boxes) -> None:
    """Roles that nobody logs in as, this box's login with its password, the tables, and each company; what
    was there is not made again, and the first company is there before the second begins."""
    database = untouched._database("pbx-1")
    results = administration.migrate(database, ["acme", "globex"], SUPERUSER)
    assert next(results) == Migrated("acme", 0, 6, 0, ROLE, True, True, tables_made=True)
    assert untouched.sql(COMPANIES) == [(1, "acme")]
    assert list(results) == [Migrated("globex", 0, 6, 0, ROLE, False, True)]
    assert untouched.sql(COMPANIES) == [(1, "acme"), (2, "globex")]
    assert untouched.sql(ROLES) == [(ROLE, True), ("informativa_boxes", False), ("informativa_owner", False)]
    assert untouched.sql("SELECT number FROM informativa.migration") == [(6,)]
    ((encrypted,),) = untouched.sql(PASSWORDS)
    assert str(encrypted).startswith("SCRAM-SHA-256$")
    assert migrated(database, "globex", "acme") == [
        Migrated("globex", 6, 6, 0, ROLE, False, False),
        Migrated("acme", 6, 6, 0, ROLE, False, False),
    ]
    assert untouched.exchange("pbx-1").send() == 0


def test_the_script_makes_the_same_as_migrate(untouched: Boxes) -> None:
    """An administrator who types it has a database in which `migrate` finds nothing more to do, but for the
    password; it is one transaction."""
    script = list(administration.script("pbx-1", ["acme", "globex"]))
    assert (script[0], script[-1]) == ("BEGIN", "COMMIT")
    assert script[1:3] == [
        'CREATE ROLE "informativa_owner" NOLOGIN',
        'CREATE ROLE "informativa_boxes" NOLOGIN',
    ]
    assert f'CREATE ROLE "{ROLE}" LOGIN' in script
    untouched.sql(";\n".join(script))
    assert untouched.sql(PASSWORDS) == [(None,)]
    assert migrated(untouched._database("pbx-1"), "acme", "globex") == [
        Migrated("acme", 6, 6, 0, ROLE, False, False),
        Migrated("globex", 6, 6, 0, ROLE, False, False),
    ]


@pytest.mark.parametrize("known_by", ["no file", "a file without this login"])
def test_a_login_without_a_known_password_gets_none(
    untouched: Boxes, monkeypatch: pytest.MonkeyPatch, known_by: str
) -> None:
    """Whoever administers the server gives it one, or has it log in by a certificate."""
    monkeypatch.setenv("PGPASSWORD", untouched.server.password)
    passwords = ""
    if known_by != "no file":
        passwords = str(untouched.folder / "others")
        Path(passwords).write_text("*:*:*:somebody:x\n")
        Path(passwords).chmod(0o600)
    (result,) = migrated(replace(untouched._database("pbx-1"), passwords=passwords))
    assert result.login_made
    assert untouched.sql(PASSWORDS) == [(None,)]


def test_passwords_that_cannot_be_read_are_named(untouched: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is made then: all of it is one transaction."""
    monkeypatch.setenv("PGPASSWORD", untouched.server.password)
    database = replace(untouched._database("pbx-1"), passwords=str(untouched.folder / "missing"))
    with pytest.raises(SharedDatabaseError) as caught:
        migrated(database)
    assert (str(caught.value.message), str(caught.value.remedy)) == (
        f"{untouched.folder}/missing cannot be read (No such file or directory).",
        "Run this as the user whose file it is.",
    )
    assert untouched.sql(ROLES) == []
    migrated(untouched._database("pbx-1"))


def test_whoever_may_not_migrate_is_told_so(untouched: Boxes) -> None:
    """A role without the right to make roles."""
    database = untouched._database("pbx-1")
    migrated(database)
    with pytest.raises(SharedDatabaseError, match="Name a role of the database that may do it: --as ROLE"):
        list(administration.migrate(database, ["globex"], ROLE))


@pytest.mark.parametrize("role", ["free", "with other rights", "gone"])
def test_earlier_schema_goes_with_its_role(boxes: Boxes, role: str) -> None:
    """The role stays where it has rights elsewhere; where the administrator dropped it, that is no fault."""
    name = earlier.schema_of(boxes.server, "hooli")  # type: ignore[arg-type]
    database = boxes.database()
    migrated(database, "hooli")
    if role == "with other rights":
        boxes.sql(f"CREATE TABLE public.other (); GRANT SELECT ON public.other TO {name}")
    if role == "gone":
        boxes.sql(f"DROP OWNED BY {name}; DROP ROLE {name}")
    assert migrated(database, "hooli") == [Migrated("hooli", 6, 6, 0, ROLE, False, False)]
    assert boxes.sql(f"SELECT 1 FROM pg_namespace WHERE nspname = '{name}'") == []
    roles = boxes.sql(f"SELECT rolname FROM pg_roles WHERE rolname = '{name}'")
    assert roles == ([(name,)] if role == "with other rights" else [])
    boxes.sql("DROP TABLE IF EXISTS public.other")
    boxes.sql(f"DROP ROLE IF EXISTS {name}")


def test_taking_over_keeps_the_later_report_of_a_box(boxes: Boxes) -> None:
    """Of a box that two companies had in schemas of their own, the database knows when it was heard of last;
    other companies' rows stay as they were, and what they have no column for is left out."""
    names = {company: earlier.schema_of(boxes.server, company) for company in ("hooli", "initech")}  # type: ignore[arg-type]
    days = {"hooli": "2026-11-20 10:00Z", "initech": "2026-11-10 10:00Z"}
    try:
        for company, name in names.items():
            earlier.box(boxes.server, name, "pbx-8", b"8" * 16, 2)  # type: ignore[arg-type]
            boxes.sql(f"UPDATE {name}.box SET seen = '{days[company]}'")
        before = migrated(boxes.database(), "hooli", "initech")
        assert [(result.before, result.records) for result in before] == [(5, 0), (5, 0)]
        day = "SELECT to_char(seen AT TIME ZONE 'UTC', 'MM-DD') FROM informativa.box WHERE box = 'pbx-8'"
        assert boxes.sql(day) == [("11-20",)]
        ledgers = (
            "SELECT controller, box, record FROM informativa.ledger JOIN informativa.company"
            " USING (company) ORDER BY 1"
        )
        assert boxes.sql(ledgers) == [("hooli", "pbx-8", 2), ("initech", "pbx-8", 2)]
    finally:
        for name in names.values():
            boxes.sql(
                f"DROP SCHEMA IF EXISTS {name} CASCADE; DROP OWNED BY {name}; DROP ROLE IF EXISTS {name}"
            )


def test_each_company_is_looked_for_in_its_own_database(boxes: Boxes) -> None:
    """Where the databases have the companies' names all is done there: made, listed, used, retired,
    purged."""
    boxes.sql("CREATE DATABASE acme")
    try:
        database = boxes._database("pbx-1", name="{controller}")
        assert migrated(database) == [Migrated("acme", 0, 6, 0, ROLE, False, True, tables_made=True)]
        state = administration.database_state(database, "acme")
        assert ([(box.name, box.has_joined) for box in state.boxes], state.migration) == (
            [("pbx-1", False)],
            6,
        )
        assert administration.usable(database, ["acme"], bool) == {"acme": True}
        assert administration.retire(database, "acme", "pbx-2") is None
        assert administration.purge_retired(database, "acme", lambda now: now, really=True) == []
    finally:
        boxes.sql("DROP DATABASE acme WITH (FORCE)")


def test_state_is_of_all_boxes(boxes: Boxes) -> None:
    """Those that take part first, then those that left."""
    for box in ("pbx-1", "pbx-2", "pbx-3"):
        boxes.record(box, PLAYED, PLAYED)
        exchange = boxes.exchange(box)
        exchange.send()
        with exchange._store.connected():
            pass
    identities = {box: ledger_boxes.drawn_identity(boxes.opened[n]._store) for n, box in enumerate(_NAMES)}
    assert administration.retire(boxes.database(), "acme", "pbx-1") == identities["pbx-1"]
    for exchange in boxes.opened:
        exchange.close()
    boxes.opened.clear()
    state = administration.database_state(boxes.database(), "acme")
    assert [(box.name, box.record, box.retired is not None) for box in state.boxes] == [
        ("pbx-2", 2, False),
        ("pbx-3", 2, False),
        ("pbx-1", 2, True),
    ]
    assert {box.name: bytes(box.identity) for box in state.boxes} == identities
    assert state.migration == 6


def test_company_that_this_box_does_not_serve_has_an_error_in_its_place(boxes: Boxes) -> None:
    """The others have their state, or may be used; the error names database, box and company. Whoever waits
    hears of it when the server says something."""
    database, heard = boxes.database(), list[int]()
    error = f"In the shared database {database.name} this box, pbx-1, does not serve globex."

    def hear() -> None:
        heard.append(1)

    states = administration.database_states(database, ["acme", "globex"], hear)
    acme, globex = states["acme"], states["globex"]
    assert isinstance(acme, DatabaseState)
    assert isinstance(globex, BoxRefusedError)
    assert (acme.migration, str(globex.message)) == (6, error)
    assert len(heard) == 3
    results = administration.usable(database, ["acme", "globex"], hear)
    assert results["acme"] is True
    assert isinstance(results["globex"], BoxRefusedError)
    assert (str(results["globex"].message), len(heard)) == (error, 5)
    with pytest.raises(BoxRefusedError, match="does not serve globex"):
        administration.database_state(database, "globex")


_NAMES = ("pbx-1", "pbx-2", "pbx-3")


def test_an_order_that_waited_for_a_retired_box_alone_is_over(boxes: Boxes) -> None:
    """Nobody waits for a box that left for good; a second retirement of it is none."""
    for box in _NAMES[:2]:
        boxes.exchange(box)
    boxes.sql(
        "INSERT INTO acme.erasure VALUES (1, 1, ARRAY['\\x01'::bytea]);"
        " UPDATE acme.ledger SET erasures = 1, applied = CASE WHEN box = 'pbx-2' THEN 0 ELSE 1 END"
    )
    identity = administration.retire(boxes.database(), "acme", "pbx-2")
    assert identity == boxes.sql("SELECT identity FROM acme.ledger WHERE box = 'pbx-2'")[0][0]
    assert isinstance(identity, bytes)
    assert boxes.sql("SELECT 1 FROM acme.erasure") == []
    assert administration.retire(boxes.database(), "acme", "pbx-2") is None


def test_purge_deletes_all_old_records_of_retired_boxes(boxes: Boxes) -> None:
    """From the first to the last before that time, box by box, and nothing of a box that takes part."""
    now = datetime.now(UTC)
    old, new = replace(PLAYED, at=now - timedelta(days=400)), replace(PLAYED, at=now)
    for box in _NAMES:
        boxes.record(box, old, old, new)
        boxes.exchange(box).send()
    for box in _NAMES[1:]:
        administration.retire(boxes.database(), "acme", box)

    def purge(*, really: bool) -> list[OldRecords]:
        return administration.purge_retired(
            boxes.database(), "acme", lambda now: now - timedelta(days=365), really=really
        )

    assert purge(really=False) == [OldRecords("pbx-2", 2), OldRecords("pbx-3", 2)]
    assert purge(really=True) == [OldRecords("pbx-2", 2), OldRecords("pbx-3", 2)]
    assert boxes.sql("SELECT box, record FROM acme.record ORDER BY 1, 2") == [
        ("pbx-1", 1),
        ("pbx-1", 2),
        ("pbx-1", 3),
        ("pbx-2", 3),
        ("pbx-3", 3),
    ]


DATABASE = SharedDatabase(("127.0.0.1:1",), "of_{controller}", "pbx-1")
MEETING = replace(DATABASE, name="of_acme")


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Answering:
    """A database that answers by a list: whoever connects must name the company's own."""
    made = Answering()

    def connect(database: SharedDatabase, controller: str) -> Answering:
        assert (database, controller) == (MEETING, "acme")
        return made

    def translated(database: SharedDatabase) -> AbstractContextManager[None]:
        assert database == MEETING
        return nullcontext()

    def connect_box(database: SharedDatabase, controller: str, **_options: object) -> Answering:
        return connect(database, controller)

    def company_numbers(_connection: object, _database: object, controllers: list[str]) -> dict[str, int]:
        return dict.fromkeys(controllers, made.company)

    monkeypatch.setattr(administration, "connect", connect)
    monkeypatch.setattr(administration, "connect_box", connect_box)
    monkeypatch.setattr(administration, "company_numbers", company_numbers)
    monkeypatch.setattr(administration, "translated", translated)
    return made


@pytest.mark.parametrize(("rows", "migration"), [([(7,)], 7), ([], 0)])
def test_state_is_asked_over_a_connection_of_its_own(
    answering: Answering, monkeypatch: pytest.MonkeyPatch, rows: list[tuple[object, ...]], migration: int
) -> None:
    """It is closed then. The clocks are compared first; boxes that never took part come last."""
    times = iter([100.0, 104.0])
    monkeypatch.setattr(administration, "time", SimpleNamespace(time=lambda: next(times)))
    box = ("pbx-2", 7, 9, 0, NOW, 12.5, "1.0", "k", "c", None, 0.5, "pbx-3", b"2")
    late = ("pbx-3", 0, 0, 0, NOW, 0.5, "", "", "", None, None, None, b"")
    ledgers, awaited, newest = administration._LEDGERS, administration._AWAITED, administration._MIGRATION
    answering.rows |= {CLOCK: [(90.0,)], ledgers: [(7, *box)], awaited: [(7, *late)], newest: rows}
    state = administration.database_state(DATABASE, "acme")
    assert state == DatabaseState([RegisteredBox(*box), RegisteredBox(*late)], migration, 12.0)  # type: ignore[arg-type]
    assert answering.asked == [(CLOCK, None), (newest, None), (ledgers, ([7],)), (awaited, ([7],))]
    assert answering.closed


def test_fifty_companies_are_asked_about_at_once(
    answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them once, and whoever waits hears of each fifty. One that this box serves no more by then has
    no boxes."""
    numbers, heard = {f"company-{number}": number for number in range(1, 102)}, list[int]()

    def hear() -> None:
        heard.append(1)

    def connect(*_values: object, **_options: object) -> Answering:
        return answering

    monkeypatch.setattr(administration, "connect_box", connect)
    monkeypatch.setattr(administration, "company_numbers", lambda *_values: numbers)
    monkeypatch.setattr(administration, "translated", lambda _database: nullcontext())
    states = administration.database_states(DATABASE, [*numbers], hear)
    asked = [
        values for query, values in cast("list[Any]", answering.asked) if query == administration._LEDGERS
    ]
    assert asked == [([*range(1, 51)],), ([*range(51, 101)],), ([101],)]
    assert len(heard) == 2 + 3
    assert {(*cast("DatabaseState", state).boxes,) for state in states.values()} == {()}


@pytest.mark.parametrize("rows", [[(b"2",)], []])
def test_retirement_settles_what_waited(answering: Answering, rows: list[tuple[bytes]]) -> None:
    """Also where the box was retired before, by another, and whoever did it was cut off. One that never took
    part serves the company no more."""
    sql = ErasureStatements(7)
    answering.rows[SQL.retire] = rows
    assert administration.retire(DATABASE, "acme", "pbx-2") == (b"2" if rows else None)
    assert answering.asked == [
        "begin",
        (sql.lock_company, None),
        (SQL.retire, ("pbx-2",)),
        *([] if rows else [(SQL.withdraw, ("pbx-2",))]),
        "commit",
        (sql.erase_approved_of_retired, ()),
        (sql.done_everywhere, None),
    ]


def test_purge_needs_a_call_within_the_last_31_days(answering: Answering) -> None:
    """By the database's clock; to the microsecond, and the time before which records go is told by it."""
    microsecond = timedelta(microseconds=1)
    answering.rows[SQL.now_and_newest] = [(NOW, microseconds(NOW - timedelta(days=31)))]
    assert administration.purge_retired(DATABASE, "acme", lambda now: now, really=True) == []
    old = (SQL.old_of_retired, (1_796_115_600_000_000,))
    assert answering.asked == ["begin", (SQL.now_and_newest, None), old, "commit"]
    answering.rows[SQL.now_and_newest] = [(NOW, microseconds(NOW - timedelta(days=31) - microsecond))]
    with pytest.raises(SharedDatabaseError) as caught:
        administration.purge_retired(DATABASE, "acme", lambda now: now, really=True)
    assert str(caught.value.message) == (
        "In the database of_acme nothing of a retired box was purged: its clock says 2026-12-01, and the"
        " newest record is of 2026-10-31."
    )
    assert str(caught.value.remedy) == (
        "Set the clock of its server right; where really nobody called for a month, wait until somebody does."
    )


@pytest.mark.parametrize(("newest", "day"), [(1 << 62, None), (-(1 << 62), "1970-01-01")])
def test_time_that_no_calendar_has_ends_no_purge(answering: Answering, newest: int, day: str | None) -> None:
    """Whoever has a box's login can write such records: one that is to come is as new as can be, and one of
    long ago is named as of 1970."""
    answering.rows[SQL.now_and_newest] = [(NOW, newest)]
    if day is None:
        assert administration.purge_retired(DATABASE, "acme", lambda now: now, really=True) == []
        return
    with pytest.raises(SharedDatabaseError, match=f"the newest record is of {day}"):
        administration.purge_retired(DATABASE, "acme", lambda now: now, really=True)


@pytest.mark.parametrize("rows", [[], [(NOW, None)], [(None, 1)]])
def test_purge_without_any_record_is_none(answering: Answering, rows: list[tuple[object, ...]]) -> None:
    """Nothing is asked or deleted then."""
    answering.rows[SQL.now_and_newest] = rows
    assert administration.purge_retired(DATABASE, "acme", lambda now: now, really=True) == []
    assert answering.asked == ["begin", (SQL.now_and_newest, None), "commit"]


@pytest.mark.parametrize(("rows", "ahead"), [([(90.0,)], 12.0), ([], 2.0)])
def test_clock_is_compared_in_the_middle_of_a_round_trip(
    monkeypatch: pytest.MonkeyPatch, rows: list[tuple[object, ...]], ahead: float
) -> None:
    """A question that took four seconds was answered after two; a server that says nothing has our time of
    before."""
    times = iter([100.0, 104.0])
    monkeypatch.setattr(administration, "time", SimpleNamespace(time=lambda: next(times)))
    assert administration._clock_ahead(Answering({CLOCK: rows})) == ahead  # type: ignore[arg-type]


def test_how_far_behind_and_how_long_silent_a_box_is() -> None:
    """By its last report, and never less than nothing; of a retired box until it was retired."""
    last_seen = NOW - timedelta(hours=3)
    box = RegisteredBox("pbx-1", 7, 9, 0, last_seen, 12.5, "1.0", "", "", None)
    assert (box.behind, box.silence) == (2, 12.5)
    assert replace(box, newest=5).behind == 0
    assert replace(box, retired=NOW).silence == 3 * 3600


# -- migrate, statement by statement -------------------------------------------------------------------------

ROLES_OF = "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)"
SCHEMAS_OF = "SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)"
NEEDED = "SELECT coalesce(max(needed), 0) FROM informativa.migration"
NEWEST = 'SELECT max(number) FROM "informativa".migration'
NEWEST_OF_ITS_OWN = 'SELECT max(number) FROM "informativa_acme".migration'
ALL_THERE: dict[str, list[tuple[object, ...]]] = {
    ROLES_OF: [("informativa_owner",), ("informativa_boxes",), (ROLE,)],
    SCHEMAS_OF: [("informativa",)],
    NEWEST: [(6,)],
    administration._IS_KNOWN: [(True,)],
}


def migrated_by(database: Answering) -> Migrated:
    """Migrate acme over a connection."""
    return administration._migrate(cast("psycopg.Connection", database), DATABASE, "acme")


def statements_of(database: Answering) -> list[object]:
    """Return the statements that a database was asked, without their values."""
    return [cast("Any", entry)[0] for entry in database.asked]


def test_empty_database_gets_all_that_the_script_has(answering: Answering) -> None:
    """In its order; what is there is asked for before."""
    script = list(administration.script("pbx-1", ["acme"]))[1:-1]
    login = script.index(f'CREATE ROLE "{ROLE}" LOGIN')
    made = [*script[:2], script[login], *schema.prepared()]
    answering.rows[NEWEST] = [(None,)]
    assert migrated_by(answering) == Migrated("acme", 0, 6, 0, ROLE, True, False, tables_made=True)
    assert answering.asked[:2] == [
        (ROLES_OF, (["informativa_owner", "informativa_boxes", ROLE],)),
        (SCHEMAS_OF, (["informativa", "informativa_acme"],)),
    ]
    migrations = script[2 + len(schema.prepared()) : login]
    assert statements_of(answering)[2:] == [
        *made,
        NEEDED,
        NEWEST,
        *migrations,
        administration._IS_KNOWN,
        *script[login + 1 :],
    ]
    assert (administration._IS_KNOWN, ("acme",)) in answering.asked


@pytest.mark.parametrize(("known", "serves"), [(True, False), (False, True)])
def test_migrated_database_has_the_company_served_alone(
    answering: Answering, known: bool, serves: bool
) -> None:
    """It says which migration the company had, and whether this box serves it only since."""
    *_rest, serving = schema.served(ROLE, ["acme"])
    answering.rows = ALL_THERE | {administration._IS_KNOWN: [(known,)], serving: [()] if serves else []}
    assert migrated_by(answering) == Migrated("acme", 6 if known else 0, 6, 0, ROLE, False, serves)
    before = [ROLES_OF, SCHEMAS_OF, NEEDED, NEWEST, administration._IS_KNOWN]
    assert statements_of(answering) == [*before, *schema.served(ROLE, ["acme"])]


@pytest.mark.parametrize("needed", [6, 7])
def test_tables_that_a_newer_program_made_are_not_touched(answering: Answering, needed: int) -> None:
    """Those of the newest migration that this program knows are; nothing is executed after the question."""
    answering.rows = ALL_THERE | {NEEDED: [(needed,)], administration._IS_KNOWN: [(True,)]}
    if needed == 6:
        assert migrated_by(answering).before == 6
        return
    with pytest.raises(BoxRefusedError, match=r"are of a newer informativa\. Upgrade this one\."):
        migrated_by(answering)
    assert statements_of(answering) == [ROLES_OF, SCHEMAS_OF, NEEDED]


@pytest.mark.parametrize(
    ("of_its_own", "all_serve", "steps", "before", "records"),
    [
        (1, False, ["take over"], 1, 40),
        (5, True, ["take over"], 5, 40),
        (6, False, [], 6, 0),
        (6, True, ["remove"], 6, 0),
        (None, True, ["remove"], 6, 0),
        (None, None, [], 6, 0),
    ],
)
def test_schema_of_its_own_is_taken_over_and_then_removed(
    answering: Answering,
    monkeypatch: pytest.MonkeyPatch,
    of_its_own: int | None,
    all_serve: bool | None,
    steps: list[str],
    before: int,
    records: int,
) -> None:
    """Where it has something, all of it is moved; where it has nothing, it goes once all boxes serve the
    company in the tables of all."""
    asked = list[tuple[object, ...]]()

    def take_over(*values: object) -> int:
        asked.append(("take over", *values))
        return 40

    monkeypatch.setattr(administration, "_take_over", take_over)
    monkeypatch.setattr(administration, "remove_earlier", lambda *values: asked.append(("remove", *values)))
    answering.rows = ALL_THERE | {
        SCHEMAS_OF: [("informativa",), ("informativa_acme",)],
        NEWEST_OF_ITS_OWN: [(of_its_own,)],
        administration._ALL_SERVE: [] if all_serve is None else [(all_serve,)],
    }
    assert migrated_by(answering) == Migrated("acme", before, 6, records, ROLE, False, False)
    names = {"take over": "acme", "remove": "informativa_acme"}
    assert asked == [(step, answering, names[step]) for step in steps]
    if steps != ["take over"]:
        assert answering.asked[-1] == (administration._ALL_SERVE, ("acme",))


@pytest.mark.parametrize(("rows", "number"), [([(5,)], 5), ([(None,)], 0), ([], 0)])
def test_newest_migration_of_a_schema(rows: list[tuple[object, ...]], number: int) -> None:
    """None is 0."""
    database = Answering({'SELECT max(number) FROM "informativa_acme".migration': rows})
    of = cast("psycopg.Connection", database)
    assert administration.newest_migration(of, "informativa_acme") == number


class Encrypting:
    """A connection to a database that has passwords encrypted; it notes with which values."""

    def __init__(self) -> None:
        self.info, self.pgconn = SimpleNamespace(dbname="meeting"), self
        self.values: list[tuple[object, ...]] = []

    def encrypt_password(self, *values: object) -> bytes:
        """Encrypt a password."""
        self.values.append(values)
        return b"SCRAM-SHA-256$4096:salt$hash"


def test_password_is_encrypted_before_it_is_sent(tmp_path: Path) -> None:
    """By the line of its role and this database; without a file, or without a line, there is none."""
    file, connection = tmp_path / "pgpass", Encrypting()
    file.write_text(f"*:*:other:{ROLE}:no\n*:*:*:anna:no\n*:*:meeting:{ROLE}:sécret\n", encoding="utf-8")
    database = replace(MEETING, passwords=str(file))

    def password(database: SharedDatabase, role: str = ROLE) -> str:
        return administration._password(cast("psycopg.Connection", connection), database, role)

    assert password(database) == " PASSWORD 'SCRAM-SHA-256$4096:salt$hash'"
    assert connection.values == [("sécret".encode(), ROLE.encode(), b"scram-sha-256")]
    assert [password(MEETING), password(database, "nobody")] == ["", ""]
    with pytest.raises(SharedDatabaseError) as caught:
        password(replace(database, passwords=str(tmp_path / "missing")))
    assert (str(caught.value.message), str(caught.value.remedy)) == (
        f"{tmp_path}/missing cannot be read (No such file or directory).",
        "Run this as the user whose file it is.",
    )
    assert len(connection.values) == 1


def test_password_of_other_bytes_than_utf_8_is_taken_as_libpq_takes_it(tmp_path: Path) -> None:
    """A comment, or a password, that an editor has written in Latin-1."""
    file, connection = tmp_path / "pgpass", Encrypting()
    file.write_bytes(f"# für Büros\r\n*:*:*:{ROLE}:s\x85cr\xe9t\r\n".encode("latin-1"))
    database = replace(MEETING, passwords=str(file))
    assert administration._password(cast("psycopg.Connection", connection), database, ROLE)
    assert connection.values == [(b"s\x85cr\xe9t", ROLE.encode(), b"scram-sha-256")]
