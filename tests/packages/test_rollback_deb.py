"""`informativa rollback` in bare Debians: to each version that was released, and over migrations.

No release has a tag yet: each is built from the last commit of its part of the changelog.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from informativa import __version__
from lab.debian import Unavailable
from lab.setup import ROOT
from old_ledgers import NEWEST, form
from packages import deb
from packages.machine import Machine
from packages.test_installed_deb import ETC, call, configure, debian, install

__all__ = ["call", "debian"]  # fixtures

# The version, its last commit, and whether it can keep what today's records.
RELEASED = {"0.2.0": "a9b9f8df1915feedc527264326690f37dd80dd1f"}
BEFORE_CHOICES = "f806c749"  # schema 16, the oldest that knows notes
PID = "systemctl show -P MainPID informativa"


def built(commit: str, folder: Path) -> Path:
    """The Debian package of a commit, with the packages that today's brings along."""
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(f"This clone has no commit {commit}.")
    source = folder / "source"
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(source, filter="data")
    wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*wheel, "--wheel-dir", folder, source], check=True)
    try:
        return deb.build(folder / "deb", next(folder.glob("*.whl")), compression="none")
    except Unavailable as error:
        pytest.skip(str(error))


def upgraded(debian: Machine, old: Path, new: Path, call: Callable[[str], str]) -> str:
    """A machine that went from one package to the other, with a call before and one after; where it has the
    older one."""
    kept = debian.root / "root/earlier.deb"
    install(debian, old)
    shutil.copy(old, kept)
    configure(debian)
    debian.run("systemctl enable --now informativa")
    assert call("+393331234567") == "PLAYED"
    install(debian, new)
    assert call("+393331234568") == "PLAYED"
    return "/root/earlier.deb"


@pytest.mark.parametrize("version", RELEASED)
def test_rollback_to_a_release_keeps_all_or_changes_nothing(
    debian: Machine, package: Path, tmp_path: Path, call: Callable[[str], str], version: str
) -> None:
    """0.2.0 cannot read a log with notes: the command says so, and the service goes on as it was."""
    earlier = upgraded(debian, built(RELEASED[version], tmp_path), package, call)
    before = debian.run(PID)
    message = debian.run(f"informativa rollback {earlier} --yes", ends=1)
    assert f"cannot go back to informativa {version}, which could not keep" in message
    assert "Nothing was changed." in message
    assert debian.run(PID) == before
    assert form(debian.root / ETC.lstrip("/") / "ledger/acme.sqlite3") == NEWEST
    assert call("+393331234568") == "NOTDUE"


def test_rollback_over_migrations_keeps_records_of_both_versions(
    debian: Machine, package: Path, tmp_path: Path, call: Callable[[str], str]
) -> None:
    """Callers of before and after the upgrade stay known to the program of before choices, which records and
    signs on, and finds its log complete."""
    earlier = upgraded(debian, built(BEFORE_CHOICES, tmp_path), package, call)
    debian.run("informativa evidence checkpoint")
    before = debian.run(PID)
    assert "has taken the place of" in debian.run(f"informativa rollback {earlier} --yes")
    assert debian.run("systemctl is-active informativa") == "active\n"
    assert debian.run(PID) != before
    assert form(debian.root / ETC.lstrip("/") / "ledger/acme.sqlite3") == 16
    assert call("+393331234567") == "NOTDUE"
    assert call("+393331234568") == "NOTDUE"
    assert call("+393331234569") == "PLAYED"
    debian.run("informativa evidence checkpoint")
    assert "Complete" in debian.run("informativa evidence audit --controller acme")
    assert debian.run("ls /var/lib/informativa/rollback", ends=2)
    install(debian, package)
    assert debian.run("informativa --version") == f"informativa {__version__}\n"
    assert call("+393331234569") == "NOTDUE"
    assert "Complete" in debian.run("informativa evidence audit --controller acme")
