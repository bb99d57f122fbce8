"""A witness: its key, and the service that signs checkpoints of other people's logs."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import structlog

from ...errors import EvidenceError, InformativaError
from ...evidence.cosignature import WitnessVerifier
from ...evidence.note import Verifier
from ...evidence.witness import logs_of
from ...evidence.witness_server import WitnessServer, in_a_thread
from ...evidence.witness_store import WitnessFolder, WitnessStore
from ...text import Foreign, Text

log = structlog.get_logger("informativa")


@dataclass(frozen=True)
class WitnessKey:
    """The public key of a witness."""

    folder: Path
    """The folder of the private key."""
    key: WitnessVerifier
    made: bool
    """`True` if the key was made just now."""


@dataclass(frozen=True)
class WitnessedLog:
    """The last checkpoint of a log that a witness signed."""

    origin: str
    """The name of the log."""
    size: int
    """The number of records in the checkpoint."""
    root: bytes
    """The root hash of the log's tree."""
    at: int
    """The time of the signature, in POSIX seconds."""


def key(folder: Path, name: str = "") -> WitnessKey:
    """Return the key of the witness in a folder; with a `name` make it if there is none. Raises
    EvidenceError."""
    witness_folder = WitnessFolder(folder)
    if witness_folder.key_file.exists() or not name:
        verifier = witness_folder.witness().verifier
        if name and name != verifier.name:
            raise EvidenceError(
                Text(
                    "The witness in {folder} is {name}",
                    "another one needs a folder of its own",
                    folder=folder,
                    name=verifier.name,
                )
            )
        return WitnessKey(folder, verifier, made=False)
    return WitnessKey(folder, witness_folder.make(name).verifier, made=True)


def logs(folder: Path) -> list[WitnessedLog]:
    """Return the last checkpoint of each log that the witness in a folder signed. Raises EvidenceError."""
    with closing(WitnessStore(WitnessFolder(folder))) as store:
        return [
            WitnessedLog(checkpoint.origin, checkpoint.size, checkpoint.root, at)
            for checkpoint, at in store.last()
        ]


def serve(folder: Path, keys: Sequence[Verifier], listen: str) -> None:
    """Answer requests for signatures until SIGTERM or SIGINT. Raises InformativaError if it cannot start."""
    if not keys:
        raise InformativaError(
            Text("A witness signs for the logs that it is told, and none is named."),
            Text("Give the key that `informativa evidence key` shows: --log VKEY, or --policy FILE"),
        )
    asyncio.run(_serve(WitnessFolder(folder), keys, listen))


async def _serve(folder: WitnessFolder, keys: Sequence[Verifier], listen: str) -> None:
    witness, witnessed_logs = folder.witness(), logs_of(keys)
    host, _, port = listen.rpartition(":")
    with closing(WitnessStore(folder)) as store, ThreadPoolExecutor(1) as pool:
        server = WitnessServer(in_a_thread(store, witnessed_logs, witness, pool), told=_log_request)
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
        await stopped.wait()
        await server.close()


def _reason(error: OSError) -> str:
    """Return the system's text of an error, because asyncio's repeats the address; for a name that cannot be
    resolved the resolver's."""
    number = error.errno or 0
    return os.strerror(number) if number > 0 else error.strerror or str(error)


def _log_request(status: int, peer: str) -> None:
    log.info("a request for a signature", status=status, peer=peer)
