"""Processes that append, and that sign and publish, to be killed: one that has everything imported starts and
ends them at a command, so that a test can have hundreds."""

from __future__ import annotations

import itertools
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from examples import PLAYED
from informativa.config import load
from informativa.evidence.settings import EvidenceConfig
from informativa.model import Controller
from informativa.model.errors import SIGNED_ELSEWHERE, LedgerError, SigningError
from informativa.operations.evidence import logs
from informativa.process import publication, storage
from lab.process import die_with

LARGEST = 3  # records in one transaction


def append(acme: Controller, acknowledged: Path, progress: int, dice: random.Random) -> None:
    """Records without end; the number and the call of each are told after its commit."""
    descriptor = os.open(acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    prefix = os.urandom(8).hex()
    with closing(storage.store(acme)) as store:
        for turn in itertools.count():
            calls = [f"{prefix}.{turn}.{at}" for at in range(dice.randint(1, LARGEST))]
            time.sleep(dice.uniform(0, 0.01))  # from one call to the next
            events = [replace(PLAYED, call=call, pseudonym=os.urandom(32)) for call in calls]
            try:
                numbers = store.append(events)
            except LedgerError as error:
                if getattr(error.__cause__, "sqlite_errorname", "") != "SQLITE_BUSY":
                    raise
                continue  # the others had all the turns, and the caller hears the notice
            lines = [f"{number} {call}\n" for number, call in zip(numbers, calls, strict=True)]
            os.write(descriptor, "".join(lines).encode())
            os.write(progress, b"a")


def sign(acme: Controller, settings: EvidenceConfig, progress: int, dice: random.Random) -> None:
    """Sign and publish without end, as the service does; of two that do, one may be refused."""
    while True:
        time.sleep(dice.uniform(0, 0.02))  # the interval
        try:
            logs.checkpoint(acme, elsewhere=publication.sources(settings))
            errors = publication.publish(acme, settings, datetime.now(UTC))[0].errors
        except SigningError as error:
            if error.code == SIGNED_ELSEWHERE:
                continue
            raise
        for error in errors:
            print(f"complaint {error}", flush=True)
        os.write(progress, b"s")


def die(at: int) -> None:
    """Be killed at the n-th call that writes, syncs, renames or removes a file."""
    calls = itertools.count(1)

    def counted(function: Callable[..., object]) -> Callable[..., object]:
        def called(*arguments: object, **keywords: object) -> object:
            if next(calls) == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **keywords)

        return called

    for name in ("open", "fsync", "mkdir", "replace", "unlink", "rmdir"):
        setattr(os, name, counted(getattr(os, name)))


def main(configuration: Path, acknowledged: Path, progress: int) -> None:
    """Obey: `append SEED` and `sign CALLS` start a process, `kill PID` ends one that may have ended."""
    loaded = load(configuration)
    acme, settings = loaded.controllers["acme"], loaded.evidence.for_controller("acme")
    logs.keys(acme)  # what it needs is imported
    for line in sys.stdin:
        command, _, number = line.strip().partition(" ")
        if command == "kill":
            os.kill(int(number), signal.SIGKILL)
            os.waitpid(int(number), 0)
            print("gone", flush=True)
            continue
        parent = os.getpid()
        started = os.fork()
        if started:
            print(started, flush=True)
            continue
        try:
            die_with(parent)
            if command == "append":
                append(acme, acknowledged, progress, random.Random(int(number)))
            die(int(number))
            sign(acme, settings, progress, random.Random(int(number)))
        except Exception as error:  # whatever it is, the test has not expected it
            print(f"complaint {error!r}", flush=True)
            raise


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
