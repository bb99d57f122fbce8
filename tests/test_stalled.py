"""One company's files lie on a network folder that has stalled: nobody else notices (I10)."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from agi_script import Script
from commands import started
from lab.office import Office

ACMES, BOREALIS = "+390212345678", "+493012345678"
COMMANDS = ("status", "check", "doctor")

_libc = ctypes.CDLL(None, use_errno=True)
_NOSUID, _NODEV = 2, 4  # linux/mount.h
_FORCE, _DETACH = 1, 2
_HEADER = struct.Struct("=IIQQIIII")  # linux/fuse.h: fuse_in_header
_REPLY = struct.Struct("=IiQ")  # fuse_out_header
_INIT = struct.Struct("=IIIIHHIIHHI28x")  # fuse_init_out
_MAJOR, _MINOR, _PARALLEL = 7, 31, 1 << 18  # FUSE_PARALLEL_DIROPS: nobody waits for another's look


def why_not() -> str:
    """Return why there can be none here; '' where there can."""
    if os.geteuid() != 0:
        return "only root mounts file systems"
    return "" if os.access("/dev/fuse", os.R_OK | os.W_OK) else "there is no /dev/fuse"


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "-"),
]


@contextmanager
def stalled(folder: Path) -> Iterator[None]:
    """Have nothing in a folder answer, as where the server of a network folder is gone; for root, on Linux.
    Raises OSError where it cannot be mounted.

    It is FUSE, whose daemon is this process: it says hello to the kernel, and then reads no request. So who
    looks at anything in the folder waits in the kernel, and can be killed. When the daemon's descriptor is
    closed, at the latest with this process, the kernel answers all of them with an error.
    """
    daemon = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    place = os.fsencode(folder)
    try:
        options = f"fd={daemon},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
        _succeed(_libc.mount(b"stalled", place, b"fuse.stalled", _NOSUID | _NODEV, options))
        try:
            _say_hello(daemon)
            yield
        finally:
            _succeed(_libc.umount2(place, _FORCE | _DETACH))
    finally:
        os.close(daemon)


def _say_hello(daemon: int) -> None:
    """Answer the one request that the kernel makes of itself."""
    unique = _HEADER.unpack_from(os.read(daemon, 1 << 17))[2]
    body = _INIT.pack(_MAJOR, _MINOR, 0, _PARALLEL, 12, 9, 4096, 1, 1, 0, 0)
    os.write(daemon, _REPLY.pack(_REPLY.size + len(body), 0, unique) + body)


def _succeed(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@pytest.fixture
def office(tmp_path: Path, short_prompts: Path) -> Iterator[Office]:
    """Acme's key, ledger, prompts and look-up are in a folder of their own, `nas`."""
    office = Office(
        tmp_path / "etc", {str(f.relative_to(short_prompts)): f for f in short_prompts.glob("*/*.wav")}
    )
    nas = office.folder / "nas"
    nas.mkdir()
    for folder in ("it", "en"):
        shutil.copytree(office.folder / "prompts" / folder, nas / folder)
    shutil.move(office.folder / "keys/acme.key", nas / "acme.key")
    (nas / "customers.yaml").write_text(f"database: {nas}/customers.sqlite3\n")
    (nas / "customers.yaml").chmod(0o600)
    office.edit("fallback_prompt: prompts/it/short", "fallback_prompt: prompts/de/short")
    office.edit("key: keys/acme.key", "key: nas/acme.key")
    office.edit("ledger: ledger/acme.sqlite3", "ledger: nas/acme.sqlite3")
    for name in ("it/short", "en/short", "it/full", "en/full"):
        office.edit(f": prompts/{name}", f": nas/{name}")
    office.edit(
        "    time_zone: Europe/Rome",
        "    lookups:\n"
        "      crm: {notice: privacy, by: contract, driver: sqlite3, connect: nas/customers.yaml,\n"
        "        query: 'SELECT version, date, reference FROM told WHERE number = {number}'}\n"
        "    time_zone: Europe/Rome",
    )
    yield office
    office.kill()


@contextmanager
def call(office: Office, line: str) -> Iterator[socket.socket]:
    """A call to a line, as Asterisk brings it to the service."""
    with socket.create_connection(("127.0.0.1", office.port), 30) as connection:
        environment = {
            "agi_network": "yes",
            "agi_network_script": office.script,
            "agi_request": f"agi://127.0.0.1:{office.port}/{office.script}",
            "agi_uniqueid": "1700000000.1",
            "agi_callerid": "+393331234567",
            "agi_callingpres": "0",
            "agi_threadid": "1",
            "agi_arg_1": line,
        }
        text = "".join(f"{name}: {value}\n" for name, value in environment.items())
        connection.sendall(f"{text}\n".encode())
        yield connection


def assert_answered(office: Office, line: str) -> None:
    """A call to that line is answered."""
    with call(office, line) as connection:
        assert connection.recv(100) == b"ANSWER\n"


def test_i10_service_starts_reloads_and_ends_beside_a_folder_that_stalls(office: Office) -> None:
    """I10: acme is not live and its calls are left to the dialplan; borealis is served after a start and
    after a reload, and SIGTERM ends the service in good order."""
    with stalled(office.folder / "nas"):
        office.start()
        assert_answered(office, BOREALIS)
        with call(office, ACMES) as connection:
            assert connection.recv(100) == b""
        office.edit("retention: 5 years", "retention: 6 years")
        assert office.reload()
        assert_answered(office, BOREALIS)
        assert f"{office.folder}/nas cannot be read within 5 s" in office.log_text
        assert office.stop() == 0
    assert "a defect of informativa" not in office.log_text


def test_i10_folder_that_stalls_in_service_holds_nobody_else(office: Office) -> None:
    """I10: acme's calls are given back in time, borealis is served before and after a reload, and SIGTERM
    ends the service in good order."""
    office.start()
    assert_answered(office, ACMES)
    with stalled(office.folder / "nas"):
        assert_answered(office, BOREALIS)
        office.edit("retention: 5 years", "retention: 6 years")
        assert office.reload()
        assert_answered(office, BOREALIS)
        with call(office, ACMES) as connection:
            assert connection.recv(100) != b"ANSWER\n"
        assert_answered(office, BOREALIS)
        assert office.stop() == 0
    assert "a defect of informativa" not in office.log_text


WRITING = """
import sys
from pathlib import Path
from informativa.evidence.tile_files import TileFolder
from informativa.evidence.tiles import Tile
from informativa.system.patience import within
try:
    within(0.5, lambda: TileFolder(Path(sys.argv[1])).write([(Tile(0, 0), bytes(32))]))
except TimeoutError:
    print("nobody waits for it")
"""


def test_i10_signing_that_stalls_keeps_no_process(tmp_path: Path) -> None:
    """I10: SIGTERM ends a service whose log is being written into a folder that has stalled."""
    with stalled(tmp_path):
        command = [sys.executable, "-c", WRITING, tmp_path]
        ran = subprocess.run(command, capture_output=True, timeout=30, check=False)
    assert (ran.stdout, ran.stderr, ran.returncode) == (b"nobody waits for it\n", b"", 0)


@pytest.mark.night
def test_i10_commands_name_the_folder_that_stalls(office: Office) -> None:
    """I10: `status`, `check` and `doctor` end, and name the folder; a script of borealis serves its call."""
    with stalled(office.folder / "nas"):
        script = Script(office.config, agi_arg_1=BOREALIS)
        try:
            assert script.hear() == "ANSWER"
        finally:
            script.process.kill()
            script.process.communicate()
        with ThreadPoolExecutor(3) as threads:
            done = list(threads.map(lambda name: started(name, "-c", office.config), COMMANDS))
    for name, ran in zip(COMMANDS, done, strict=True):
        output = ran.stdout + ran.stderr
        assert f"{office.folder}/nas cannot be read within 5 s" in output, name
        assert "controllers.acme" in output, name
        assert "no answer in" not in output, output
        assert ran.returncode == 1, name
