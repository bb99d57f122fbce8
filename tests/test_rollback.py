"""`informativa rollback`: what would change is shown first; a refusal changes nothing; a cut does no harm."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from commands import refused, typed
from informativa.config import load
from informativa.model.errors import InformativaError, LedgerError
from informativa.operations import dialplan_install, earlier_version, rollback, systemd_unit
from informativa.operations.earlier_version import EarlierVersion
from informativa.operations.rollback_plan import Places, Rollback
from informativa.process import storage
from lab.setup import VENV
from old_ledgers import NEWEST, form, old, rows

OF_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="root alone may do it")

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
TEMPLATES = "informativa/operations/templates"
SYSTEMCTL = """\
#!/bin/sh
echo "systemctl $*" >>{log}
[ "$1" != is-active ] || [ "$2" = informativa ]
"""
PYTHON = """\
#!/bin/sh
echo "install $*" >>{log}
[ ! -e {broken} ] || {{ echo "no room"; exit 1; }}
"""


def wheel(folder: Path, version: str = "0.1.9", schema: int = 16) -> Path:
    """A wheel that says that it is of another version, knows migrations up to that one, and writes another
    unit and another dialplan."""
    (own,) = (VENV / "dist").glob("informativa-*.whl")
    made = folder / f"informativa-{version}-py3-none-any.whl"
    with zipfile.ZipFile(own) as source, zipfile.ZipFile(made, "w") as target:
        for name in source.namelist():
            migration = re.fullmatch(r"informativa/ledgers/migrations/(\d{4})_.*", name)
            if (migration and int(migration[1]) > schema) or name.startswith("informativa/data/prompts/"):
                continue
            data = source.read(name)
            if name == "informativa/__init__.py":
                data = data.replace(b'__version__ = "0.2.0"', f'__version__ = "{version}"'.encode())
            if name in ("informativa/data/dialplan/informativa.conf", f"{TEMPLATES}/informativa.service"):
                data = data.replace(b"\n", b"\n; of an earlier version\n", 1)
            target.writestr(name, data)
    return made


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of an earlier version."""
    return wheel(tmp_path_factory.mktemp("earlier"))


@pytest.fixture(scope="module", autouse=True)
def _earlier_version_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have each package unpacked once, which has seven hundred files, and asked once for the same about the
    same configuration, wherever that lies: each answer takes a start of Python."""
    unpack, ask = earlier_version._unpack, EarlierVersion.ask
    trees, answers = dict[Path, Path](), dict[tuple[object, ...], str]()

    def link(file: Path, kind: earlier_version.PackageKind, folder: Path) -> None:
        if file not in trees:
            tree = tmp_path_factory.mktemp("unpacked")
            unpack(file, kind, tree)
            trees[file] = tree
        (folder / "informativa").symlink_to(trees[file] / "informativa")

    def remember(version: EarlierVersion, *words: str | Path) -> str:
        *command, config = words
        folder = Path(config).parent
        keys = sorted(file.name for file in (folder / "keys").iterdir())
        question = (version.file, *command, Path(config).read_bytes(), *keys)
        if question not in answers:
            answers[question] = ask(version, *words).replace(str(folder), "<folder>")
        return answers[question].replace("<folder>", str(folder))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(earlier_version, "_unpack", link)
        patch.setattr(EarlierVersion, "ask", remember)
        yield


class Machine:
    """A machine with an installation of the newest version, after an upgrade from schema 16. Its systemctl
    and its environment's Python are scripts that say in `log` how they are called."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.config, self.root = folder / "informativa.yaml", folder.parent
        self.places = Places(
            *(self.root / name for name in ("asterisk", "units", "steps", "venv", "systemd"))
        )
        self.log, self.broken = self.root / "log", self.root / "broken"
        for place in (self.places.asterisk, self.places.units, self.places.systemd, self.root / "bin"):
            place.mkdir()
        (self.places.prefix / "bin").mkdir(parents=True)
        (self.places.prefix / "pyvenv.cfg").touch()
        for file, text in (
            (self.root / "bin/systemctl", SYSTEMCTL),
            (self.places.prefix / "bin/python", PYTHON),
        ):
            file.write_text(text.format(log=self.log, broken=self.broken))
            file.chmod(0o755)
        (self.places.asterisk / "extensions.conf").write_text("[from-trunk]\n")
        dialplan_install.install(self.config, self.places.asterisk)
        systemd_unit.generate(self.config, self.places.units / "informativa.service")
        self.ledger = old(folder / "ledger/acme.sqlite3", 16)
        storage.migrate(load(self.config).controllers["acme"])
        monkeypatch.setenv("PATH", f"{self.root / 'bin'}:/usr/bin:/bin")
        monkeypatch.setattr("os.geteuid", lambda: 0)

    def rollback(self, file: Path, *, really: bool = True) -> Rollback:
        """Go back to a version, up to the last steps."""
        return rollback.rollback(file, self.config, self.places, NOW, really=really)

    def finish(self) -> None:
        """Do the last steps."""
        rollback.finish(self.places, "0.1.9")

    def commands(self) -> list[str]:
        """Return how systemctl and Python were called, but for questions."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if "is-active" not in line]

    def snapshot(self) -> dict[Path, bytes]:
        """All that is there but the log and files that SQLite keeps while it reads."""
        files = [file for file in self.root.rglob("*") if file.is_file() and file != self.log]
        return {file: file.read_bytes() for file in files if not file.name.endswith(("-wal", "-shm", ".whl"))}


@pytest.fixture
def machine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Such a machine."""
    return Machine(folder, monkeypatch)


STOP, START = "systemctl stop informativa", "systemctl start informativa"


@OF_ROOT
def test_rollback_goes_back_in_all_parts(machine: Machine, earlier: Path) -> None:
    """What runs is stopped first and started last; ledger, unit and dialplan are those of the earlier
    version, records stay, and nothing of the steps is left."""
    records = rows(machine.ledger)
    result = machine.rollback(earlier)
    assert machine.commands() == [STOP]
    assert (result.done, result.version, result.earlier, result.stopped) == (
        True,
        "0.2.0",
        "0.1.9",
        ("informativa",),
    )
    assert [(ledger.schema, ledger.target, ledger.records) for ledger in result.ledgers] == [(21, 16, 4)]
    unit, dialplan = (
        machine.places.units / "informativa.service",
        machine.places.asterisk / "informativa.conf",
    )
    assert result.written == (unit, dialplan)
    for file in (unit, dialplan):
        assert "; of an earlier version\n" in file.read_text()
    machine.finish()
    pip = f"install -m pip install --quiet {{}}{earlier}"
    assert machine.commands() == [
        STOP,
        pip.format("--no-deps --force-reinstall "),
        pip.format(""),
        "systemctl daemon-reload",
        START,
    ]
    assert form(machine.ledger) == 16
    assert rows(machine.ledger) == records
    assert not machine.places.steps.exists()


def test_preview_changes_nothing_and_shows_all(machine: Machine, earlier: Path) -> None:
    """As text and as JSON; the ledger, the files, the commands."""
    before = machine.snapshot()
    words = (
        *("rollback", earlier, "-c", machine.config, "--asterisk", machine.places.asterisk),
        *("--units", machine.places.units, "--steps", machine.places.steps),
    )
    code, out, _ = typed(*words)
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "informativa 0.1.9 would take the place of 0.2.0:"
    assert f"{machine.ledger}: from schema 21 to 16, with all 4 records, and a copy beside it" in lines
    assert f"write as that version has it: {machine.places.asterisk / 'informativa.conf'}" in lines
    assert lines[-1] == "Nothing was changed. With --yes it is done."
    facts = json.loads(typed(*words, "--json")[1])
    assert (facts["done"], facts["earlier"], facts["ledgers"][0]["target"]) == (False, "0.1.9", 16)
    assert machine.snapshot() == before
    assert machine.commands() == []


@pytest.mark.sample(1)
@OF_ROOT
@pytest.mark.parametrize("cut", ["stop", "ledgers", "files"])
def test_rollback_killed_anywhere_is_done_by_the_same_command(
    machine: Machine, earlier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    """A process that is killed cleans nothing up; the second time what was stopped is still started."""
    places = {
        "stop": (rollback, "_systemctl"),
        "ledgers": (storage, "reverse_migrations"),
        "files": (rollback, "_replace"),
    }
    with monkeypatch.context() as killing:
        for place, name in list(places.values())[list(places).index(cut) + 1 :]:
            killing.setattr(place, name, _kill)
        killing.setattr(*places[cut], _kill)
        killing.setattr(shutil, "rmtree", _kill)
        killing.setattr(tempfile, "tempdir", str(tmp_path))
        killing.setattr(rollback, "_systemctl", _kill if cut == "stop" else _stop_only(rollback._systemctl))
        with pytest.raises(Killed):
            machine.rollback(earlier)
    (machine.root / "bin/systemctl").write_text(
        f'#!/bin/sh\necho "systemctl $*" >>{machine.log}\n[ "$1" != is-active ]\n'
    )
    assert machine.rollback(earlier).stopped == ("informativa",)
    machine.finish()
    assert machine.commands()[-1] == START
    assert form(machine.ledger) == 16
    assert "; of an earlier version\n" in (machine.places.asterisk / "informativa.conf").read_text()


class Killed(BaseException):
    """The process was killed."""


def _kill(*_arguments: object, **_options: object) -> None:
    raise Killed


def _stop_only(systemctl: Callable[..., None]) -> Callable[..., None]:
    return lambda verb, units: systemctl(verb, units) if verb == "stop" else _kill()


@OF_ROOT
def test_failed_step_leaves_the_present_version_running(machine: Machine, earlier: Path) -> None:
    """What was stopped is started again, and the script of the last steps is gone."""
    with pytest.MonkeyPatch.context() as failing:
        failing.setattr(storage, "reverse_migrations", _refuse)
        with pytest.raises(LedgerError):
            machine.rollback(earlier)
    assert machine.commands() == [STOP, START]
    assert not machine.places.steps.exists()
    assert form(machine.ledger) == NEWEST


def _refuse(*_arguments: object) -> None:
    raise LedgerError("no")


@pytest.mark.night
@OF_ROOT
def test_installation_that_fails_says_what_to_type(machine: Machine, earlier: Path) -> None:
    """The script of the last steps stays, and does the rest when it is typed again."""
    machine.broken.touch()
    machine.rollback(earlier)
    with pytest.raises(InformativaError, match=r"could not be installed \(no room\)") as failure:
        machine.finish()
    assert f"sh {machine.places.steps / 'finish.sh'}" in str(failure.value)
    assert START not in machine.commands()
    machine.broken.unlink()
    machine.finish()
    assert machine.commands()[-1] == START


def test_rollback_twice_is_refused_by_what_is_installed(machine: Machine, tmp_path: Path) -> None:
    """The version that is installed, and a newer one, are no earlier ones."""
    with pytest.raises(InformativaError, match="is the version that is installed"):
        machine.rollback(wheel(tmp_path, "0.2.0", NEWEST))
    with pytest.raises(InformativaError, match="is newer than this informativa"):
        machine.rollback(wheel(tmp_path, "0.10.0", NEWEST))
    assert machine.commands() == []


def test_ledger_that_cannot_go_back_keeps_all_as_it_is(machine: Machine, tmp_path: Path) -> None:
    """The first release cannot read a log with notes: the sentence says to stay, and the service runs on."""
    made, before = wheel(tmp_path, schema=12), machine.snapshot()
    with pytest.raises(
        LedgerError, match=r"which could not keep . notes? in the log. Nothing was changed"
    ) as no:
        machine.rollback(made)
    assert str(no.value.remedy).startswith(
        "Stay with this version; or, to give up what was recorded since the"
    )
    assert "put the configuration's folder back whole, with ledgers, logs and keys" in str(no.value.remedy)
    assert machine.snapshot() == before
    assert machine.commands() == []


@OF_ROOT
def test_i10_damaged_ledger_of_one_company_stays(machine: Machine, earlier: Path) -> None:
    """It is of no use to either version: the other ledger goes back, and the company is named."""
    damaged = machine.config.parent / "ledger/borealis.sqlite3"
    damaged.write_bytes(b"no database" * 1000)
    done = machine.rollback(earlier)
    assert [(ledger.controller, ledger.target) for ledger in done.ledgers] == [("acme", 16)]
    (warning,) = map(str, done.warnings)
    assert warning.startswith(f"the ledger of borealis stays as it is: The ledger {damaged} cannot be used (")
    assert damaged.read_bytes() == b"no database" * 1000


@OF_ROOT
def test_i10_mistake_of_one_company_stops_no_rollback(machine: Machine, earlier: Path) -> None:
    """Where the earlier version goes on with the others, too, all ledgers go back, and it is named."""
    (machine.config.parent / "keys/borealis.key").unlink()
    done = machine.rollback(earlier)
    assert [(ledger.controller, ledger.target) for ledger in done.ledgers] == [("acme", 16)]
    (warning,) = map(str, done.warnings)
    assert warning.startswith("borealis is left out until this is mended; then type the same again: ")


@pytest.mark.night
def test_configuration_that_the_earlier_version_cannot_load_is_told(machine: Machine, tmp_path: Path) -> None:
    """In its own words, before anything is stopped."""
    made = tmp_path / "other.whl"
    with zipfile.ZipFile(wheel(tmp_path)) as source, zipfile.ZipFile(made, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "informativa/operations/systemd_unit.py":
                data = data.replace(
                    b"configuration = load_usable(file, keep=True)\n",
                    b"from ..model.errors import InformativaError as E; raise E(Text('unknown: hook'))\n",
                    1,
                )
            target.writestr(name, data)
    with pytest.raises(InformativaError, match=r"0.1.9 cannot go on with this configuration: unknown: hook"):
        machine.rollback(made)
    assert machine.commands() == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.whl", None, "There is no file"),
        ("notes.txt", b"", "neither a Debian package nor a wheel nor a pex"),
        ("informativa_0.1.9_amd64.deb", b"", "cannot take the place of the informativa in"),
        ("empty.whl", b"", "is no package of informativa that can be read"),
        ("other.pex", b"PK\x05\x06" + bytes(18), "is no package of informativa that can be read"),
    ],
)
def test_file_that_brings_no_earlier_version_is_refused(
    machine: Machine, tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    """With what it is, and what to name instead."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert message in refused("rollback", tmp_path / name, "-c", machine.config)
    assert machine.commands() == []


@OF_ROOT
@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="no Debian")
def test_debian_package_says_what_it_brings(earlier: Path, tmp_path: Path) -> None:
    """Version and schema are read from the program within it; it is installed by dpkg."""
    tree, made = tmp_path / "tree", tmp_path / "informativa_0.1.9_amd64.deb"
    with zipfile.ZipFile(earlier) as archive:
        archive.extractall(tree / "usr/lib/informativa/lib/any")
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN/control").write_text(
        "Package: informativa\nVersion: 0.1.9\nArchitecture: amd64\nMaintainer: x\nDescription: x\n"
    )
    subprocess.run(["dpkg-deb", "-Znone", "--root-owner-group", "--build", tree, made], check=True)
    with earlier_version.open_package(made, earlier_version.OF_PACKAGE) as version:
        assert (version.version, version.schema) == ("0.1.9", 16)
        assert version.install_commands(earlier_version.OF_PACKAGE) == (
            f"DEBIAN_FRONTEND=noninteractive dpkg --install {made}",
        )


def test_program_of_the_debian_package_goes_back_by_one_alone(machine: Machine, earlier: Path) -> None:
    """A wheel would leave the package's own files in its place."""
    machine.places = replace(machine.places, prefix=Path("/usr/lib/informativa"))
    with pytest.raises(InformativaError, match="was installed by its Debian package"):
        machine.rollback(earlier)


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone gives folders away")
def test_last_steps_lie_where_root_alone_writes(machine: Machine, earlier: Path) -> None:
    """Root runs the script, also later, when somebody types it again: its folder is nobody else's."""
    machine.places.steps.mkdir()
    os.chown(machine.places.steps, 54321, 54321)
    before = machine.snapshot()
    with pytest.raises(InformativaError, match=r"Another user than root may exchange what is in .*steps"):
        machine.rollback(earlier)
    assert (machine.snapshot(), machine.commands()) == (before, [])


@pytest.mark.night
def test_only_root_goes_back(machine: Machine, earlier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others may look, and are told before anything is stopped."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert machine.rollback(earlier, really=False).done is False
    with pytest.raises(InformativaError, match="Be root"):
        machine.rollback(earlier)
    assert machine.commands() == []
