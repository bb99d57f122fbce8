"""A ledger that is another program's database, or cannot be written: refused, and nothing is changed."""

from __future__ import annotations

import hashlib
import os
import pwd
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from commands import run
from informativa.ledgers.sqlite import SqliteStore
from informativa.ledgers.write_check import try_writing
from informativa.model.errors import LedgerError
from lab.office import Office, without_privileges

ASTDB = "CREATE TABLE astdb(key VARCHAR(256), value VARCHAR(256), PRIMARY KEY(key))"


def database(file: Path, *statements: str) -> Path:
    """Another program's."""
    file.parent.mkdir(exist_ok=True)
    connection = sqlite3.connect(file, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()
    return file


def state(folder: Path) -> dict[str, str]:
    """Return what lies in a folder: names, modes, contents."""
    contents = {}
    for file in sorted(folder.rglob("*")):
        content = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "folder"
        contents[str(file.relative_to(folder))] = f"{file.stat().st_mode:o} {content}"
    return contents


@pytest.mark.parametrize(
    "statements",
    [
        (ASTDB,),
        (ASTDB, "PRAGMA journal_mode = WAL", "INSERT INTO astdb VALUES ('a', 'b')"),
        ("PRAGMA user_version = 3",),
        ("PRAGMA application_id = 7",),
        ("CREATE TABLE event (id)", "CREATE TABLE standing (id)", "PRAGMA user_version = 3"),
        (ASTDB, "PRAGMA user_version = 6"),
    ],
    ids=["astdb", "wal", "versioned", "marked", "same names", "same version"],
)
@pytest.mark.parametrize("more", [{}, {"create": False}, {"read_only": True}], ids=str)
def test_database_of_another_program_is_refused_unchanged(
    tmp_path: Path, statements: tuple[str, ...], more: dict[str, bool]
) -> None:
    """Not a byte of it changes, not even its journal mode, and nothing appears beside it."""
    file = database(tmp_path / "astdb.sqlite3", *statements)
    before = state(tmp_path)
    with pytest.raises(LedgerError, match=r"astdb\.sqlite3 is a database of another program.*ledger:"):
        SqliteStore(str(file), **more)
    with pytest.raises(LedgerError, match="another program"):
        try_writing(file)
    assert state(tmp_path) == before


def ledger(folder: Path) -> Path:
    """Make a ledger without records."""
    file = folder / "ledger/acme.sqlite3"
    SqliteStore(str(file)).close()
    return file


@pytest.mark.parametrize("version", [0, 2, 21])
@pytest.mark.parametrize("more", [{}, {"create": False}, {"read_only": True}], ids=str)
def test_ledger_of_another_version_is_refused_unchanged(
    tmp_path: Path, version: int, more: dict[str, bool]
) -> None:
    """One sentence names it, and it stays as it is."""
    file = database(ledger(tmp_path), f"PRAGMA user_version = {version}")
    before = state(tmp_path)
    with pytest.raises(LedgerError, match=r"acme\.sqlite3 was written by another version of informativa\."):
        SqliteStore(str(file), **more)
    with pytest.raises(LedgerError, match="another version"):
        try_writing(file)
    assert state(tmp_path) == before


def test_new_ledger_is_marked(tmp_path: Path) -> None:
    """`file` and everybody can see whose it is."""
    SqliteStore(str(tmp_path / "acme.sqlite3")).close()
    assert (tmp_path / "acme.sqlite3").read_bytes()[68:72] == b"info"


def test_where_nothing_may_be_created_nothing_is(tmp_path: Path) -> None:
    """No folder, no file, and no tables in an empty file."""
    with pytest.raises(LedgerError, match="unable to open"):
        SqliteStore(str(tmp_path / "ledger/acme.sqlite3"), create=False)
    assert state(tmp_path) == {}
    (tmp_path / "acme.sqlite3").touch()
    before = state(tmp_path)
    with pytest.raises(LedgerError, match="is empty"):
        SqliteStore(str(tmp_path / "acme.sqlite3"), create=False)
    assert state(tmp_path) == before


def test_trial_writes_and_leaves_nothing(tmp_path: Path) -> None:
    """It goes to the disk, seen by its log, and nothing of it is there afterwards, also beside a service."""
    file = ledger(tmp_path)
    before = state(tmp_path)
    try_writing(file)
    assert state(tmp_path) == before
    service = sqlite3.connect(file)
    service.execute("SELECT count(*) FROM event").fetchone()
    try_writing(file)
    assert (tmp_path / "ledger/acme.sqlite3-wal").stat().st_size > 50_000
    assert service.execute("SELECT count(*) FROM sqlite_master WHERE name = 'trial'").fetchone() == (0,)
    service.close()
    assert state(tmp_path)["ledger/acme.sqlite3"] == before["ledger/acme.sqlite3"]
    try_writing(tmp_path / "ledger/new.sqlite3")
    assert state(tmp_path).keys() == before.keys()


TRY = """
import sys
from pathlib import Path
from informativa.ledgers.write_check import try_writing
try_writing(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("name", ["acme.sqlite3", "new.sqlite3"])
@pytest.mark.parametrize("mode", ["file", "folder"])
def test_trial_fails_where_a_call_would(tmp_path: Path, name: str, mode: str) -> None:
    """A ledger or a folder that is read-only for this user."""
    file = ledger(tmp_path)
    if mode == "folder":
        file.parent.chmod(0o500)
    file.chmod(0o400)
    command = [*without_privileges(), sys.executable, "-c", TRY, file.with_name(name)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    file.parent.chmod(0o700)
    fails = (name, mode) != ("new.sqlite3", "file")
    assert ("LedgerError" in ran.stderr) == fails, ran.stderr


def test_full_disk_fails_the_trial(tmp_path: Path) -> None:
    """A limit on the size of files stands for it."""
    file = ledger(tmp_path)
    limited = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 15, 1 << 15))\n{TRY}"
    )
    ran = subprocess.run([sys.executable, "-c", limited, file], capture_output=True, text=True, check=False)
    assert "LedgerError" in ran.stderr
    assert [one.name for one in file.parent.iterdir()] == ["acme.sqlite3"]


@pytest.mark.usefixtures("own_port")
def test_check_makes_nothing_and_says_what_the_service_will_make(folder: Path) -> None:
    """No ledger, no folder for one, no table in what is there."""
    config = folder / "informativa.yaml"
    before = state(folder / "ledger")
    ran = run("check", "-c", config)
    assert ran.returncode == 0, ran.stderr
    for name in ("acme", "borealis"):
        assert f"{name}.sqlite3 will be made when the service starts, in {folder}/ledger, by " in ran.stdout
    assert state(folder / "ledger") == before == {}


def test_check_names_a_folder_that_is_not_there(folder: Path) -> None:
    """It does not make it: a slip of the pen would be a folder then."""
    (folder / "ledger").rmdir()
    config = folder / "informativa.yaml"
    ran = run("check", "-c", config)
    assert ran.returncode == 1
    make = f"install -d -m 700 -o {pwd.getpwuid(os.geteuid())[0]} {folder}/ledger"
    assert f"there is no folder {folder}/ledger for the ledger; {make}\n" in ran.stderr
    assert not (folder / "ledger").exists()


@pytest.mark.parametrize(
    "command", [["check"], ["purge", "--yes", "--controller=acme"], ["ledger", "show", "--controller=acme"]]
)
def test_commands_leave_another_programs_database_alone(folder: Path, command: list[str]) -> None:
    """Where `ledger:` points to one by mistake, or on purpose in a configuration that root looks at."""
    file = database(folder / "ledger/acme.sqlite3", ASTDB, "INSERT INTO astdb VALUES ('a', 'b')")
    before = state(folder / "ledger")[file.name]
    ran = run(*command, "-c", folder / "informativa.yaml")
    assert "is a database of another program" in ran.stderr
    assert state(folder / "ledger")[file.name] == before


@pytest.mark.slow
def test_empty_file_is_a_ledger_to_come_for_all(tmp_path: Path) -> None:
    """A start that was cut off leaves one, so the service begins in it; all three say that it was empty."""
    office = Office(tmp_path / "etc")
    ledger = office.folder / "ledger/acme.sqlite3"
    ledger.touch(0o600)
    checked = run("check", "-c", office.config)
    words = f"The ledger {ledger} is empty: nothing was recorded yet, or what was recorded is gone"
    assert (checked.returncode, f"warning: {words}; If there was one" in checked.stderr) == (0, True)
    looked = run("doctor", "-c", office.config).stdout
    assert f"! ledgers: {words}" in looked
    assert ledger.stat().st_size == 0
    office.start()
    office.stop()
    assert f"{ledger} was empty, and a new ledger is begun in it" in office.log_text
    office.start()
    office.stop()
    assert office.log_text.count("was empty") == 1
    assert office.records() == []


@pytest.mark.parametrize("read_only", [False, True])
def test_i3_log_beside_an_emptied_ledger_is_left_alone(tmp_path: Path, read_only: bool) -> None:
    """I3: SQLite would delete it, with records that were acknowledged, whoever opens the ledger how."""
    file = tmp_path / "acme.sqlite3"
    file.touch()
    (tmp_path / "acme.sqlite3-wal").write_bytes(b"records")
    before = state(tmp_path)
    with pytest.raises(LedgerError, match=r"was emptied, and what lies beside it \(-wal\) was not"):
        SqliteStore(str(file), read_only=read_only)
    assert state(tmp_path) == before


def test_what_is_no_ledger_is_refused_with_a_remedy(tmp_path: Path) -> None:
    """A link, beside which SQLite has no log, a pipe, whose writer it would wait for, and a folder. A link to
    its folder is none."""
    file = tmp_path / "acme.sqlite3"
    remedy = f"Type: mv {file} {file}.aside, or name a file as `ledger`."
    file.mkdir()
    assert refusal(file) == f"The ledger {file} is a folder. {remedy}"
    file.rmdir()
    os.mkfifo(file)
    assert refusal(file) == f"The ledger {file} is not a regular file. {remedy}"
    file.unlink()
    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    file.symlink_to(tmp_path / "real/acme.sqlite3")
    SqliteStore(str(tmp_path / "linked/acme.sqlite3")).close()
    assert refusal(file) == (
        f"The ledger {file} is a symbolic link. Name the file itself as `ledger` in the configuration:"
        f" {tmp_path}/real/acme.sqlite3"
    )


def refusal(file: Path) -> str:
    """Return why a file cannot be opened as a ledger."""
    with pytest.raises(LedgerError) as caught:
        SqliteStore(str(file))
    return str(caught.value)


def test_service_says_of_a_folder_that_it_is_one(tmp_path: Path) -> None:
    """In place of one company's ledger; it serves all the same, and leaves the folder alone."""
    office = Office(tmp_path / "etc")
    ledger = office.folder / "ledger/acme.sqlite3"
    ledger.mkdir()
    office.start()
    office.wait_logged("ledger cannot be used")
    office.stop()
    assert (
        f"The ledger {ledger} is a folder. Type: mv {ledger} {ledger}.aside, or name a file"
        in office.log_text
    )
    assert list(ledger.iterdir()) == []


def test_service_leaves_another_programs_database_alone(tmp_path: Path) -> None:
    """It says so, and plays to that company's callers."""
    office = Office(tmp_path / "etc")
    file = database(office.folder / "ledger/acme.sqlite3", ASTDB)
    before = state(office.folder / "ledger")[file.name]
    office.start()
    office.wait_logged("ledger cannot be used")
    office.stop()
    assert "is a database of another program" in office.log_text
    assert state(office.folder / "ledger")[file.name] == before
