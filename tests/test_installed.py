"""The place of the program: as pipx installs it, and where the user who is to run it cannot."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from informativa.cli import main
from informativa.config import load
from informativa.operations import systemd_unit
from informativa.operations.doctor import installation, users
from other_programs import analyzed

OTHER = 54321  # a user id that is nobody's


@pytest.fixture
def pipx(open_folder: Path) -> Path:
    """A program as pipx lays it: an environment of its own, and a link to it in a folder of programs."""
    place = open_folder
    environment = place / "pipx/venvs/informativa"
    venv.create(environment, symlinks=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "tested.pth").write_text(sysconfig.get_path("purelib"))
    (place / "bin").mkdir()
    for name in ("informativa", "informativa-agi"):
        _shebang, _newline, rest = Path(sys.executable).with_name(name).read_text().partition("\n")
        program = environment / "bin" / name
        program.write_text(f"#!{environment}/bin/python -E\n{rest}")
        program.chmod(0o755)
        (place / "bin" / name).symlink_to(program)
    return place / "bin/informativa"


def output_of(*command: str | Path) -> str:
    """Return what a command prints, to either side."""
    ran = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout + ran.stderr


def give_away(folder: Path) -> str:
    """Another user gets the ledgers' folder: by chown, or where we may not, as a link to one of root's."""
    ledgers = folder / "ledger"
    if os.geteuid() == 0:
        user = next(one for one in pwd.getpwall() if one.pw_uid)
        os.chown(ledgers, user.pw_uid, user.pw_gid)
        return user.pw_name
    shutil.rmtree(ledgers)
    ledgers.symlink_to("/usr")
    return pwd.getpwuid(Path("/usr").stat().st_uid).pw_name


@pytest.mark.night
@pytest.mark.slow
def test_paths_of_a_program_that_pipx_installed(pipx: Path, folder: Path) -> None:
    """Unit and dialplan name the environment's own programs, which an upgrade leaves where they are; systemd
    finds the unit right and hardened."""
    file, programs = folder / "informativa.yaml", pipx.resolve().parent
    unit = folder / "informativa.service"
    output_of(pipx, "systemd", "-c", file, "-o", unit)
    assert f"\nExecStart={programs}/informativa serve -c {file}\n" in unit.read_text()
    assert f"AGI({file}.agi,${{line}}" in output_of(pipx, "dialplan", "-c", file)
    assert file.with_name("informativa.yaml.agi").readlink() == programs / "informativa-agi"
    assert [line for line in analyzed("verify", "--man=no", unit).splitlines() if unit.name in line] == []
    (level,) = re.findall(r"exposure level .*: ([\d.]+)", analyzed("security", "--offline=true", unit))
    assert float(level) < 2.0


def test_unit_runs_as_the_owner_of_the_ledgers(folder: Path) -> None:
    """Whoever gets the ledgers is named in the unit, so a user of its own needs no more than chown."""
    user = give_away(folder)
    assert f"\nUser={user}\n" in systemd_unit.render(load(folder / "informativa.yaml"))


def test_unit_writes_to_ledgers_alone_with_no_privilege(folder: Path) -> None:
    """What the unit promises: it notifies, is watched, gains nothing, and writes one folder."""
    unit = systemd_unit.render(load(folder / "informativa.yaml")).splitlines()
    promised = {"Type=notify", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict"}
    assert promised <= set(unit)
    assert [line for line in unit if line.startswith("ReadWritePaths=")] == [
        f"ReadWritePaths={folder}/ledger"
    ]
    (watchdog,) = [line for line in unit if line.startswith("WatchdogSec=")]
    assert int(watchdog.partition("=")[2]) > 1  # it says once a second that it is alive


def test_root_is_told_that_the_service_would_run_as_root(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forgetting the chown is told where it matters, with the command."""
    monkeypatch.setattr(installation, "owner", lambda _configuration: Path("/").stat())
    main.main(["systemd", "-c", str(folder / "informativa.yaml")])
    assert f"root; for Asterisk's user: chown -R asterisk: {folder}\n" in capsys.readouterr().err


@pytest.mark.parametrize("shut", ["pipx", "pipx/venvs/informativa/bin/informativa-agi", "python"])
def test_program_that_its_user_cannot_run_is_told(
    pipx: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shut: str
) -> None:
    """All that make the program run warn of one in a folder such as /root/.local, of one that was installed
    with a narrow umask, and of a Python in somebody's home; and of no other."""
    place, file = pipx.parent.parent, folder / "informativa.yaml"
    python = pipx.resolve().with_name("python")
    real = shutil.copy(python.resolve(), _folder(place / "python") / "python")
    python.unlink()
    python.symlink_to(real)
    nobodys = os.stat_result((0o40700, 0, 0, 0, OTHER, OTHER, 0, 0, 0, 0))
    monkeypatch.setattr(installation, "owner", lambda _configuration: nobodys)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(installation, "__file__", str(pipx))  # of a package that all can read
    assert installation.out_of_reach(load(file)) == []
    (place / shut).chmod(0o700)
    (_folder(place / "asterisk") / "extensions.conf").touch()
    install = ("dialplan", "install", "--to", f"{place}/asterisk")
    for command in (("check",), ("systemd",), ("dialplan",), install):
        main.main([*command, "-c", str(file)])
        output = capsys.readouterr()
        assert f"warning: {OTHER}, as whom service and script run, cannot execute {python.parent}" in (
            output.out + output.err
        ), command
    for command in (("check",), install):
        main.main([*command, "--json", "-c", str(file)])
        assert any(str(OTHER) in one for one in json.loads(capsys.readouterr().out)["warnings"])


def test_home_of_the_interpreter_is_shown_to_the_service(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Python that lies in a home directory is not hidden by the unit, or it could not start."""
    monkeypatch.setattr(sys, "prefix", "/opt/informativa")
    monkeypatch.setattr(sys, "executable", "/opt/informativa/bin/python")
    for real, home in (("/usr/bin/python3", "yes"), ("/root/.pyenv/bin/python3", "read-only")):
        monkeypatch.setattr(os.path, "realpath", lambda path, real=real: real if "python" in path else path)
        assert f"\nProtectHome={home}\n" in systemd_unit.render(load(folder / "informativa.yaml"))


def test_right_to_a_link_is_the_right_to_where_it_leads(open_folder: Path) -> None:
    """A link in a folder for all does not open what lies behind a closed one."""
    target, link = _folder(open_folder / "closed") / "file", open_folder / "link"
    target.touch()
    link.symlink_to(target)
    assert not users.denied(OTHER, link, os.R_OK)
    target.parent.chmod(0o700)
    assert users.denied(OTHER, link, os.R_OK)


@pytest.mark.parametrize("uid", [OTHER, os.geteuid()])
def test_what_is_gone_is_denied_to_nobody(open_folder: Path, uid: int) -> None:
    """A file that its last user takes away (a ledger's -wal) while its modes are asked for is no fault."""
    assert not users.denied(uid, open_folder / "acme.sqlite3-wal", os.W_OK)
    (open_folder / "file").touch()
    assert not users.denied(uid, open_folder / "file/below", os.W_OK)


def _folder(path: Path) -> Path:
    path.mkdir(exist_ok=True)
    path.chmod(0o755)
    return path
