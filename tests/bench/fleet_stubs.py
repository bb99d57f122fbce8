"""Boxes that have no calls: `python -m bench.fleet_stubs FILE`, whose lines are connection strings, each with
the name of its box before it.

Each has the connection of a box's exchange: it listens, looks every two seconds and when it is called, and
says every ten that it is alive, by the statements of the exchange. It takes nothing in, and ends with its
input.
"""

from __future__ import annotations

import os
import select
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from informativa.sharing import box_statements
from informativa.sharing.meeting_place import IDLE_SECONDS, SAY_SECONDS


@dataclass
class Stub:
    """The connection of one box, with the times when it is to look and to speak."""

    box: str
    connection: psycopg.Connection[tuple[object, ...]]
    look_at: float
    say_at: float

    def act(self, now: float) -> None:
        """Do what is due, as `MeetingPlace` does when there is no news."""
        if now >= self.say_at:
            self.connection.execute(box_statements.SEEN, (self.box, "bench", None))
            self.connection.execute(box_statements.STANDING, (self.box,)).fetchall()
            self.say_at = now + SAY_SECONDS
        if now >= self.look_at:
            with self.connection.pipeline():
                hints = self.connection.execute(box_statements.HINTS, (self.box,))
                self.connection.execute(box_statements.TO_ERASE, (self.box,))
            hints.fetchall()
            self.look_at = now + IDLE_SECONDS

    def hear(self) -> None:
        """Read the calls of other boxes."""
        self.connection.pgconn.consume_input()
        while self.connection.pgconn.notifies():
            self.look_at = 0.0


def main(file: str) -> None:
    """Play all boxes until the input ends."""
    stubs, poll, begun = {}, select.poll(), time.monotonic()
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        box, _, address = line.partition(" ")
        connection = psycopg.connect(address, autocommit=True)
        connection.execute(box_statements.LISTEN)
        late = number / len(lines)  # not all at the same moment
        stub = Stub(box, connection, begun + IDLE_SECONDS * late, begun + SAY_SECONDS * late)
        stubs[connection.fileno()] = stub
        poll.register(connection.fileno(), select.POLLIN)
    poll.register(sys.stdin.fileno(), select.POLLIN)
    print("ready", flush=True)
    while True:
        now = time.monotonic()
        for stub in stubs.values():
            stub.act(now)
        due = min(min(stub.look_at, stub.say_at) for stub in stubs.values())
        for descriptor, _event in poll.poll(max(1.0, (due - time.monotonic()) * 1000)):
            if descriptor not in stubs:
                os._exit(0)
            stubs[descriptor].hear()


if __name__ == "__main__":
    main(*sys.argv[1:])
