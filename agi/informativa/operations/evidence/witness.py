"""A witness of one's own: its key, and the service that signs for other people's logs."""

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
    """A witness's public key, the folder where its private one lies, and whether it was made just now."""

    folder: Path
    key: WitnessVerifier
    made: bool


@dataclass(frozen=True)
class WitnessedLog:
    """The last checkpoint of a log that a witness signed: how many records, and when, in POSIX seconds."""

    origin: str
    size: int
    root: bytes
    at: int


def key(folder: Path, name: str = "") -> WitnessKey:
    """The key of the witness in a folder; with a `name` it is made where there is none. Raises
    EvidenceError."""
    own = WitnessFolder(folder)
    if own.key_file.exists() or not name:
        found = own.witness().verifier
        if name and name != found.name:
            raise EvidenceError(
                Text(
                    "The witness in {folder} is {name}",
                    "another one needs a folder of its own",
                    folder=folder,
                    name=found.name,
                )
            )
        return WitnessKey(folder, found, made=False)
    return WitnessKey(folder, own.make(name).verifier, made=True)


def logs(folder: Path) -> list[WitnessedLog]:
    """What the witness in a folder signed last. Raises EvidenceError."""
    with closing(WitnessStore(WitnessFolder(folder))) as store:
        return [WitnessedLog(each.origin, each.size, each.root, at) for each, at in store.last()]


def serve(folder: Path, keys: Sequence[Verifier], listen: str) -> None:
    """Answer until SIGTERM or SIGINT. Raises InformativaError where it cannot begin."""
    if not keys:
        raise InformativaError(
            Text("A witness signs for the logs that it is told, and none is named."),
            Text("Give the key that `informativa evidence key` shows: --log VKEY, or --policy FILE"),
        )
    asyncio.run(_serve(WitnessFolder(folder), keys, listen))


async def _serve(folder: WitnessFolder, keys: Sequence[Verifier], listen: str) -> None:
    witness, known = folder.witness(), logs_of(keys)
    host, _, port = listen.rpartition(":")
    with closing(WitnessStore(folder)) as store, ThreadPoolExecutor(1) as pool:
        server = WitnessServer(in_a_thread(store, known, witness, pool), told=_told)
        try:
            at, number = await server.start(host, int(port))
        except OSError as error:
            raise InformativaError(
                Text(
                    "{listen} cannot be listened on: {why}.",
                    listen=listen,
                    why=Foreign(_reason(error)),
                ),
                Text("Name another address and port with --listen."),
            ) from error
        log.info("the witness answers", listen=f"{at}:{number}", key=str(witness.verifier), logs=len(known))
        stopped = asyncio.Event()
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(each, stopped.set)
        await stopped.wait()
        await server.close()


def _reason(error: OSError) -> str:
    """In the system's words, and not in asyncio's, which repeat the address; for a name that is none there
    are only the resolver's."""
    number = error.errno or 0
    return os.strerror(number) if number > 0 else error.strerror or str(error)


def _told(status: int, peer: str) -> None:
    log.info("a request for a signature", status=status, peer=peer)
