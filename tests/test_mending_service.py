"""`informativa doctor --fix` against faults of the service, which systemd runs, and of Asterisk's files."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from informativa.config import load
from informativa.operations.doctor import asterisk, unit
from informativa.operations.doctor.checks import CHECKS, Check
from informativa.operations.doctor.examination import results
from informativa.operations.doctor.findings import Finding
from informativa.operations.doctor.mending import Outcome, mend
from informativa.operations.doctor.remedy_commands import Execution, execute
from informativa.operations.doctor.system import System
from lab.office import Office
from mending_tools import here

USER = 54321  # a user id that is nobody's


@dataclass
class Systemd:
    """A machine's systemd as far as `systemctl` shows it: a folder of units, and the service."""

    office: Office
    units: Path

    @property
    def link(self) -> Path:
        """The link that starts the service with the machine."""
        return self.units / "multi-user.target.wants/informativa.service"

    def run(self, words: Sequence[str]) -> Execution:
        """Run `systemctl`, or another command."""
        match words:
            case ["systemctl", "daemon-reload"]:
                pass
            case ["systemctl", "enable", *now, "informativa"]:
                self.link.parent.mkdir(exist_ok=True)
                self.link.symlink_to(self.units / "informativa.service")
                if now == ["--now"]:
                    self.office.start()
            case ["systemctl", "restart", "informativa"]:
                self.office.stop()
                self.office.start()
            case ["systemctl", "reload", "informativa"]:
                self.office.reload()
            case _:
                return here(words)
        return Execution(0, "")

    def mended(self) -> list[tuple[str, Outcome, tuple[str, ...]]]:
        """Mend what `doctor` finds of unit and service: check, outcome and commands of each finding."""
        checks = [check for check in CHECKS if check.id in ("unit", "service")]
        result = mend(
            self.office.config, lambda _treatment: True, lambda _treatment: None, self.run, checks=checks
        )
        return [(str(one.finding), one.outcome, one.commands) for one in result.treatments]


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Systemd]:
    """A machine where systemd runs and has no unit of ours yet."""
    units = tmp_path / "units"
    units.mkdir()
    monkeypatch.setattr(unit, "RUNNING", units)
    monkeypatch.setattr(unit, "FOLDER", units)
    monkeypatch.setattr(unit, "PACKAGED", tmp_path / "packaged")
    office = Office(tmp_path / "etc")
    yield Systemd(office, units)
    office.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone writes units")
@pytest.mark.slow
def test_unit_and_service(systemd: Systemd) -> None:
    """The unit is written and enabled, by which the service runs; one that is down is started, one that works
    from an earlier configuration loads it, and one that is not enabled is enabled."""
    office, file = systemd.office, systemd.units / "informativa.service"
    missing, down = systemd.mended()
    assert missing == (
        f"nothing starts the service with this machine: there is no {file}",
        Outcome.MENDED,
        (
            f"informativa systemd -c {office.config} -o {file}",
            "systemctl daemon-reload",
            "systemctl enable --now informativa",
        ),
    )
    assert f"serve -c {office.config}" in file.read_text()
    assert down[1] is Outcome.GONE
    assert systemd.mended() == []
    office.stop()
    ((_text, outcome, commands),) = systemd.mended()
    assert (outcome, commands) == (Outcome.MENDED, ("systemctl restart informativa",))
    office.edit("drain: 100", "drain: 99")
    ((_text, outcome, commands),) = systemd.mended()
    assert (outcome, commands) == (Outcome.MENDED, ("systemctl reload informativa",))
    systemd.link.unlink()
    ((text, outcome, commands),) = systemd.mended()
    assert text == "nothing starts the service with this machine: its unit is not enabled"
    assert (outcome, commands) == (Outcome.MENDED, ("systemctl enable informativa",))


def test_unit_is_left_to_root(systemd: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    """To others the command is named, and no unit is written."""
    monkeypatch.setattr(os, "geteuid", lambda: USER)
    missing, down = systemd.mended()
    assert (missing[1], down[1]) == (Outcome.NOT_ALLOWED, Outcome.BY_HAND)
    assert (
        missing[2][0]
        == f"informativa systemd -c {systemd.office.config} -o {systemd.units}/informativa.service"
    )
    assert list(systemd.units.iterdir()) == []


def test_unit_of_another_configuration_is_left_alone(systemd: Systemd) -> None:
    """A service that is down is not started by the unit of another one, whose calls that would end."""
    other = f"[Service]\nExecStart=/opt/bin/informativa serve -c {systemd.office.config}.old\n"
    (systemd.units / "informativa.service").write_text(other)
    ((_text, outcome, commands),) = systemd.mended()
    assert (outcome, commands) == (Outcome.BY_HAND, ())


def test_prompt_that_asterisk_cannot_read(folder: Path, open_folder: Path) -> None:
    """It is opened for all, as prompts may be; a folder above it that is closed to all is not."""
    file = shutil.copytree(folder, open_folder / "etc") / "informativa.yaml"
    (open_folder / "etc").chmod(0o755)
    sound = file.parent / "prompts/it/short.wav"
    for place in (*sound.parents[:2], *sound.parents[0].parent.rglob("*")):
        place.chmod(0o755)
    sound.chmod(0o600)

    def examine(_file: Path, _checks: Sequence[Check]) -> list[Finding]:
        system = System(file, load(file), (), asterisk_uid=USER)
        return [replace(one, check_id="sounds") for one in asyncio.run(results(asterisk.sounds, system))]

    def outcome() -> tuple[Outcome, tuple[str, ...]]:
        result = mend(file, lambda _treatment: True, lambda _treatment: None, execute, examine)
        first = result.treatments[0]
        return first.outcome, first.commands

    assert outcome() == (Outcome.MENDED, (f"chmod a+r {sound}",))
    sound.parent.chmod(0o700)
    assert outcome() == (Outcome.BY_HAND, ())
