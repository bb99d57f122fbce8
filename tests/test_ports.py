"""The lab's ports, which must be there still when they are used."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lab.ports import BLOCK, PORTS, free_port

MANY = "from lab.ports import *\nprint(*(free_port() for _ in range(BLOCK)), flush=True); input()"


def another() -> subprocess.Popen[str]:
    """A process that got as many as it can, until it is told to end."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    command, pipe = [sys.executable, "-c", MANY], subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, text=True)


def test_two_processes_never_get_the_same_port() -> None:
    """Also one that a process does not use yet, which nobody could see."""
    own = {free_port() for _ in range(BLOCK)}
    with another() as one, another() as other:
        theirs = [set(map(int, process.stdout.readline().split())) for process in (one, other)]  # type: ignore[union-attr]
        one.communicate("\n"), other.communicate("\n")
    assert all(len(ports) > BLOCK // 2 for ports in (own, *theirs))
    assert len(own | theirs[0] | theirs[1]) == len(own) + len(theirs[0]) + len(theirs[1])


FORKED = """
from lab.ports import *
mine = {free_port() for _ in range(BLOCK)}
if child := os.fork():
    os.waitpid(child, 0)
    print(*mine)
else:
    print(*{free_port() for _ in range(BLOCK)}, flush=True)
    os._exit(0)
"""
AT_ONCE = """
from lab.ports import *
together = threading.Barrier(8)
class Slow(socket.socket):  # so that all threads look for a block before one has it
    def bind(self, address):
        threading.Event().wait(0.01)
        super().bind(address)
socket.socket = Slow
ports = set()
def take():
    together.wait()
    ports.add(free_port())
threads = [threading.Thread(target=take) for _ in range(8)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
print(len(ports), len({port // BLOCK for port in ports}))
"""


def printed(program: str) -> list[list[int]]:
    """The numbers that a Python program prints, line by line."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", f"import os, socket, threading\n{program}"]
    lines = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    return [list(map(int, line.split())) for line in lines.splitlines()]


def test_process_that_was_forked_has_ports_of_its_own() -> None:
    """None of its parent's, which goes on to use them."""
    child, parent = map(set, printed(FORKED))
    assert len(child) > BLOCK // 2
    assert not child & parent


def test_threads_that_ask_at_once_have_one_block() -> None:
    """Else one of the blocks would be held by nobody, and another process would get the same ports."""
    assert printed(AT_ONCE) == [[8, 1]]


def test_block_whose_socket_was_closed_is_used_no_more() -> None:
    """Whoever closed a descriptor that was not his is told of, before another process gets the ports."""
    program = """
from lab import ports
ports.free_port()
os.close(ports._block(os.getpid()).claim.fileno())
try:
    ports.free_port()
except ports.NoPortError as error:
    print(*map(int, str(error).partition('closed descriptor ')[2].partition(',')[0].split()))
"""
    assert len(printed(program)[0]) == 1


def test_kernel_gives_none_of_them_to_anybody() -> None:
    """Whoever connects, or binds to 0, has one of its own range."""
    range_of_kernel = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(range_of_kernel.read_text().split()[0])
    if first < PORTS.stop:
        pytest.skip(f"{range_of_kernel} begins with {first} on this machine")
    assert all(free_port(kind) in PORTS for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM))


def test_port_that_is_taken_is_passed_over() -> None:
    """By somebody else, or by whoever got it before."""
    taken = free_port()
    with socket.create_server(("127.0.0.1", taken)):
        assert taken not in {free_port() for _ in range(2 * BLOCK)}
