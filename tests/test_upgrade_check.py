"""The effects of this version if it took over: told before it does, and nothing is made or changed."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import sqlite3
from collections import namedtuple
from collections.abc import Mapping
from pathlib import Path

import pytest

from commands import typed
from informativa.operations import dialplan_install, systemd_unit
from informativa.operations.dialplan_install import install
from informativa.operations.doctor.upgrade import PYTHONS
from lab.ports import free_port
from old_ledgers import old


@pytest.fixture
def file(folder: Path) -> Path:
    """A configuration that is in order, on a port that nobody has, in one folder with Asterisk's and
    systemd's."""
    file = folder / "informativa.yaml"
    file.write_text(file.read_text().replace("127.0.0.1:4588", f"127.0.0.1:{free_port()}"))
    (folder / "asterisk").mkdir()
    (folder / "asterisk/extensions.conf").write_text("[from-trunk]\n")
    (folder / "units").mkdir()
    return file


def checked(file: Path) -> tuple[int, dict[str, list[Mapping[str, str]]]]:
    """The exit code, and the findings by check; nothing in the folder is another one afterwards."""
    before = snapshot(file.parent)
    arguments = ("--asterisk", file.parent / "asterisk", "--units", file.parent / "units", "--json")
    code, out, _ = typed("upgrade-check", "-c", file, *arguments)
    assert snapshot(file.parent) == before
    facts, by_check = json.loads(out), {}
    for finding in facts["findings"]:
        by_check.setdefault(finding["check"], []).append(finding)
    assert facts["version"] == importlib.metadata.version("informativa") == "0.2.0"
    return code, by_check


def snapshot(folder: Path) -> dict[Path, tuple[int, int, bytes]]:
    """All files, with their times and what they hold."""
    return {
        path: (path.lstat().st_mtime_ns, path.lstat().st_mode, b"" if path.is_dir() else path.read_bytes())
        for path in folder.rglob("*")
        if not path.is_symlink()
    }


def test_nothing_to_do(file: Path) -> None:
    """After all was written by this version, all is as it would be written."""
    install(file, file.parent / "asterisk")
    systemd_unit.generate(file, file.parent / "units/informativa.service")
    code, by_check = checked(file)
    assert code == 0
    states = {
        name: [finding["state"] for finding in by_check[name]] for name in ("ledgers", "dialplan", "unit")
    }
    assert states == {"ledgers": ["ok"], "dialplan": ["ok"], "unit": ["ok"]}
    assert by_check["service"][0]["finding"].endswith("nothing is to be restarted")


def test_what_is_of_an_earlier_version_is_told_with_what_to_type(file: Path) -> None:
    """Of dialplan, the script's link and unit it is told what to type, and that hinders nothing."""
    install(file, file.parent / "asterisk")
    for changed in ("asterisk/informativa.conf", "units/informativa.service"):
        (file.parent / changed).touch()
        (file.parent / changed).write_text("; informativa: of before\n")
    link = file.with_name("informativa.yaml.agi")
    link.unlink()
    link.symlink_to("/opt/old/bin/informativa-agi")
    code, by_check = checked(file)
    assert code == 0
    fixes = {name: [finding["fix"] for finding in by_check[name]] for name in ("dialplan", "unit")}
    again = f"informativa dialplan install -c {file} --to {file.parent / 'asterisk'}"
    unit = f"{file.parent / 'units/informativa.service'}"
    assert fixes == {
        "dialplan": [again, again],
        "unit": [f"informativa systemd -c {file} -o {unit}; systemctl daemon-reload"],
    }
    assert "leads to /opt/old/bin/informativa-agi" in by_check["dialplan"][1]["finding"]


def test_ledger_of_an_earlier_version(file: Path) -> None:
    """Schema, records, time and room are told, and the ledger is not migrated by being looked at."""
    old(file.parent / "ledger/acme.sqlite3", 6, records=1200)
    code, by_check = checked(file)
    (finding,) = by_check["ledgers"]
    assert (code, finding["state"]) == (0, "warning")
    assert (
        "would be migrated from schema 6 to 21, beside the calls: 1200 records, about 1 s"
        in finding["finding"]
    )
    assert "(18 MB needed meanwhile, " in finding["finding"]
    assert "copy the configuration's folder whole, with ledgers, logs and keys." in finding["fix"]


def test_ledger_without_room_for_its_copy(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less room than the copy needs keeps the version from taking over, and the exit code says so."""
    old(file.parent / "ledger/acme.sqlite3", 6)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage(0, 0, 1_000_000))
    code, by_check = checked(file)
    assert code == 1
    (finding,) = by_check["ledgers"]
    assert finding["state"] == "wrong"
    assert finding["finding"].endswith("its copy needs 17 MB, and 1 MB are free")


def test_ledger_of_a_newer_version(file: Path) -> None:
    """One that a newer informativa wrote keeps this one from taking over."""
    ledger = old(file.parent / "ledger/acme.sqlite3", 12)
    with sqlite3.connect(ledger) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    code, by_check = checked(file)
    assert (code, by_check["ledgers"][0]["state"]) == (1, "wrong")
    assert "is of schema 99, and this informativa knows 21" in by_check["ledgers"][0]["finding"]


def test_folder_without_asterisk(file: Path) -> None:
    """Where there is no dialplan of Asterisk's, it is said how to name its folder."""
    (file.parent / "asterisk/extensions.conf").unlink()
    _, by_check = checked(file)
    assert by_check["dialplan"][0]["state"] == "unknown"
    assert "--asterisk DIR" in by_check["dialplan"][0]["fix"]


def test_no_dialplan_yet(file: Path) -> None:
    """A dialplan that was never installed is something to look at."""
    _, by_check = checked(file)
    assert (by_check["dialplan"][0]["state"], "there is no " in by_check["dialplan"][0]["finding"]) == (
        "warning",
        True,
    )


def test_pythons_are_those_of_the_package() -> None:
    """What counts as tried is what the package says of itself."""
    classifiers = importlib.metadata.metadata("informativa").get_all("Classifier") or []
    versions = sorted(
        (3, int(classifier.rpartition(".")[2]))
        for classifier in classifiers
        if classifier.startswith("Programming Language :: Python :: 3.")
    )
    assert (versions[0], versions[-1]) == PYTHONS == ((3, 11), (3, 14))


def test_for_people(file: Path) -> None:
    """In a terminal the first line says of which version it is."""
    code, out, _ = typed("upgrade-check", "-c", file, "--asterisk", file.parent / "asterisk")
    assert (code, out.splitlines()[0]) == (0, "If informativa 0.2.0 took over:")
    assert dialplan_install.FILE in out
