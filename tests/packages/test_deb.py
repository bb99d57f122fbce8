"""The Debian package as it is built: what is in it, and that it is the same whoever builds it, and when."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from informativa import __version__
from packages import carried, deb


def output_of(*command: str | Path) -> str:
    """Return what a program prints; it ends with 0."""
    ran = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_it_holds_what_an_admin_looks_for(package: Path) -> None:
    """Programs, units and licences lie where Debian has them; all is root's."""
    listed = output_of("dpkg-deb", "--contents", package).splitlines()
    owners = {line.split()[1] for line in listed}
    names = {line.split(" ./", 1)[1].split(" -> ")[0] for line in listed}
    assert owners == {"root/root"}
    assert {
        "usr/bin/informativa",
        "usr/bin/informativa-agi",
        "usr/lib/systemd/system/informativa.service",
        "usr/lib/systemd/system/informativa-evidence.service",
        "usr/lib/systemd/system/informativa-monitor.service",
        "usr/lib/systemd/system/informativa-web.service",
        "usr/lib/systemd/system/informativa-witness.service",
        "usr/share/doc/informativa/copyright",
        "usr/share/doc/informativa/examples/policy",
    } <= names
    outside = {name for name in names if not name.startswith(("usr/lib/informativa/", "usr/share/"))}
    assert {name for name in outside if name and not name.endswith("/")} == {
        "usr/bin/informativa",
        "usr/bin/informativa-agi",
        "usr/lib/systemd/system/informativa.service",
        "usr/lib/systemd/system/informativa-backup.service",
        "usr/lib/systemd/system/informativa-backup.timer",
        "usr/lib/systemd/system/informativa-evidence.service",
        "usr/lib/systemd/system/informativa-monitor.service",
        "usr/lib/systemd/system/informativa-report.service",
        "usr/lib/systemd/system/informativa-report.timer",
        "usr/lib/systemd/system/informativa-web.service",
        "usr/lib/systemd/system/informativa-witness.service",
    }


def test_two_builds_are_the_same_bytes(
    package: Path, wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In another folder, time zone and language, with another umask, what dpkg unpacks is the same."""
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    monkeypatch.setenv("LANG", "it_IT.UTF-8")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = os.umask(0o077)
    try:
        again = deb.build(tmp_path / "again", wheel, compression="none")
    finally:
        os.umask(before)
    for member in ("--fsys-tarfile", "--ctrl-tarfile"):
        streams = [subprocess.run(["dpkg-deb", member, one], stdout=subprocess.PIPE, check=True).stdout
                   for one in (package, again)]  # fmt: skip
        assert hashlib.sha256(streams[0]).hexdigest() == hashlib.sha256(streams[1]).hexdigest()


def test_lintian_finds_no_error(package: Path) -> None:
    """Nor does it warn, but of what the package's overrides give a reason for."""
    if not shutil.which("lintian"):
        pytest.skip("lintian is not on this machine; type: apt-get install lintian")
    output = output_of("lintian", "--fail-on", "error,warning", package)
    assert re.findall(r"^[EW]: .*", output, re.MULTILINE) == []


def test_its_parts_are_listed_with_the_hashes_that_are_pinned(package: Path) -> None:
    """Each distribution stands there with each of its wheels, by a hash of tests/requirements.txt."""
    listed = json.loads(package.with_suffix(".cdx.json").read_text())
    assert (listed["bomFormat"], listed["metadata"]["component"]["version"]) == ("CycloneDX", __version__)
    parts = {part["purl"].removeprefix("pkg:pypi/").partition("@")[0]: part for part in listed["components"]}
    assert {"panoramisk", "pyst2", "pyyaml", "uvloop", "psycopg-binary", "cryptography"} <= set(parts)
    hashes = [ref["hashes"][0]["content"] for part in parts.values() for ref in part["externalReferences"]]
    pinned = carried.REQUIREMENTS.read_text()
    assert [digest for digest in hashes if f"sha256:{digest}" not in pinned] == []
    assert len(parts["uvloop"]["externalReferences"]) == 3
    assert len(parts["panoramisk"]["externalReferences"]) == 1
