"""A witness: its key, and the service that signs checkpoints of other people's logs."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from ...evidence.note import Verifier
from ...evidence.witness import logs_of
from ...evidence.witness_approvals import WitnessApprovals
from ...evidence.witness_server import WitnessServer, in_a_thread
from ...evidence.witness_store import WitnessFolder, WitnessStore
from ...model.errors import EvidenceError, InformativaError
from ...model.text import Foreign, Text
from ...system.patience import in_thread
from ..document import Time

log = structlog.get_logger("informativa")

APPROVALS_SECONDS = 5.0  # between two looks into the folder of approvals


@dataclass(frozen=True)
class WitnessedCheckpoint:
    """The last checkpoint of a log that the witness signed."""

    log: str
    """The origin of the log."""
    size: int
    """The number of records it has."""
    root: str
    """The root of the tree, in hexadecimal."""
    at: Time
    """The time of the signature."""


@dataclass(frozen=True)
class Witness:
    """A witness of one's own."""

    key: str
    """Its public key."""
    folder: Path
    """The folder of its private key."""
    logs: tuple[WitnessedCheckpoint, ...]
    """The last checkpoint of each log that it signed."""


def make(folder: Path, name: str) -> bool:
    """Make the key of a witness in a folder, unless it has one of that name; return whether it was made.
    Raises EvidenceError."""
    witness_folder = WitnessFolder(folder)
    if not witness_folder.key_file.exists():
        witness_folder.make(name)
        return True
    present_name = witness_folder.witness().verifier.name
    if name != present_name:
        raise EvidenceError(
            Text(
                "The witness in {folder} is {name}",
                "another one needs a folder of its own",
                folder=folder,
                name=present_name,
            )
        )
    return False


def witness(folder: Path) -> Witness:
    """Return the witness in a folder, and the last checkpoint of each log that it signed. Raises
    EvidenceError."""
    witness_folder = WitnessFolder(folder)
    key = str(witness_folder.witness().verifier)
    with closing(WitnessStore(witness_folder)) as store:
        checkpoints = tuple(
            WitnessedCheckpoint(
                log=checkpoint.origin,
                size=checkpoint.size,
                root=checkpoint.root.hex(),
                at=datetime.fromtimestamp(at, UTC),
            )
            for checkpoint, at in store.last()
        )
    return Witness(key, folder, checkpoints)


def serve(folder: Path, keys: Sequence[Verifier], listen: str, approvals: Path | None = None) -> None:
    """Answer requests for signatures, and for the approvals in a folder, until SIGTERM or SIGINT. Raises
    InformativaError if it cannot start."""
    if not keys:
        raise InformativaError(
            Text("A witness signs for the logs that it is told, and none is named."),
            Text("Give the key that `informativa evidence key` shows: --log VKEY, or --policy FILE"),
        )
    asyncio.run(_serve(WitnessFolder(folder), keys, listen, approvals))


async def _serve(
    folder: WitnessFolder, keys: Sequence[Verifier], listen: str, approvals_folder: Path | None
) -> None:
    witness, witnessed_logs = folder.witness(), logs_of(keys)
    host, _, port = listen.rpartition(":")
    with closing(WitnessStore(folder)) as store, ThreadPoolExecutor(1) as pool:
        approvals = WitnessApprovals(approvals_folder, store) if approvals_folder else None
        if approvals:
            await _refresh(approvals, pool)
        server = WitnessServer(
            in_a_thread(store, witnessed_logs, witness, pool),
            told=_log_request,
            approvals=approvals.get if approvals else None,
        )
        try:
            address, bound_port = await server.start(host, int(port))
        except OSError as error:
            raise InformativaError(
                Text(
                    "{listen} cannot be listened on: {why}.",
                    listen=listen,
                    why=Foreign(_reason(error)),
                ),
                Text("Name another address and port with --listen."),
            ) from error
        log.info(
            "the witness answers",
            listen=f"{address}:{bound_port}",
            key=str(witness.verifier),
            logs=len(witnessed_logs),
        )
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        refreshing = asyncio.create_task(_keep_fresh(approvals, pool)) if approvals else None
        await stopped.wait()
        await server.close()
        if refreshing:
            refreshing.cancel()


async def _refresh(approvals: WitnessApprovals, pool: Executor) -> None:
    """Serve what is new in the folder of approvals. `pool` is the thread of the store. Raises
    EvidenceError."""
    new, problems = await in_thread(approvals.read_new)
    for problem in problems:
        log.warning("a file is no approval", problem=str(problem))
    await asyncio.get_running_loop().run_in_executor(pool, approvals.add, new)


async def _keep_fresh(approvals: WitnessApprovals, pool: Executor) -> None:
    """Read the folder of approvals anew from time to time."""
    last: Exception | None = None
    while True:
        await asyncio.sleep(APPROVALS_SECONDS)
        try:
            await _refresh(approvals, pool)
            last = None
        except (EvidenceError, RuntimeError) as error:  # RuntimeError: the system gives no thread
            if str(error) != str(last):
                log.error("the approvals cannot be read", error=str(error))
            last = error


def _reason(error: OSError) -> str:
    """Return the system's text of an error, because asyncio's repeats the address; for a name that cannot be
    resolved the resolver's."""
    number = error.errno or 0
    return os.strerror(number) if number > 0 else error.strerror or str(error)


_SUBJECTS = {"signature": "a signature", "approval": "an approval"}


def _log_request(subject: str, status: int, peer: str) -> None:
    log.info(f"a request for {_SUBJECTS[subject]}", status=status, peer=peer)
