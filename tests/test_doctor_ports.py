"""Owners of the ports that the service is to have, as `doctor` and `check` name them."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from informativa.config import Configuration, load
from informativa.model.text import Text
from informativa.operations.doctor import asterisk_files, port_owner, ports, users
from informativa.operations.doctor.findings import Finding, ok, wrong
from informativa.operations.doctor.ports import Listener
from informativa.operations.doctor.system import System
from lab.office import Office

PROGRAM = """import socket, sys
with socket.create_server(("127.0.0.1", 0)) as listening:
    print(listening.getsockname()[1], flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def us() -> str:
    """The user who runs the tests."""
    return users.name(os.geteuid())


@pytest.fixture
def configuration(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Configuration:
    """One of a machine that has no other program's server."""
    monkeypatch.setattr(asterisk_files, "FOLDER", folder / "none/asterisk")
    monkeypatch.setattr(asterisk_files, "CONF", folder / "none/asterisk/asterisk.conf")
    return load(folder / "informativa.yaml")


@contextmanager
def taken() -> Iterator[int]:
    """A port that is ours, and free of listeners."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@contextmanager
def process(*arguments: str) -> Iterator[tuple[int, int]]:
    """Another process that listens, under these arguments: its port, and its id."""
    command = [sys.executable, "-c", PROGRAM, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        yield int(started.stdout.readline()), started.pid
        started.communicate()


def looked(
    configuration: Configuration, port: int, metrics: str = "", host: str = "127.0.0.1"
) -> list[Finding]:
    """Return what is found where the service is to have that port."""
    system = System(configuration.file, replace(configuration, host=host, port=port, metrics=metrics), ())

    async def story() -> list[Finding]:
        return [finding async for finding in ports.ports(system)]

    return asyncio.run(story())


def test_port_that_is_free(configuration: Configuration) -> None:
    """Of ports that can be had there is nothing to say, whichever they will be."""
    assert looked(configuration, 0, "127.0.0.1:0") == []


def test_port_of_another_process(configuration: Configuration, us: str) -> None:
    """A port that another program has is told with process and user, for the service and for its metrics."""
    with process() as (port, pid):
        assert looked(configuration, port, f"127.0.0.1:{port}") == [
            wrong(
                f"service.listen: 127.0.0.1:{port} is taken by process {pid} of {us}",
                "Stop that, or set another port.",
            ),
            wrong(
                f"service.metrics: 127.0.0.1:{port} is taken by process {pid} of {us}",
                "Stop that, or set another port.",
            ),
        ]


def test_port_that_is_usually_another_programs(
    configuration: Configuration, us: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose port it is wherever that program is, is said beside who has it."""
    with process() as (port, pid):
        server = port_owner._Server(port, "Else (else-agi)", "no such command", lambda _folder: ())
        monkeypatch.setattr(port_owner, "_SERVERS", (server,))
        assert looked(configuration, port) == [
            wrong(
                f"service.listen: 127.0.0.1:{port} is taken by process {pid} of {us} (it is the port of Else"
                " (else-agi))",
                "Stop that, or set another port.",
            )
        ]


def test_port_of_the_service(configuration: Configuration, us: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that the service has is in order, and `check` says it, too."""
    with process() as (port, pid):
        monkeypatch.setattr(ports, "_is_service", lambda process: process == pid)
        assert looked(configuration, port) == [
            ok(Text(f"127.0.0.1:{port}: the service runs (process {pid} of {us})."), note=True)
        ]


def test_service_is_known_by_its_answer(tmp_path: Path, us: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its process is called, as the Python that a package brings."""
    office = Office(tmp_path / "etc")
    monkeypatch.setattr(ports, "_words", lambda _process: ["python3", "/opt/x", "serve"])
    try:
        office.start()
        configuration = load(office.config)
        assert looked(configuration, office.port) == [
            ok(Text(f"127.0.0.1:{office.port}: the service runs (process {office.pid} of {us})."), note=True)
        ]
        assert looked(replace(configuration, tokens=("another",)), office.port) == [
            wrong(
                f"service.listen: 127.0.0.1:{office.port} is taken by process {office.pid} of {us}",
                "Stop that, or set another port.",
            )
        ]
    finally:
        office.stop()


@pytest.mark.parametrize(
    ("words", "is_service"),
    [
        (["informativa", "serve"], True),
        (["x/informativa", "serve"], True),
        (["informativa"], False),
        (["serve"], False),
    ],
)
def test_what_is_taken_for_the_service(tmp_path: Path, words: list[str], is_service: bool) -> None:
    """A process is the service if it is informativa's and was told to serve; any other is not."""
    program = tmp_path / words[0]
    program.parent.mkdir(exist_ok=True)
    program.write_text(PROGRAM)
    command = [sys.executable, program, *words[1:]]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        port = int(started.stdout.readline())
        listener = ports.occupied(f"127.0.0.1:{port}")
        started.communicate()
    assert listener == Listener(started.pid, users.name(os.geteuid()), is_service)
    assert not ports._is_service(started.pid)  # which has ended


def test_port_of_a_process_that_is_not_shown(
    configuration: Configuration, us: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the right to see whose socket it is, nobody is accused: root is to ask."""
    monkeypatch.setattr(users, "descriptors", lambda: iter(()))
    with process() as (port, _pid):
        assert looked(configuration, port) == [
            ok(
                Text(
                    f"127.0.0.1:{port} is taken by a program of {us}; as root, check says whether it is the"
                    " service."
                ),
                note=True,
            )
        ]


def test_port_of_which_nobody_shows_up() -> None:
    """A port that is bound, and at which nobody listens, is taken by nobody who is known."""
    with taken() as port:
        assert ports.occupied(f"127.0.0.1:{port}") == Listener(0, "?", False)


def test_listener_at_another_address() -> None:
    """Who listens on the same port of another address is not who has ours."""
    with taken() as port, socket.create_server(("127.0.0.2", port)):
        assert ports.occupied(f"127.0.0.1:{port}") == Listener(0, "?", False)
        assert ports.occupied(f"127.0.0.2:{port}") == Listener(os.getpid(), users.name(os.geteuid()), False)


def test_address_of_another_machine(configuration: Configuration) -> None:
    """An address that this machine does not have cannot be listened on, and that is wrong."""
    assert looked(configuration, 4588, host="192.0.2.1") == [
        wrong(
            "service.listen: 192.0.2.1:4588 cannot be listened on (Cannot assign requested address)",
            "Give it an address of this machine.",
        )
    ]


def test_port_of_a_program_that_is_installed(configuration: Configuration, folder: Path) -> None:
    """The port of a program that is on this machine is wrong even while that does not run."""
    (folder / "none").mkdir()
    (folder / "none/freepbx.conf").touch()
    assert ports.neighbours(replace(configuration, port=4573), folder / "none/asterisk") == [
        wrong(
            "127.0.0.1:4573 is the port of FreePBX (core-fastagi), which is on this machine: one of the two"
            " dies, or gets the other's calls",
            "set service.listen to another port, then write the dialplan again and restart the service",
        )
    ]
    assert ports.neighbours(replace(configuration, port=4588), folder / "none/asterisk") == []


def test_port_of_a_program_is_told_beside_what_stands_there(
    configuration: Configuration, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of a port that can be had now it is said that it is another program's."""
    server = port_owner._Server(0, "Else (else-agi)", "no such command", lambda _folder: (folder,))
    monkeypatch.setattr(port_owner, "_SERVERS", (server,))
    assert looked(configuration, 0) == [
        wrong(
            "127.0.0.1:0 is the port of Else (else-agi), which is on this machine: one of the two dies, or"
            " gets the other's calls",
            "set service.listen to another port, then write the dialplan again and restart the service",
        )
    ]
