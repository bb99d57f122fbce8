"""The service as a process: its log, and what it does when it hangs."""

from __future__ import annotations

import gc
import json
import os
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from examples import PLAYED
from informativa.cli.log import WAITING, Sink
from informativa.config import changes, load
from informativa.evidence.cosignature import WitnessSigner
from informativa.ledgers import expiry
from informativa.model import Period, RecordKind
from informativa.model.errors import ConfigError
from informativa.operations import systemd_unit
from informativa.operations.init import init
from informativa.process import maintenance, service, storage
from informativa.process.systemd import Notifier
from lab.office import Office, fill_in
from other_programs import analyzed

WITNESS = WitnessSigner("home.example", bytes(range(32))).verifier


def test_i4_log_that_nobody_reads_holds_nobody() -> None:
    """I4: with a reader that does not read, lines are dropped and counted, and no writer waits."""
    reader, writer = os.pipe()
    sink = Sink(writer)
    for number in range(3 * WAITING):
        sink.write(f"{number:0100}")
    output = b""
    while b"lines were dropped" not in output:
        output += os.read(reader, 1 << 16)
        sink.write("one more")
    os.close(reader)
    sink.close()
    os.close(writer)


def test_log_on_a_full_disk_is_no_error() -> None:
    """A log that cannot be written is given up line by line."""
    full = os.open("/dev/full", os.O_WRONLY)
    sink = Sink(full)
    sink.write("lost")
    sink.close()
    os.close(full)


class Forgetful(Sink):
    """A sink that has no memory for the first lines it writes."""

    def __init__(self, descriptor: int) -> None:
        self.forgot = threading.Event()
        super().__init__(descriptor)

    def _put(self, lines: list[str]) -> None:
        if not self.forgot.is_set():
            self.forgot.set()
            raise MemoryError
        super()._put(lines)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sink that is closed waits for its thread, however busy the machine is."""
    monkeypatch.setattr("informativa.cli.log.FLUSH_SECONDS", 60.0)


@pytest.mark.usefixtures("patient")
def test_log_goes_on_after_a_defect_of_its_thread() -> None:
    """What could not be written is counted as dropped; what comes later is written, in its order."""
    reader, writer = os.pipe()
    sink = Forgetful(writer)
    sink.write("lost")
    assert sink.forgot.wait(60)
    sink.write("first")
    sink.write("second")
    sink.close()
    os.close(writer)
    with os.fdopen(reader) as stream:
        assert stream.read() == "(1 lines were dropped: nobody read them)\nfirst\nsecond\n"


@pytest.mark.usefixtures("patient")
def test_log_is_whole_when_it_is_closed_at_once() -> None:
    """All lines that were taken before the end are written, as they came."""
    reader, writer = os.pipe()
    sink = Sink(writer)
    for number in range(1000):
        sink.write(str(number))
    sink.close()
    os.close(writer)
    with os.fdopen(reader) as stream:
        assert stream.read().split() == [str(number) for number in range(1000)]


class Circle:
    """An object that refers to itself, so that only the collector finds it."""

    def __init__(self) -> None:
        self.itself = self


def test_earlier_configuration_is_let_go_of() -> None:
    """What is kept out of collections is looked through again when another takes its place; beside calls only
    the youngest objects are looked at, which takes no time."""
    generations = list[int]()

    def record(phase: str, facts: dict[str, int]) -> None:
        if phase == "start":
            generations.append(facts["generation"])

    freeze_objects = service._freeze_objects.__wrapped__  # type: ignore[attr-defined]  # lab/remembered.py
    thresholds, circle = gc.get_threshold(), Circle()
    reference = weakref.ref(circle)
    gc.callbacks.append(record)
    try:
        freeze_objects(first=True)
        assert gc.get_freeze_count() > 0
        del circle
        generations.clear()
        freeze_objects(in_full=False)
        assert (reference() is None, generations) == (False, [0])
        freeze_objects()
        assert reference() is None
    finally:
        gc.callbacks.remove(record)
        gc.freeze()  # what was collected of tests, as conftest.py has it
        gc.set_threshold(*thresholds)


WATCHED = """
import asyncio, re, time
from informativa.process import watchdog
watchdog.SECOND = 0.02
async def hang():
    async with watchdog.watched(lambda: None):
        await asyncio.sleep(0)
        {hanging}
asyncio.run(hang())
"""


@pytest.mark.parametrize(
    ("hanging", "status", "sentence"),
    [
        ("time.sleep(60)", 1, b"The event loop stands still"),
        ("while True: pass", 1, b"The event loop stands still"),
        ("re.match('(a+)+$', 'a' * 60 + 'b')", -signal.SIGPROF, b"in hang"),
    ],
    ids=["waits", "computes", "computes-without-letting-go"],
)
def test_i4_service_that_hangs_ends_itself(hanging: str, status: int, sentence: bytes) -> None:
    """I4: when the event loop stands still the process ends and says where it stood, so that Asterisk's
    connections close."""
    ran = subprocess.run(
        [sys.executable, "-c", WATCHED.format(hanging=hanging)], capture_output=True, timeout=50, check=False
    )
    assert ran.returncode == status
    assert sentence in ran.stderr


@pytest.mark.slow
def test_service_that_was_stopped_goes_on(tmp_path: Path) -> None:
    """A process that was stopped for much longer than its loop may hang and Asterisk may take to answer, as
    with its virtual machine, is healthy: it goes on, and so do its calls."""
    program = (
        "import sys; from informativa.process import watchdog; from informativa.asterisk import agi_session\n"
    )
    program += "watchdog.SECOND = 0.2; agi_session.PATIENCE = 2.0\n"  # a busy machine must not reach them
    program += "from informativa.cli.main import main; sys.exit(main())"
    office = Office(tmp_path / "etc", program=(sys.executable, "-c", program))
    office.start()
    pid = office.pid
    assert pid is not None
    try:
        for _ in range(2):
            with socket.create_connection(("127.0.0.1", office.port), timeout=60) as asterisk:
                asterisk.sendall(
                    f"agi_network: yes\nagi_network_script: {office.script}\nagi_request: x\n"
                    "agi_threadid: 1\nagi_arg_1: 0212345678\n\n".encode()
                )
                assert asterisk.recv(1000) == b"ANSWER\n"
                os.kill(pid, signal.SIGSTOP)
                while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
                    pass
                asterisk.sendall(b"200 result=0\n")
                time.sleep(4)  # twice as long as either may take: this is what is tested
                os.kill(pid, signal.SIGCONT)
                assert asterisk.recv(1000).startswith(b"STREAM FILE")
    finally:
        assert office.stop() == 0


def test_service_purges_what_is_older_than_the_retention(folder: Path) -> None:
    """The service deletes by each controller's retention; a ledger that fails is told and not fatal."""
    controllers = load(folder / "informativa.yaml").controllers
    store, retention = storage.store(controllers["acme"]), Period(12 * 5)
    store.append([PLAYED, replace(PLAYED, at=PLAYED.at + timedelta(days=20))])
    maintenance.purge(controllers["acme"], retention.after(PLAYED.at, UTC) - timedelta(days=1))
    assert expiry.count_older(store, PLAYED.at + timedelta(days=1)) == 1
    maintenance.purge(controllers["acme"], retention.after(PLAYED.at, UTC) + timedelta(days=1))
    assert expiry.count_older(store, PLAYED.at + timedelta(days=1)) == 0
    store.close()
    (folder / "ledger/acme.sqlite3").write_text("no database " * 1000)
    maintenance.purge(controllers["acme"], PLAYED.at)


def test_i3_clock_that_is_years_ahead_deletes_nothing(folder: Path) -> None:
    """I3: neither before nor after the first calls under it; nor is a ledger that is gone made anew."""
    controller = load(folder / "informativa.yaml").controllers["acme"]
    maintenance.purge(controller, PLAYED.at)
    assert not Path(controller.ledger).exists()
    store, later = storage.store(controller), PLAYED.at + timedelta(days=14 * 365)
    store.append([PLAYED] * 3)
    maintenance.purge(controller, later)
    store.append([replace(PLAYED, at=later)])
    maintenance.purge(controller, later + timedelta(days=1))
    assert sum(record.event.kind is RecordKind.PHONE for record in store.records()) == 4
    store.close()


def test_few_descriptors_lower_the_cap() -> None:
    """Where the system gives fewer descriptors than calls need, fewer calls are taken at a time, and fewer
    peers that are none yet: what calls and a hundred files leave, or a quarter of all."""
    lower = """
import resource
from informativa.asterisk.peers import allowed_connections
for limit in (4000, 1200, 256, 64):
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    print(*allowed_connections(100 if limit == 1200 else 2000))
"""
    ran = subprocess.run([sys.executable, "-c", lower], capture_output=True, text=True, check=True)
    limits = [line for line in ran.stdout.splitlines() if re.fullmatch(r"\d+ \d+", line)]
    assert limits == ["2000 1000", "100 1000", "128 64", "32 16"]


@pytest.fixture
def unit(folder: Path, tmp_path: Path) -> Path:
    """The systemd unit for a configuration."""
    file = tmp_path / "informativa.service"
    systemd_unit.generate(folder / "informativa.yaml", file)
    return file


def test_unit_gives_the_descriptors_that_all_calls_need(unit: Path) -> None:
    """Two thousand calls at a time, which the configuration allows, find room beside a thousand peers that
    are no calls yet and a hundred files."""
    limit = re.search(r"^LimitNOFILE=(\d+)$", unit.read_text(), re.MULTILINE)
    assert limit is not None
    under = f"""
import resource
from informativa.asterisk.peers import allowed_connections
resource.setrlimit(resource.RLIMIT_NOFILE, ({limit[1]}, {limit[1]}))
print(*allowed_connections(2000))
"""
    ran = subprocess.run([sys.executable, "-c", under], capture_output=True, text=True, check=True)
    assert (limit[1], ran.stdout) == ("3100", "2000 1000\n")


def test_unit_is_right_and_hardened(unit: Path) -> None:
    """systemd finds nothing wrong with the unit, and little that it exposes."""
    assert str(unit.parent / "etc/ledger") in unit.read_text()
    assert "$" not in unit.read_text().replace("$MAINPID", "")
    output = analyzed("verify", "--man=no", unit)
    assert [line for line in output.splitlines() if "informativa.service" in line] == []


def test_exposure_is_what_the_page_says(unit: Path) -> None:
    """For a user of its own and a program outside homes, by every systemd since that of Debian 12."""
    text = re.sub("^(User|Group)=.*$", r"\1=asterisk", unit.read_text(), flags=re.M)
    unit.write_text(text.replace("ProtectHome=read-only", "ProtectHome=yes"))
    (level,) = re.findall(
        r"exposure level for informativa.service: ([\d.]+)", analyzed("security", "--offline=true", unit)
    )
    assert level == "1.1"
    page = (Path(__file__).resolve().parent.parent / "docs/operating.md").read_text(encoding="utf-8")
    assert "`systemd-analyze security` calls the unit's exposure 1.1 of 10" in page


def test_unit_leaves_alone_what_its_user_shares_with_other_programs(unit: Path) -> None:
    """Its user is Asterisk's, and on a FreePBX the web server's too: what these have in shared memory
    outlives the end of the unit."""
    assert "RemoveIPC" not in unit.read_text()


def test_unit_of_the_console(folder: Path, tmp_path: Path) -> None:
    """It is right, as hardened as the service's, behind the calls, and writes ledgers and accounts."""
    file = tmp_path / "informativa-web.service"
    made = systemd_unit.generate(folder / "informativa.yaml", file, systemd_unit.CONSOLE)
    text = file.read_text()
    assert f"web -c {folder}/informativa.yaml" in text
    assert f"ReadWritePaths={folder}/ledger -{folder}/web\n" in text
    assert "Nice=10" in text
    assert "IPAddressAllow=localhost" in text
    assert made.next.endswith("enable --now informativa-web")
    text = re.sub("^(User|Group)=.*$", r"\1=asterisk", text, flags=re.M)
    file.write_text(text.replace("ProtectHome=read-only", "ProtectHome=yes"))
    assert [line for line in analyzed("verify", "--man=no", file).splitlines() if file.name in line] == []
    output = analyzed("security", "--offline=true", file)
    assert re.findall(rf"exposure level for {file.name}: ([\d.]+)", output) == ["1.1"]


def test_unit_of_what_signs(folder: Path, tmp_path: Path) -> None:
    """It is right, runs as root whoever answers calls, and has three of root's rights and no more."""
    file = tmp_path / "informativa-evidence.service"
    made = systemd_unit.generate(folder / "informativa.yaml", file, systemd_unit.SIGNER)
    text = file.read_text()
    assert f"evidence sequence -c {folder}/informativa.yaml\n" in text
    assert "User=root\nGroup=root\n" in text
    assert made.next.endswith("enable --now informativa-evidence")
    assert [line for line in analyzed("verify", "--man=no", file).splitlines() if file.name in line] == []
    output = analyzed("security", "--offline=true", file)
    (level,) = re.findall(rf"exposure level for {file.name}: ([\d.]+)", output)
    assert float(level) < 3.5
    rights = re.findall("^CapabilityBoundingSet=(.*)$", text, flags=re.M)
    assert rights == ["", "CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER"]


def test_reload_needs_no_package(unit: Path) -> None:
    """What the unit reloads by is on every system: /bin/kill is of procps, which a small one lacks."""
    (command,) = re.findall("^ExecReload=(.*)$", unit.read_text(), flags=re.M)
    words = shlex.split(command)
    assert words[0] == "/bin/sh"
    waits = (
        "from signal import *; pthread_sigmask(SIG_BLOCK, [SIGHUP]); print(flush=True);"
        "print(sigwait([SIGHUP]), flush=True)"
    )
    with subprocess.Popen([sys.executable, "-c", waits], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        subprocess.run(words, env={"MAINPID": str(process.pid)}, check=True, timeout=30)
        assert process.communicate(timeout=30)[0] == f"{int(signal.SIGHUP)}\n"


def test_unit_of_a_folder_with_a_space(tmp_path: Path) -> None:
    """Paths that systemd would take for two are quoted."""
    init(tmp_path / "a b")
    fill_in(tmp_path / "a b/informativa.yaml")
    text = systemd_unit.render(load(tmp_path / "a b" / "informativa.yaml"))
    assert f'serve -c "{tmp_path}/a b/informativa.yaml"' in text
    assert f'ReadWritePaths="{tmp_path}/a b/ledger"' in text


@pytest.mark.parametrize(
    ("key", "setting"),
    [
        (
            "    retention: 5",
            "    lookups: {crm: {notice: privacy, url: 'https://crm.example/t?n={number}'}}",
        ),
        (
            "operator:",
            f"evidence: {{domain: a.example, witness: [{{key: {WITNESS}, url: 'https://b.example'}}]}}",
        ),
    ],
)
def test_unit_lets_out_who_asks_others(folder: Path, key: str, setting: str) -> None:
    """Only a service that asks nobody, and sends nobody anything, is kept from the network."""
    file = folder / "informativa.yaml"
    assert "IPAddressDeny=any" in systemd_unit.render(load(file))
    file.write_text(file.read_text().replace(f"\n{key}", f"\n{setting}\n{key}", 1))
    assert "IPAddressDeny" not in systemd_unit.render(load(file))


def test_unit_lets_logs_be_published_into_a_folder(folder: Path) -> None:
    """It is written to beside the ledgers; the service starts without it, too, and nothing goes out."""
    file = folder / "informativa.yaml"
    setting = "evidence: {domain: acme.example, publish: [{folder: a b}]}"
    file.write_text(file.read_text().replace("\noperator:", f"\n{setting}\noperator:", 1))
    text = systemd_unit.render(load(file))
    assert f'ReadWritePaths={folder}/ledger "-{folder}/a b"\n' in text
    assert "IPAddressDeny=any" in text


@pytest.mark.slow
def test_systemd_is_told_how_the_service_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ready when calls are taken, alive every second, loading and ready again, stopping."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        office = Office(tmp_path / "etc")

        def notified() -> str:
            return systemd.recv(4096).decode().splitlines()[0]

        def next_but_alive() -> str:
            while (state := notified()) == "WATCHDOG=1":
                pass
            return state

        office.start()
        assert notified() == "READY=1"
        assert notified() == "WATCHDOG=1"
        office.reload()
        assert [next_but_alive(), next_but_alive()] == ["RELOADING=1", "READY=1"]
        assert notified() == "WATCHDOG=1"
        office.stop()
        assert next_but_alive() == "STOPPING=1"


def test_what_a_full_socket_did_not_take_is_told_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd that was busy hears that the service is ready, though many signs of life came in between."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        full = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text()) + 1
        notifier = Notifier()
        for _ in range(full):
            notifier.alive()
        notifier.ready("2 lines")
        while select.select([systemd], [], [], 0)[0]:
            assert systemd.recv(4096) == b"WATCHDOG=1"
        notifier.alive()
        assert [systemd.recv(4096) for _ in range(2)] == [b"READY=1\nSTATUS=2 lines", b"WATCHDOG=1"]
        notifier.close()


@pytest.mark.slow
def test_reload_says_by_name_what_it_takes_away(tmp_path: Path) -> None:
    """A company and a line that are gone, and one that is live no more, are each told; what changed, too."""
    office = Office(tmp_path / "etc")
    office.start()
    try:
        office.edit("retention: 5 years", "retention: 6 years")
        office.edit('"2026/11"', '"TODO"')
        assert office.reload()
        text = office.config.read_text()
        office.config.write_text(text[: text.index('  "+493012345678":')])
        assert office.reload()
        office.config.write_text(
            text.partition("  borealis:")[0]
            + "lines:"
            + text.partition("\nlines:")[2].partition('  "+493012345678":')[0]
        )
        assert office.reload()
    finally:
        office.stop()
    entries = [json.loads(line) for line in office.log_text.splitlines() if line.startswith("{")]
    lines = [
        {name: one[name] for name in ("level", "event", "controller", "line", "settings") if name in one}
        for one in entries
        if one["event"].startswith(("a company", "a line", "changed"))
    ]
    assert lines == [
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


@pytest.mark.slow
def test_file_that_is_cut_off_is_not_loaded_in_the_middle(tmp_path: Path) -> None:
    """While it is being written a reload waits; a last line that is open is refused, with its number."""
    # What was written in these decades counts as being written still, however slow the machine is.
    program = "import sys; from informativa.config import changes; from informativa.cli.main import main\n"
    program += "changes.STEADY_SECONDS, changes.PATIENCE_SECONDS = 1e9, 50.0; sys.exit(main())"
    office = Office(tmp_path / "etc", program=(sys.executable, "-c", program))
    office.start()
    try:
        text = office.config.read_text()
        office.config.write_text(text.rstrip())
        os.utime(office.config, (0, 0))
        assert not office.reload()
        assert "ends in the middle of its last line" in office.log_text
        with office.config.open("w") as written:
            first, line, rest = text.partition('  "+493012345678":')
            written.write(first)
            written.flush()

            def finish() -> None:
                written.write(line + rest)
                written.flush()
                os.utime(office.config, (0, 0))

            writer = threading.Timer(0.3, finish)
            writer.start()
            assert office.reload()
            writer.join()
    finally:
        office.stop()
    assert "a line is gone" not in office.log_text


def test_every_prefix_of_the_template_that_loads_is_told(folder: Path) -> None:
    """Of what is left when the file is cut off after a line, nothing is taken away or changed in silence."""
    file = folder / "informativa.yaml"
    text, before = file.read_text(), load(file)
    lines = text.splitlines(keepends=True)
    silent, loaded = [], 0
    for end in range(len(lines)):
        file.write_text("".join(lines[:end]))
        try:
            now = load(file)
        except ConfigError:
            continue
        loaded += 1
        if (now.lines, now.controllers, now.notices) != (before.lines, before.controllers, before.notices):
            changed = [*changes.removals(before, now), *changes.changed(before, now)]
            silent += [] if changed else [end]
    assert (silent, loaded > 10) == ([], True)
