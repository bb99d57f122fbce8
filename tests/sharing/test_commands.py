"""The commands about many boxes, typed, with a real PostgreSQL and the configurations of two boxes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from commands import typed
from doubles import CALLER, ScriptedSession, incoming
from examples import AT, PLAYED
from informativa.call.answering import answer
from informativa.call.caller import pseudonym
from informativa.cli import main
from informativa.config import Configuration, load
from informativa.model import Controller, SharedDatabase
from informativa.model.errors import SharedDatabaseError
from informativa.operations import boxes as operations
from informativa.process import bootstrap, storage
from informativa.sharing import administration
from informativa.sharing.administration import RegisteredBox
from informativa.sharing.connection import Connection, Explain
from informativa.sharing.membership import About
from lab.postgres import SUPERUSER, Postgres
from sharing.conftest import PASSWORD, empty
from sharing.installation import HE, Installation, examined, of
from traces import traces

NO_TABLES = "DROP SCHEMA IF EXISTS informativa CASCADE"


def test_boxes_meet(two: tuple[Installation, Installation], server: Postgres) -> None:
    """From the schema to what the other box knows, as an admin types it."""
    server.sql(NO_TABLES)
    one, other = two
    code, _out, error = typed("shared", "status", *of(one))
    assert code == 1
    assert "it knows no such role with this password" in error
    assert "Make the box's login: informativa shared migrate" in error
    code, out, _error = typed("shared", "migrate", "--as", SUPERUSER, *of(one))
    assert (code, out) == (
        0,
        "acme: the login informativa-box-pbx-1 was made\n"
        "acme: the tables of all companies were made (migration 6)\n"
        "acme: this box serves it from now on (migration 6)\n",
    )
    assert typed("shared", "migrate", "--as", SUPERUSER, *of(one))[1] == (
        "acme: all is there (migration 6)\n"
    )
    one.record()
    one.exchange()
    assert typed("shared", "migrate", "--as", SUPERUSER, *of(other))[:2] == (
        0,
        "acme: the login informativa-box-pbx-2 was made\n"
        "acme: this box serves it from now on (migration 6)\n",
    )
    code, out, _error = typed("join", *of(other))
    assert (code, out) == (0, "Acme S.p.A. (acme): 1 record of 1 other box was taken in\n")
    code, out, _error = typed("boxes", *of(other))
    assert code == 0
    assert [line.split()[:3] for line in out.splitlines()[2:]] == [["pbx-1", "1", "0"], ["pbx-2", "0", "1"]]
    assert out.splitlines()[3].endswith("this box")
    document = json.loads(typed("shared", "status", "--json", *of(other))[1])
    (acme,) = document["controllers"]
    assert [(box["name"], box["this"], box["different"]) for box in acme["boxes"]] == [
        ("pbx-1", False, []),
        ("pbx-2", True, []),
    ]


def test_a_caller_is_shown_and_erased_on_all_boxes(
    meeting: tuple[Installation, Installation], server: Postgres
) -> None:
    """What any box has on record of him is in the answer, and gone everywhere after the erasure. It counts
    the same before and after, and names the boxes that are away."""
    one, other = meeting
    one.record()
    other.record(replace(PLAYED, at=AT.replace(day=25)))
    for box in (one, other, one):
        box.exchange()
    code, out, _error = typed("caller", "show", CALLER, *of(one))
    assert code == 0
    assert out.splitlines()[0].startswith("Acme S.p.A. (acme): 2 records of")
    assert "(record pbx-2:1)" in out
    document = json.loads(typed("caller", "show", CALLER, "--json", *of(one))[1])
    assert [record["box"] for record in document["controllers"][0]["records"]] == [None, "pbx-2"]
    code, out, _error = typed("caller", "erase", CALLER, *of(one))
    assert (code, out.splitlines()[:2]) == (
        0,
        [
            "Acme S.p.A. (acme): 2 records would be erased",
            "pbx-2: each would erase the caller too, as soon as it reaches the database",
        ],
    )
    server.sql("UPDATE informativa.box SET seen = now() - interval '2 hours' WHERE box = 'pbx-2'")
    code, out, _error = typed("caller", "erase", CALLER, "--yes", *of(one))
    assert (code, out.splitlines()[:2]) == (
        3,
        [
            "Acme S.p.A. (acme): 2 records erased",
            "pbx-2: each erases the caller too, as soon as it reaches the database",
        ],
    )
    assert out.splitlines()[2].startswith("not complete: pbx-2 was last heard of at 20")
    other.exchange()
    for box in (one, other):
        assert "0 records" in typed("caller", "show", CALLER, *of(box))[1]
    with closing(storage.store(other.configuration.controllers["acme"])) as store:
        assert [record.event.erased for record in store.records()] == [True, False]


def test_an_erasure_that_others_cannot_hear_of_is_kept(
    meeting: tuple[Installation, Installation], server: Postgres
) -> None:
    """It says what is done and what is not; the service does the rest, and nothing need be typed again."""
    one, other = meeting
    for box in meeting:
        box.record()
        box.exchange()
    server.stop()
    try:
        code, _out, error = typed("caller", "erase", CALLER, "--yes", *of(one))
        assert code == 1
        assert "the caller is erased on this box, and the others do not know of it yet" in error
        assert "Nothing need be typed again: it is kept, and this box's service asks them" in error
    finally:
        server.start()
    for box in (one, other, one):
        box.exchange()
    for box in meeting:
        assert "0 records" in typed("caller", "show", CALLER, *of(box))[1]
        his = pseudonym(HE, box.configuration.controllers["acme"].key)
        assert traces(box.file.parent, his, his.hex().encode()) == []
    assert server.sql("SELECT 1 FROM informativa.erasure") == []


def test_records_of_all_boxes_in_one_list(meeting: tuple[Installation, Installation]) -> None:
    """In the order in which they happened, with box and number, filtered as one ledger's are."""
    one, other = meeting
    one.record()
    other.record(replace(PLAYED, at=AT.replace(day=23)))
    one.exchange()
    other.exchange()
    code, out, _error = typed("ledger", "show", "--all-boxes", *of(one))
    assert code == 0
    assert [line.split()[0] for line in out.splitlines() if line.startswith("pbx")] == ["pbx-2:1", "pbx-1:1"]
    document = json.loads(typed("ledger", "show", "--all-boxes", "--last", "1", "--json", *of(one))[1])
    assert [(record["box"], record["number"]) for record in document["records"]] == [("pbx-1", 1)]
    for option, value, number in (
        ("--status", "FAILED", 0),
        ("--status", "PLAYED", 2),
        ("--since", "2026-11-24", 1),
        ("--until", "2026-11-24", 1),
        ("--caller", pseudonym(HE, one.configuration.controllers["acme"].key).hex()[:8], 2),
        ("--caller", "00", 0),
        ("--reason", "not-informed", 2),
        ("--line", "+390212345678", 2),
    ):
        code, out, _error = typed("ledger", "show", "--all-boxes", option, value, "--json", *of(one))
        assert (option, value, len(json.loads(out)["records"])) == (option, value, number)


def test_list_of_calls_beside_all_boxes(meeting: tuple[Installation, Installation], tmp_path: Path) -> None:
    """A carrier's list is held beside the records of this box, or of all, each with its box."""
    one, other = meeting
    one.record()  # not sent: it is in this box's ledger
    other.record(replace(PLAYED, at=AT + timedelta(minutes=1), call="1700000000.2"))
    other.record(replace(PLAYED, at=AT + timedelta(minutes=2), call="1700000000.3"))
    other.exchange()
    file = tmp_path / "carrier.csv"
    starts = [AT - timedelta(seconds=9), AT + timedelta(seconds=51), AT + timedelta(minutes=3)]
    file.write_text("line,start\n" + "".join(f"+390212345678,{at.isoformat()}\n" for at in starts))
    words = ("evidence", "compare", "--calls", file, "--controller", "acme")
    code, out, _error = typed(*words, *of(one))
    assert code == 3
    assert "Only the records of this box (pbx-1) were read; of all: --all-boxes" in out
    result = json.loads(typed(*words, "--all-boxes", "--json", *of(one))[1])
    assert (result["by_time"], result["without_record"], result["without_call"]) == (2, 1, 1)
    (record,) = result["records_without_call"]
    assert (record["box"], record["record"], record["call"]) == ("pbx-2", 2, "1700000000.3")


def test_a_box_leaves(meeting: tuple[Installation, Installation]) -> None:
    """First it is said what would be, then it is so; one that there is not is named with those that are."""
    one, other = meeting
    one.exchange()
    other.exchange()
    code, _out, error = typed("boxes", "retire", "pbx-9", *of(one))
    assert (code, error) == (
        1,
        "Acme S.p.A. (acme): There is no box pbx-9. There are: pbx-1, pbx-2.\n",
    )
    code, out, _error = typed("boxes", "retire", "pbx-2", *of(one))
    assert code == 0
    assert "Acme S.p.A. (acme): pbx-2 would leave for good" in out
    assert "Nothing was changed yet. To do it, add --yes." in out
    assert "pbx-2 was heard of in the last minute. While it works, --yes needs --force too." in out
    code, out, error = typed("boxes", "retire", "pbx-2", "--yes", *of(one))
    assert (code, out) == (1, "")
    assert "The box pbx-2 still works: it was heard of " in error
    assert "add --force" in error
    assert "left on 20" not in typed("boxes", *of(one))[1]
    assert typed("boxes", "retire", "pbx-2", "--yes", "--force", *of(one))[0] == 0
    assert "left on 20" in typed("boxes", *of(one))[1]


def test_without_a_database_the_commands_say_what_to_write(folder: Path) -> None:
    """Each of them, and nothing is made."""
    for command in (["shared", "status"], ["shared", "migrate"], ["shared", "sql"], ["boxes"], ["join"]):
        code, out, error = typed(*command, "-c", folder / "informativa.yaml")
        assert (code, out) == (1, "")
        assert "Write `shared:` with `hosts:` and `box:` there" in error
    code, _out, error = typed(
        "ledger", "show", "--all-boxes", *of(Installation(folder / "informativa.yaml", ""))
    )
    assert code == 1
    assert "There are no other boxes" in error


def test_what_differs_between_boxes_is_told(meeting: tuple[Installation, Installation]) -> None:
    """Other keys, and another configuration; where each box lies makes none."""
    one, other = meeting
    one.exchange()
    text = other.file.read_text()
    other.file.write_text(text.replace("retention: 5 years", "retention: 4 years"))
    key = other.file.parent / "keys/acme.key"
    key.write_text("ab" * 32)
    other.exchange()
    out = typed("boxes", *of(one))[1]
    assert "OTHER KEYS: its callers are strangers here, another configuration" in out.splitlines()[-1]


@pytest.mark.parametrize(
    ("its", "keys", "difference"),
    [
        ("new old", "new old", None),
        ("old", "new old", "older-key"),
        ("new old", "old", "newer-key"),
        ("new", "new old", "earlier-keys"),
        ("x", "new old", "keys"),
        ("", "new", None),
    ],
)
def test_keys_that_differ_are_told_apart(its: str, keys: str, difference: str | None) -> None:
    """A box that was forgotten when the key was changed is another thing than one of other keys, and so is
    one on which an earlier key was deleted."""
    box = RegisteredBox("pbx-2", 1, 1, 0, AT, 0.0, "", its, "", None)
    assert list(operations._differences(box, About(keys=keys))) == ([difference] if difference else [])


def test_a_box_that_was_forgotten_when_a_key_was_changed(meeting: tuple[Installation, Installation]) -> None:
    """Each of both says so, and which key is to be copied where, before the old one is deleted."""
    one, other = meeting
    assert typed("keys", "rotate", "acme", "--yes", "-c", one.file)[0] == 0
    for installation in (one, other):
        installation.exchange()
    assert "AN EARLIER KEY: copy the new one there" in typed("boxes", *of(one))[1]
    assert "A NEWER KEY: copy it here" not in typed("boxes", *of(one))[1]
    document = json.loads(typed("boxes", "--json", *of(one))[1])
    assert [box["different"] for box in document["controllers"][0]["boxes"]] == [[], ["older-key"]]
    assert ("warning", "pbx-2 still works with an earlier key of acme") in examined(one)


def test_the_sql_for_an_administrator_is_what_is_run(
    meeting: tuple[Installation, Installation], server: Postgres
) -> None:
    """Run as printed it makes a schema in which boxes meet."""
    one, _other = meeting
    empty(server)
    server.sql("DROP SCHEMA informativa CASCADE; DROP ROLE informativa_owner, informativa_boxes")
    code, out, _error = typed("shared", "sql", *of(one))
    assert code == 0
    server.sql(out)
    server.sql(f"ALTER ROLE \"informativa-box-pbx-1\" PASSWORD '{PASSWORD}'")
    one.record()
    one.exchange()
    assert server.sql("SELECT count(*) FROM informativa.record") == [(1,)]


def test_migrating_says_that_it_made_the_tables(
    two: tuple[Installation, Installation], server: Postgres
) -> None:
    """Once, and that all is there when it is typed again; JSON says the same."""
    server.sql(NO_TABLES)
    migrate = "shared", "migrate", "--as", SUPERUSER
    code, out, error = typed(*migrate, *of(two[0]))
    assert (code, error, out.splitlines()[1:]) == (
        0,
        "",
        [
            "acme: the tables of all companies were made (migration 6)",
            "acme: this box serves it from now on (migration 6)",
        ],
    )
    assert typed(*migrate, *of(two[0]))[1] == "acme: all is there (migration 6)\n"
    (migrated,) = json.loads(typed(*migrate, "--json", *of(two[1]))[1])["controllers"]
    assert (migrated["tables_made"], migrated["newly_served"]) == (False, True)


def test_migrating_tables_of_a_newer_program_is_refused(
    meeting: tuple[Installation, Installation], server: Postgres
) -> None:
    """That all is there would not be true: this program cannot use them."""
    server.sql("UPDATE informativa.migration SET number = 99, needed = 99")
    code, out, error = typed("shared", "migrate", "--as", SUPERUSER, *of(meeting[0]))
    assert (code, out, error) == (
        1,
        "",
        "Acme S.p.A. (acme): The tables in the shared database postgres are of a newer informativa."
        " Upgrade this one.\n",
    )


def test_the_doctor_looks_at_the_other_boxes(
    meeting: tuple[Installation, Installation], server: Postgres
) -> None:
    """What is wrong with each, and what to do; one sentence where all is well."""
    one, other = meeting
    one.record()
    awaited = "warning", "pbx-2 serves acme and never took part, so that erasures wait for it"
    assert examined(one) == [("warning", "this box has not sent anything of acme yet"), awaited]
    one.exchange()
    assert examined(one) == [awaited]
    other.exchange()
    assert examined(one) == [("ok", "1 company shares what callers were told with 1 other box")]
    server.sql(
        "UPDATE informativa.box SET seen = now() - interval '2 hours', program = '0' WHERE box = 'pbx-2';"
        "UPDATE informativa.ledger SET keys = 'x' WHERE box = 'pbx-2';"
        "UPDATE informativa.ledger SET newest = 5000 WHERE box = 'pbx-1'"
    )
    assert examined(one) == [
        ("warning", "4999 records of pbx-1 for acme are not in the database yet"),
        ("warning", "pbx-2 was last heard of 120 min ago, for acme"),
        ("warning", "pbx-2 runs informativa 0"),
        ("warning", "pbx-2 has other keys for acme: its callers are strangers here"),
    ]
    server.stop()
    try:
        ((state, text),) = examined(one)
        assert (state, "cannot be used" in text) == ("wrong", True)
    finally:
        server.start()


def checked(installation: Installation) -> str:
    """Return what `check` says of the shared database; it never fails for it."""
    code, out, error = typed("check", "-c", installation.file)
    assert code == 0, error
    return "\n".join(
        line
        for line in (*error.splitlines(), *out.splitlines())
        if "shared database" in line or "schema" in line
    )


def test_one_companys_trouble_hides_no_others_boxes(
    meeting: tuple[Installation, Installation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the databases of 300 companies two tell, one refuses, and all others hang: the two are shown, and
    each of the others is named with what to type."""
    one, _other = meeting
    configuration = load(one.file)
    acme = configuration.controllers["acme"]
    companies = {f"c{number}": replace(acme, id=f"c{number}", name=f"C {number}") for number in range(300)}
    assert configuration.shared is not None
    configuration = replace(configuration, shared=replace(configuration.shared, name="{controller}"))
    hanging = threading.Event()
    of_acme = operations.meeting(load(one.file), acme)

    def asked(
        _configuration: Configuration, companies: Sequence[Controller], _heard: Callable[[], object]
    ) -> dict[str, operations.Meeting]:
        (company,) = companies
        if company.id == "c2":
            raise SharedDatabaseError("no rights", "Give the role its rights.")
        if int(company.id[1:]) > 2:
            assert hanging.wait(60)
        return {company.id: replace(of_acme, controller=company.id)}

    monkeypatch.setattr(operations, "meetings", asked)
    monkeypatch.setattr(operations, "ANSWER_SECONDS", 0.5)
    try:
        result = operations.boxes(configuration, list(companies.values()))
    finally:
        hanging.set()
    assert [meeting.controller for meeting in result.controllers] == ["c0", "c1"]
    assert [(unknown.name, str(unknown.message)) for unknown in result.unknown[:2]] == [
        ("C 2", "no rights"),
        ("C 3", f"The shared database c3 on {configuration.shared.hosts[0]} did not answer in 0 s."),
    ]
    assert len(result.unknown) == 298


def test_all_companies_of_a_database_are_asked_about_at_once(
    meeting: tuple[Installation, Installation], server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """60 companies take one connection and one statement, and one that this box does not serve is named with
    what to type."""
    one, other = meeting
    for box in (one, other):
        box.exchange()
    configuration = load(one.file)
    acme, notices = configuration.controllers["acme"], configuration.notices["acme"]
    companies = [acme, *(replace(acme, id=f"c{number}") for number in range(60))]
    configuration = replace(
        configuration,
        controllers={company.id: company for company in companies},
        notices={company.id: notices for company in companies},
    )
    for number in range(59):
        server.sql(f"INSERT INTO informativa.company VALUES ({number + 10}, 'c{number}')")
        server.sql(f"INSERT INTO informativa.serves VALUES ('informativa-box-pbx-1', {number + 10})")
    connect, connections = administration.connect_box, list[str]()

    def counted(database: SharedDatabase, controller: str, *, explain: Explain) -> Connection:
        connections.append(controller)
        return connect(database, controller, explain=explain)

    monkeypatch.setattr(administration, "connect_box", counted)
    monkeypatch.setattr(operations, "ANSWER_SECONDS", 60.0)
    result = operations.boxes(configuration, companies)
    assert [company.controller for company in result.controllers] == ["acme", *(f"c{n}" for n in range(59))]
    assert [[box.name for box in company.boxes] for company in result.controllers[:2]] == [
        ["pbx-1", "pbx-2"],
        ["pbx-1"],
    ]
    (unknown,) = result.unknown
    assert str(unknown.message).endswith("this box, pbx-1, does not serve c59.")
    assert connections == ["acme"]


@pytest.mark.parametrize("words", ["status", "check", "doctor", "boxes", "shared status", "shared doctor"])
def test_the_database_is_waited_for_since_the_command_began(
    two: tuple[Installation, Installation], monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    """Once, for all companies of one database, and not from when the program and the configuration are
    loaded."""
    times = list[float]()

    def silent(works: Mapping[SharedDatabase, object], *bounds: float) -> dict[SharedDatabase, TimeoutError]:
        times.append(bounds[-1])
        return dict.fromkeys(works, TimeoutError())

    monkeypatch.setattr(main, "time", SimpleNamespace(monotonic=lambda: 7.0))
    monkeypatch.setattr(operations, "ANSWER_SECONDS", 1e9)
    monkeypatch.setattr(operations, "of_each_heard", silent)
    typed(*words.split(), "-c", two[0].file)
    assert times == [7.0]


def test_a_database_has_a_second_however_late_it_is_asked(
    two: tuple[Installation, Installation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that took an hour until it asked does not call a database dead that nobody has asked yet."""
    since, configuration = list[float](), load(two[0].file)

    def silent(works: Mapping[SharedDatabase, object], *bounds: float) -> dict[SharedDatabase, TimeoutError]:
        since.append(bounds[-1])
        return dict.fromkeys(works, TimeoutError())

    monkeypatch.setattr(operations, "of_each_heard", silent)
    monkeypatch.setattr(operations, "time", SimpleNamespace(monotonic=lambda: 5000.0))
    for begun in (1400.0, 4999.5, None):
        assert len(operations.boxes(configuration, configuration.in_shape(), begun).unknown) == 2
    assert since == [4999.0, 4999.5, 5000.0]


def test_check_asks_the_database(two: tuple[Installation, Installation], server: Postgres) -> None:
    """Whoever has just written `shared:` learns whether it can be used, and what to type next if not."""
    one, _other = two
    assert "Make the box's login: informativa shared migrate" in checked(one)
    assert typed("shared", "migrate", "--as", SUPERUSER, *of(one))[0] == 0
    assert "the shared database postgres can be used for 1 company" in checked(one)
    server.sql("UPDATE informativa.migration SET needed = 99")
    assert "are of a newer informativa; Upgrade this one." in checked(one)
    server.sql("UPDATE informativa.migration SET number = 5, needed = 1")
    assert "Whoever administers it types: informativa shared migrate" in checked(one)
    server.halt()
    try:
        assert "did not answer in 2 s; See that it runs" in checked(one)
        code, out, error = typed("boxes", *of(one))
        assert (code, out) == (1, "")
        assert error.startswith(
            f"Acme S.p.A. (acme): The shared database postgres on 127.0.0.1:{server.port} did not answer in"
            " 2 s. See that it runs and can be reached from here, then type: informativa boxes -c /"
        )
        code, out, error = typed("shared", "doctor", *of(one))
        assert (code, out, "did not answer in 2 s" in error) == (1, "", True)
        code, out, error = typed("status", "--json", "-c", one.file)
        assert not json.loads(out)["complete"]
        assert any("did not answer in 2 s" in warning for warning in json.loads(out)["warnings"])
    finally:
        server.stop()
        server.start()


def test_status_shows_the_boxes(meeting: tuple[Installation, Installation], server: Postgres) -> None:
    """Those that did not leave, and what is to be known of each; that the database is away is a warning."""
    one, other = meeting
    one.record()
    one.exchange()
    other.exchange()
    server.sql("UPDATE informativa.ledger SET newest = 3 WHERE box = 'pbx-2'")
    assert "pbx-1 (this box), pbx-2 (3 records behind)" in typed("status", "--screen", "-c", one.file)[1]
    document = json.loads(typed("status", "--json", "-c", one.file)[1])
    acme = next(controller for controller in document["controllers"] if controller["id"] == "acme")
    assert [box["name"] for box in acme["meeting"]["boxes"]] == ["pbx-1", "pbx-2"]
    server.stop()
    try:
        document = json.loads(typed("status", "--json", "-c", one.file)[1])
        assert not document["complete"]
        assert any(
            "shared database postgres" in warning and "cannot be used" in warning
            for warning in document["warnings"]
        )
        assert [controller["meeting"] for controller in document["controllers"]] == [None, None]
    finally:
        server.start()


def test_the_classic_script_asks_the_other_boxes(meeting: tuple[Installation, Installation]) -> None:
    """With no service running: whom another box told is not played to, by a process for one call."""
    one, other = meeting
    one.exchange()
    other.record()
    other.exchange()
    services = bootstrap.for_script(one.configuration)
    session = ScriptedSession(incoming())
    try:
        with pytest.raises(StopIteration) as over:
            answer(session, services).send(None)
    finally:
        bootstrap.close(services)
    assert (over.value.value.status, over.value.value.reason) == ("NOTDUE", "already-informed")
    with closing(storage.store(one.configuration.controllers["acme"])) as store:
        (record,) = store.records()
        assert record.event.basis == "pbx-2:1"
