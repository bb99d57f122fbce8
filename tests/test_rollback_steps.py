"""The plan and the steps of a rollback, with an earlier version that says what the test has it say."""

from __future__ import annotations

import errno
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from informativa.config import load
from informativa.config.parsed_cache import cache_file
from informativa.ledgers.reversing import EarlierSchema
from informativa.model import Action
from informativa.model.errors import InformativaError, LedgerError
from informativa.operations import (
    access_log,
    dialplan_install,
    earlier_version,
    rollback,
    rollback_plan,
    systemd_unit,
)
from informativa.operations.earlier_version import EarlierVersion, PackageKind, UnknownWordsError
from informativa.operations.rollback_plan import Places, Replacement, ReversedLedger, RollbackPlan
from informativa.process import storage
from old_ledgers import NEWEST, form, old

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
EARLIER = "; of an earlier version\n"


@dataclass(frozen=True)
class Scripted(EarlierVersion):
    """An earlier version that prints what stands in `texts`, by its words but the configuration's."""

    texts: Mapping[str, str] = field(default_factory=dict)

    def ask(self, *words: str | Path) -> str:
        """Return the text of these words; no words but those of a test are known."""
        assert words[-2:] == ("-c", self.folder / "etc/informativa.yaml")
        text = self.texts.get(" ".join(map(str, words[:-2])))
        if text is None:
            raise UnknownWordsError("no such words")
        return text


def sentences_of(error: InformativaError) -> tuple[str, str]:
    """Return the message and the remedy."""
    return str(error.message), str(error.remedy)


class Machine:
    """A machine with Asterisk's folder, one for units, and a systemctl that notes how it was called. What is
    in `running` runs; the verb in `broken` fails."""

    def __init__(self, folder: Path) -> None:
        self.config, self.root = folder / "informativa.yaml", folder.parent
        self.places = Places(
            *(self.root / name for name in ("asterisk", "units", "steps", "venv", "systemd"))
        )
        for place in (self.places.asterisk, self.places.units, self.places.systemd, self.root / "bin"):
            place.mkdir()
        self.log, self.running, self.broken = (self.root / name for name in ("log", "running", "broken"))
        for file in (self.log, self.running, self.broken):
            file.touch()
        program = self.root / "bin/systemctl"
        program.write_text(
            f'#!/bin/sh\n[ "$1" = is-active ] && exec grep -qxF "$2" {self.running}\n'
            f'echo "$*" >>{self.log}\ngrep -qxF "$1" {self.broken} || exit 0\necho "no, $1" >&2\nexit 1\n'
        )
        program.chmod(0o755)
        (self.places.asterisk / "extensions.conf").write_text("[from-trunk]\n")

    def earlier(self, version: str = "0.1.9", schema: int = 16, **texts: str) -> Scripted:
        """Build an earlier version that prints a unit and these texts besides."""
        file, kind = self.root / "informativa.whl", PackageKind.WHEEL
        return Scripted(file, kind, version, schema, self.root, {"systemd": EARLIER} | texts)

    def plan(self, earlier: EarlierVersion, running: tuple[str, ...] = ()) -> RollbackPlan:
        """Plan the way back to a version."""
        return rollback_plan.make(self.config, earlier, self.places, running)


@pytest.fixture
def machine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Such a machine, with nothing installed."""
    machine = Machine(folder)
    monkeypatch.setenv("PATH", f"{machine.root / 'bin'}:/usr/bin:/bin")
    return machine


@pytest.mark.parametrize(
    ("version", "schema", "message"),
    [
        ("0.2.0", NEWEST, "is the version that is installed."),
        ("0.2.1", NEWEST, "is newer than this informativa."),
        ("0.10", 16, "is newer than this informativa."),
        ("0.1.9", NEWEST + 1, "is newer than this informativa."),
        ("0.2.0", NEWEST - 1, None),
        ("0.1.10", NEWEST, None),
        ("0.1.9.post2", 16, None),
    ],
)
def test_only_an_earlier_version_is_gone_back_to(
    machine: Machine, version: str, schema: int, message: str | None
) -> None:
    """By its number, part by part, and by its schema, which may differ under one number."""
    remedies = {
        "is the version that is installed.": "Name the file of the version before it.",
        "is newer than this informativa.": (
            "To upgrade, install it; its `informativa upgrade-check` says what would happen."
        ),
    }
    earlier = machine.earlier(version, schema)
    if message is None:
        assert machine.plan(earlier).earlier is earlier
        return
    with pytest.raises(InformativaError) as caught:
        machine.plan(earlier)
    assert sentences_of(caught.value) == (f"{earlier.file} {message}", remedies[message])


def test_plan_names_what_the_earlier_version_writes_otherwise(machine: Machine) -> None:
    """Of units those that exist as this version wrote them, and of which the earlier one writes another text;
    then the dialplan. What an admin changed is his, and what is the same stays."""
    configuration = load(machine.config)
    texts = {}
    for unit, option, text in (
        (systemd_unit.SERVICE, "", EARLIER),
        (systemd_unit.CONSOLE, " --web", None),
        (systemd_unit.SIGNER, " --evidence", "signer\n"),
        (systemd_unit.BACKUP_TIMER, " --timer", "timer\n"),
    ):
        present = systemd_unit.render(configuration, unit)
        (machine.places.units / systemd_unit.file_name(unit)).write_text(present)
        texts[f"systemd{option}"] = text or present
    signer = machine.places.units / "informativa-evidence.service"
    signer.write_bytes(b"# m\xefne\n" + signer.read_bytes())
    dialplan = machine.places.asterisk / "informativa.conf"
    dialplan_install.install(machine.config, machine.places.asterisk)
    earlier = machine.earlier(**texts, dialplan="; another dialplan\n")
    service, timer = (
        machine.places.units / name for name in ("informativa.service", "informativa-backup.timer")
    )
    made = machine.plan(earlier)
    assert made.replacements == (
        Replacement(service, EARLIER, is_dialplan=False),
        Replacement(timer, "timer\n", is_dialplan=False),
        Replacement(dialplan, "; another dialplan\n", is_dialplan=True),
    )
    package = machine.plan(replace(earlier, kind=PackageKind.DEBIAN))
    assert package.replacements == made.replacements[2:]
    same = machine.plan(machine.earlier(**texts | {"dialplan": dialplan.read_text()}))
    assert same.replacements == made.replacements[:2]


def test_units_that_the_earlier_version_does_not_have_are_to_be_taken_away(machine: Machine) -> None:
    """Both are named at once, with the commands; an option that it does not know is no mistake of the
    configuration."""
    configuration = load(machine.config)
    files = []
    for unit in (systemd_unit.REPORT, systemd_unit.REPORT_TIMER):
        files.append(machine.places.units / systemd_unit.file_name(unit))
        files[-1].write_text(systemd_unit.render(configuration, unit))
    with pytest.raises(InformativaError) as caught:
        machine.plan(machine.earlier())
    service, timer = files
    assert sentences_of(caught.value) == (
        f"informativa 0.1.9 does not have what these units run: {service} {timer}.",
        f"Type: systemctl disable --now {service.name} {timer.name}; rm {service} {timer};"
        " systemctl daemon-reload. Then type the same again.",
    )


def test_words_that_a_version_does_not_know_are_told_apart(machine: Machine) -> None:
    """The program ends with 2 for an option that it does not have, and with 1 for a wrong configuration."""
    package = machine.root / "informativa/cli"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "main.py").write_text("import sys\ndef main(): return 2 if '--report' in sys.argv else 1\n")
    version = EarlierVersion(machine.root / "x.whl", PackageKind.WHEEL, "0.1.9", 16, machine.root)
    for words, kind in ((["--report"], UnknownWordsError), ([], InformativaError)):
        with pytest.raises(InformativaError) as caught:
            version.ask("systemd", *words, "-c", machine.config)
        assert type(caught.value) is kind


def test_machine_without_asterisk_has_no_dialplan_to_write(machine: Machine) -> None:
    """Its folder is none of Asterisk's, and nothing is asked of it."""
    (machine.places.asterisk / "extensions.conf").unlink()
    assert machine.plan(machine.earlier()).replacements == ()


def test_result_says_all_of_the_plan(machine: Machine) -> None:
    """The ledgers that go back, and no other: one that is not there, and one that the earlier version knows,
    are not named."""
    acme = machine.config.parent / "ledger/acme.sqlite3"
    old(acme, NEWEST - 1)
    storage.migrate(load(machine.config).controllers["acme"])
    assert machine.plan(machine.earlier("0.1.9", NEWEST)).ledgers == ()
    made = machine.plan(machine.earlier(), ("informativa",))
    for done in (False, True):
        result = made.result(done=done)
        assert (result.done, result.file, result.version, result.earlier) == (
            done,
            machine.root / "informativa.whl",
            "0.2.0",
            "0.1.9",
        )
        assert result.ledgers == made.ledgers
        assert [(one.controller, one.ledger.name, one.schema, one.target) for one in made.ledgers] == [
            ("acme", "acme.sqlite3", NEWEST, 16)
        ]
        assert (result.written, result.stopped, result.warnings) == ((), ("informativa",), ())
        python = f"{machine.places.prefix}/bin/python -m pip install --quiet"
        assert result.commands == (
            f"{python} --no-deps --force-reinstall {machine.root}/informativa.whl",
            f"{python} {machine.root}/informativa.whl",
        )


def test_i10_damaged_ledger_is_named_and_holds_no_other(machine: Machine) -> None:
    """The first company's is of no use to either version, and the second one's goes back with its records; so
    it does where the first has none, and where it goes back itself."""
    folder = machine.config.parent / "ledger"
    acme, borealis = folder / "acme.sqlite3", old(folder / "borealis.sqlite3", 16)
    controllers = load(machine.config).controllers
    storage.migrate(controllers["borealis"])
    reversed_ledger = ReversedLedger("borealis", borealis, NEWEST, 16, 4)
    acme.write_bytes(b"no database" * 1000)
    made = machine.plan(machine.earlier())
    with pytest.raises(LedgerError) as caught:
        storage.plan_reversal(controllers["acme"], EarlierSchema("0.1.9", 16))
    warning = f"the ledger of acme stays as it is: {caught.value}"
    assert (made.ledgers, [str(text) for text in made.warnings]) == ((reversed_ledger,), [warning])
    assert made.result(done=True).warnings == made.warnings
    acme.unlink()
    made = machine.plan(machine.earlier())
    assert (made.ledgers, made.warnings) == ((reversed_ledger,), ())


def test_access_log_that_the_earlier_version_cannot_show_is_named(machine: Machine) -> None:
    """By the words that it does not know; where it knows all, or nobody can tell, nothing is said."""
    acme, now = load(machine.config).controllers["acme"], datetime(2026, 11, 26, tzinfo=UTC)
    for action in (Action.LOGIN, Action.EXPORT_ASKED, Action.HOOK):
        access_log.note(acme, "anna", action, now)
    words = machine.root / "informativa/model/words.py"
    words.parent.mkdir(parents=True)
    head = 'class Other(StrEnum):\n    HOOK = "hook"\n\n\nclass Action(StrEnum):\n    """Words."""\n\n'
    login, rest = '    LOGIN = "login"  # came in\n', '    HOOK = "hook"\n    ASKED = "export-asked"\n'
    assert machine.plan(machine.earlier()).warnings == ()
    words.write_text(f"{head}{login}\n\nclass Last(StrEnum):\n{rest}")
    assert [str(text) for text in machine.plan(machine.earlier()).warnings] == [
        "informativa 0.1.9 cannot show the access log of acme, for it has entries with the words"
        " export-asked, hook; nothing of it is lost, and an upgrade shows it again"
    ]
    words.write_text(f"{head}{login}{rest}")
    assert machine.plan(machine.earlier()).warnings == ()


def test_scripts_start_as_fast_as_before(machine: Machine) -> None:
    """The earlier version has parsed the configuration its way; this one goes on until the program is
    replaced."""
    cache = cache_file(machine.config)
    cache.unlink(missing_ok=True)
    machine.plan(machine.earlier())
    assert cache.exists()


def test_last_steps_are_a_script_that_a_shell_may_run_again(machine: Machine) -> None:
    """Asterisk reads its dialplan, the program is installed, the units start, and the script goes; it is
    root's alone, and names the units."""
    machine.places = replace(machine.places, steps=machine.root / "last steps")
    made = machine.plan(machine.earlier(), ("informativa", "informativa-web"))
    folder = rollback._write_last_steps(made)
    quoted = shlex.quote(str(folder))
    assert folder == machine.places.steps
    assert (folder.stat().st_mode & 0o777, sorted(file.name for file in folder.iterdir())) == (
        0o700,
        ["finish.sh", "units"],
    )
    assert (folder / "units").read_text() == "informativa\ninformativa-web\n"
    assert (folder / "finish.sh").read_text() == "\n".join(
        [
            "#!/bin/sh",
            "# The last steps of `informativa rollback`, which replace the program itself.",
            f"# Where they were cut off: sh {folder}/finish.sh",
            "set -e",
            "cd /",
            "if command -v asterisk >/dev/null; then asterisk -rx 'dialplan reload' >/dev/null || true; fi",
            *made.commands,
            f"if [ -d {machine.places.systemd} ]; then",
            "    systemctl daemon-reload",
            f"    xargs -r systemctl start <'{folder}/units'",
            "fi",
            f"rm -r {quoted}",
            "",
        ]
    )


def test_last_steps_that_find_no_room_stop_nothing(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said before anything is stopped."""

    def full(*_given: object, **_more: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(rollback, "write_file", full)
    with pytest.raises(InformativaError) as caught:
        rollback._run(machine.plan(machine.earlier(), ("informativa",)), NOW)
    assert sentences_of(caught.value) == (
        f"{machine.places.steps}/finish.sh cannot be written (No space left on device).",
        "Make room there, then type the same again.",
    )
    assert machine.log.read_text() == ""


@pytest.mark.parametrize("broken", ["", "start"])
def test_step_that_fails_starts_what_was_stopped(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """The first error is told, also where the units do not start again; the last steps are gone."""

    def refuse(*given: object) -> None:
        asked.append(given)
        raise LedgerError("no")

    asked: list[tuple[object, ...]] = []
    machine.broken.write_text(f"{broken}\n")
    monkeypatch.setattr(storage, "reverse_migrations", refuse)
    made = machine.plan(machine.earlier(), ("informativa", "informativa-web"))
    ledger = ReversedLedger("acme", Path("acme.sqlite3"), 20, 16, 3)
    with pytest.raises(LedgerError, match="no"):
        rollback._run(replace(made, ledgers=(ledger,)), NOW)
    assert machine.log.read_text() == "stop informativa informativa-web\nstart informativa informativa-web\n"
    assert asked == [(made.configuration.controllers["acme"], EarlierSchema("0.1.9", 16), NOW)]
    assert not machine.places.steps.exists()


def test_unit_that_cannot_be_stopped_stops_the_rollback(machine: Machine) -> None:
    """With systemctl's own words; files stay as they are. Without a unit systemctl is not called."""
    machine.broken.write_text("stop\n")
    made = machine.plan(machine.earlier(), ("informativa",))
    unit = machine.places.units / "informativa.service"
    made = replace(made, replacements=(Replacement(unit, EARLIER, is_dialplan=False),))
    with pytest.raises(InformativaError) as caught:
        rollback._run(made, NOW)
    assert sentences_of(caught.value) == (
        "systemctl stop informativa failed: no, stop",
        "Mend that, then type the same again.",
    )
    assert not unit.exists()
    machine.log.write_text("")
    rollback._run(replace(made, running=()), NOW)
    assert (machine.log.read_text(), unit.read_text()) == ("", EARLIER)


def test_installation_that_fails_is_told_with_its_last_words(machine: Machine) -> None:
    """Forty of them, and both ways on: the script once more, or the present version."""
    machine.places.steps.mkdir()
    script = machine.places.steps / "finish.sh"
    script.write_text("seq 50 | xargs; echo 'no room' >&2; exit 3\n")
    with pytest.raises(InformativaError) as caught:
        rollback.finish(machine.places, "0.1.9")
    words = " ".join([*map(str, range(13, 51)), "no room"])
    assert sentences_of(caught.value) == (
        f"informativa 0.1.9 could not be installed ({words}). Ledgers, units and dialplan are as it wants"
        " them.",
        f"Mend that, and type: sh {script}. Or go on with this version: systemctl start informativa",
    )
    script.write_text("exit 0\n")
    rollback.finish(machine.places, "0.1.9")


def test_what_runs_and_what_was_stopped_before_is_stopped(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the timers, whose services would use the ledgers meanwhile; where systemd does not run nothing is
    asked for."""

    @contextmanager
    def opened(file: Path, prefix: Path) -> Iterator[EarlierVersion]:
        assert (file, prefix) == (machine.root / "informativa.whl", machine.places.prefix)
        yield machine.earlier()

    def stopped() -> tuple[str, ...]:
        file = machine.root / "informativa.whl"
        done = rollback.rollback(file, machine.config, machine.places, NOW, really=False)
        assert not done.done
        return done.stopped

    monkeypatch.setattr(earlier_version, "open_package", opened)
    units = ("informativa", "informativa-web", "informativa-evidence", "informativa-backup.timer")
    units += ("informativa-report.timer", "informativa-monitor", "informativa-witness")
    machine.running.write_text("".join(f"{unit}\n" for unit in (*units, "postgresql")))
    assert stopped() == units
    machine.places.steps.mkdir()
    (machine.places.steps / "units").write_text("informativa-web\ninformativa-old\n")
    machine.running.write_text("informativa\ninformativa-web\n")
    assert stopped() == ("informativa-web", "informativa-old", "informativa")
    machine.places.systemd.rmdir()
    assert stopped() == ("informativa-web", "informativa-old")


def test_rights_are_asked_for_first(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not root may only look, and nobody else's folder has what root runs."""
    arguments = machine.root / "none.whl", machine.config, machine.places, NOW
    with monkeypatch.context() as patched:
        patched.setattr(os, "geteuid", lambda: 1000)
        with pytest.raises(InformativaError) as caught:
            rollback.rollback(*arguments, really=True)
        assert sentences_of(caught.value) == (
            "A rollback stops services and installs a program.",
            "Be root, or type `sudo` before it.",
        )
        with pytest.raises(InformativaError, match="There is no file"):
            rollback.rollback(*arguments, really=False)
    machine.places.steps.mkdir()
    machine.places.steps.chmod(0o777)
    with pytest.raises(InformativaError) as caught:
        rollback.rollback(*arguments, really=False)
    assert sentences_of(caught.value) == (
        f"Another user than root may exchange what is in {machine.places.steps}.",
        "Name a folder in one of root's: --steps /var/lib/informativa-rollback",
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone may do it")
def test_rollback_is_done_up_to_its_last_steps(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger is of the earlier schema, the dialplan the earlier one, and the script waits."""

    @contextmanager
    def opened(_file: Path, _prefix: Path) -> Iterator[EarlierVersion]:
        yield machine.earlier(dialplan=f"{dialplan.read_text()}{EARLIER}")

    dialplan = machine.places.asterisk / "informativa.conf"
    dialplan_install.install(machine.config, machine.places.asterisk)
    ledger = old(machine.config.parent / "ledger/acme.sqlite3", 16)
    storage.migrate(load(machine.config).controllers["acme"])
    monkeypatch.setattr(earlier_version, "open_package", opened)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.running.write_text("informativa\n")
    done = rollback.rollback(
        machine.root / "informativa.whl", machine.config, machine.places, NOW, really=True
    )
    assert (done.done, done.stopped, done.written) == (True, ("informativa",), (dialplan,))
    assert (form(ledger), machine.log.read_text()) == (16, "stop informativa\n")
    assert dialplan.read_text().endswith(EARLIER)
    assert (machine.places.steps / "finish.sh").exists()
