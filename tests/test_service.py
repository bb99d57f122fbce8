"""The service as a process: its log, and what it does when it hangs."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from informativa import bootstrap, upkeep
from informativa.cli import setup
from informativa.cli.log import WAITING, Sink
from informativa.config import changes, load
from informativa.errors import ConfigError
from informativa.model import Period
from lab.office import Office, fill_in
from test_ledgers import PLAYED


def test_i4_log_that_nobody_reads_holds_nobody() -> None:
    """I4: with a reader that does not read, lines are dropped and counted, and no writer waits."""
    reader, writer = os.pipe()
    sink = Sink(writer)
    for number in range(3 * WAITING):
        sink.write(f"{number:0100}\n")
    said = b""
    while b"lines were dropped" not in said:
        said += os.read(reader, 1 << 16)
        sink.write("one more\n")
    os.close(reader)
    sink.close()
    os.close(writer)


def test_log_on_a_full_disk_is_no_error() -> None:
    """A log that cannot be written is given up line by line."""
    full = os.open("/dev/full", os.O_WRONLY)
    sink = Sink(full)
    sink.write("lost\n")
    sink.close()
    os.close(full)


def test_i4_service_that_hangs_ends_itself() -> None:
    """I4: when the event loop stands still the process ends, so that Asterisk's connections close."""
    hanging = """
import asyncio, time
from informativa import service
service.HANG_SECONDS = 0.2
async def hang():
    async with service._watched(lambda: None):
        await asyncio.sleep(0)
        time.sleep(60)
asyncio.run(hang())
"""
    ran = subprocess.run([sys.executable, "-c", hanging], capture_output=True, timeout=50, check=False)
    assert ran.returncode == 1
    assert b"Timeout" in ran.stderr


def test_service_purges_what_is_older_than_the_retention(folder: Path) -> None:
    """The service deletes by each controller's retention; a ledger that fails is told and not fatal."""
    controllers = load(folder / "informativa.yaml").controllers
    store, retention = bootstrap.store(controllers["acme"]), Period(12 * 5)
    store.append([PLAYED, replace(PLAYED, at=PLAYED.at + timedelta(days=20))])
    upkeep.purge(controllers["acme"], retention.after(PLAYED.at, UTC) - timedelta(days=1))
    assert store.older(PLAYED.at + timedelta(days=1)) == 1
    upkeep.purge(controllers["acme"], retention.after(PLAYED.at, UTC) + timedelta(days=1))
    assert store.older(PLAYED.at + timedelta(days=1)) == 0
    store.close()
    (folder / "ledger/acme.sqlite3").write_text("no database " * 1000)
    upkeep.purge(controllers["acme"], PLAYED.at)


def test_i3_clock_that_is_years_ahead_deletes_nothing(folder: Path) -> None:
    """I3: neither before nor after the first calls under it; nor is a ledger that is gone made anew."""
    controller = load(folder / "informativa.yaml").controllers["acme"]
    upkeep.purge(controller, PLAYED.at)
    assert not Path(controller.ledger).exists()
    store, later = bootstrap.store(controller), PLAYED.at + timedelta(days=14 * 365)
    store.append([PLAYED] * 3)
    upkeep.purge(controller, later)
    store.append([replace(PLAYED, at=later)])
    upkeep.purge(controller, later + timedelta(days=1))
    assert len(list(store.records())) == 4
    store.close()


def test_few_descriptors_lower_the_cap() -> None:
    """Where the system gives fewer descriptors than calls need, fewer calls are taken at a time."""
    lower = """
import resource
from informativa import service
for limit in (4000, 1200, 64):
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    print(service._allow_descriptors(2000) if limit != 1200 else service._allow_descriptors(100))
"""
    ran = subprocess.run([sys.executable, "-c", lower], capture_output=True, text=True, check=True)
    told = [line for line in ran.stdout.splitlines() if line.isdigit()]
    assert told == ["2000", "100", "32"]


@pytest.fixture
def unit(folder: Path, tmp_path: Path) -> Path:
    """The systemd unit for a configuration."""
    file = tmp_path / "informativa.service"
    setup.systemd(folder / "informativa.yaml", file)
    return file


def analyzed(*arguments: str | Path) -> str:
    """What systemd-analyze says."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not there")
    command = ["systemd-analyze", *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    return ran.stdout + ran.stderr


def test_unit_is_right_and_hardened(unit: Path) -> None:
    """systemd finds nothing wrong with the unit, and little that it exposes."""
    assert str(unit.parent / "etc/ledger") in unit.read_text()
    assert "$" not in unit.read_text().replace("$MAINPID", "")
    said = analyzed("verify", "--man=no", unit)
    assert [line for line in said.splitlines() if "informativa.service" in line] == []
    (level,) = re.findall(
        r"exposure level for informativa.service: ([\d.]+)", analyzed("security", "--offline=true", unit)
    )
    assert float(level) < 2.0


def test_unit_of_a_folder_with_a_space(tmp_path: Path) -> None:
    """Paths that systemd would take for two are quoted."""
    setup.init(tmp_path / "a b")
    fill_in(tmp_path / "a b/informativa.yaml")
    text = setup._unit(load(tmp_path / "a b" / "informativa.yaml"))
    assert f'serve -c "{tmp_path}/a b/informativa.yaml"' in text
    assert f'ReadWritePaths="{tmp_path}/a b/ledger"' in text


def test_unit_lets_look_ups_out(folder: Path) -> None:
    """Only a service that asks nobody is kept from the network."""
    file = folder / "informativa.yaml"
    assert "IPAddressDeny=any" in setup._unit(load(file))
    lookup = "lookups: {crm: {notice: privacy, url: 'https://crm.example/t?n={number}'}}"
    file.write_text(file.read_text().replace("    retention: 5", f"    {lookup}\n    retention: 5", 1))
    assert "IPAddressDeny" not in setup._unit(load(file))


def test_systemd_is_told_how_the_service_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ready when calls are taken, alive every second, loading and ready again, stopping."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        office = Office(tmp_path / "etc")

        def told() -> str:
            return systemd.recv(4096).decode().splitlines()[0]

        def next_but_alive() -> str:
            while (state := told()) == "WATCHDOG=1":
                pass
            return state

        office.start()
        assert told() == "READY=1"
        assert told() == "WATCHDOG=1"
        office.reload()
        assert [next_but_alive(), next_but_alive()] == ["RELOADING=1", "READY=1"]
        assert told() == "WATCHDOG=1"
        office.stop()
        assert next_but_alive() == "STOPPING=1"


def test_reload_says_by_name_what_it_takes_away(tmp_path: Path) -> None:
    """A company and a line that are gone, and one that is live no more, are each told; what changed, too."""
    office = Office(tmp_path / "etc")
    office.start()
    try:
        office.edit("retention: 5 years", "retention: 6 years")
        office.edit('"2026/11"', '"TODO"')
        assert office.reload()
        whole = office.config.read_text()
        office.config.write_text(whole[: whole.index('  "+493012345678":')])
        assert office.reload()
        office.config.write_text(
            whole.partition("  borealis:")[0]
            + "lines:"
            + whole.partition("\nlines:")[2].partition('  "+493012345678":')[0]
        )
        assert office.reload()
    finally:
        office.stop()
    said = [json.loads(line) for line in office.said.splitlines() if line.startswith("{")]
    told = [
        {name: one[name] for name in ("level", "event", "controller", "line", "settings") if name in one}
        for one in said
        if one["event"].startswith(("a company", "a line", "changed"))
    ]
    assert told == [
        {"level": "warning", "event": "a company is live no more", "controller": "borealis"},
        {
            "level": "info",
            "event": "changed in the configuration",
            "controller": "acme",
            "settings": "retention",
        },
        {
            "level": "info",
            "event": "changed in the configuration",
            "controller": "borealis",
            "settings": "outsourcing, refused",
        },
        {
            "level": "warning",
            "event": "a line is gone from the configuration: its callers hear fallback_prompt",
            "controller": "borealis",
            "line": "+493012345678",
        },
        {"level": "warning", "event": "a company is gone from the configuration", "controller": "borealis"},
    ]


def test_file_that_is_cut_off_is_not_loaded_in_the_middle(tmp_path: Path) -> None:
    """While it is being written a reload waits; a last line that is open is refused, with its number."""
    office = Office(tmp_path / "etc")
    office.start()
    try:
        whole = office.config.read_text()
        office.config.write_text(whole.rstrip())
        assert not office.reload()
        assert "ends in the middle of its last line" in office.said
        with office.config.open("w") as written:
            first, line, rest = whole.partition('  "+493012345678":')
            written.write(first)
            written.flush()
            writer = threading.Timer(0.3, lambda: (written.write(line + rest), written.flush()))
            writer.start()
            assert office.reload()
            writer.join()
    finally:
        office.stop()
    assert "a line is gone" not in office.said


def test_every_prefix_of_the_template_that_loads_is_told(folder: Path) -> None:
    """Of what is left when the file is cut off after a line, nothing is taken away or changed in silence."""
    file = folder / "informativa.yaml"
    whole, before = file.read_text(), load(file)
    lines = whole.splitlines(keepends=True)
    silent, loaded = [], 0
    for end in range(len(lines)):
        file.write_text("".join(lines[:end]))
        try:
            now = load(file)
        except ConfigError:
            continue
        loaded += 1
        if (now.lines, now.controllers, now.notices) != (before.lines, before.controllers, before.notices):
            told = [*changes.taken_away(before, now), *changes.changed(before, now)]
            silent += [] if told else [end]
    assert (silent, loaded > 10) == ([], True)
