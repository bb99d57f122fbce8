"""Two boxes whose logs have rules and notes: what tests of several files do with them."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from commands import typed
from examples import PLAYED
from informativa.evidence.approval import LeafIdentity
from informativa.operations.evidence import logs
from informativa.process import storage
from informativa.sharing.connection import connect
from informativa.sharing.exchange import Exchange
from lab.postgres import SUPERUSER, Postgres
from sharing.installation import Installation, of

Pair = tuple[Installation, Installation]


def ruled(boxes: Sequence[Installation], *lines: str) -> None:
    """Let the logs of these have names of their own, and these lines stand in the company's configuration."""
    for box in boxes:
        evidence = f"\nevidence:\n  domain: acme.example\n  box: {box.box}\noperator:"
        text = box.file.read_text().replace("\noperator:", evidence, 1)
        place = "    ledger: ledger/acme.sqlite3\n"
        box.file.write_text(text.replace(place, "".join((place, *(f"    {line}\n" for line in lines)))))


def recorded(box: Installation, *times: datetime) -> None:
    """Calls of the caller at these times, on record by the rule of the configuration."""
    with closing(storage.store(box.configuration.controllers["acme"])):  # which states the rule first
        for at in times:
            box.record(replace(PLAYED, at=at))


def sent(*boxes: Installation) -> None:
    """Sign what there is, and let the boxes exchange it until nothing is left."""
    for box in (*boxes, *boxes):
        acme, shared = box.configuration.controllers["acme"], box.configuration.shared
        assert shared is not None
        logs.checkpoint(acme)
        keys = (acme.key, *acme.old_keys)
        exchange = Exchange(storage.store(acme), connect(shared, "acme"), shared, "acme", keys=keys)
        with closing(exchange) as own:
            while own.erase() or own.send() or own.receive() or own.send_proofs():
                pass


def bundled(box: Installation, file: Path, *more: object) -> tuple[dict[str, Any], str]:
    """Return what a bundle of all boxes says of itself in JSON, and its README."""
    days = "--from", "2020-01-01", "--to", "2099-12-31"
    code, out, error = typed(
        "evidence", "bundle", *days, "--all-boxes", "-o", file, "--json", *of(box), *more
    )
    assert (code, error) == (0, "")
    return json.loads(out), readme(file)


def readme(file: Path) -> str:
    """The README of a bundle, on one line."""
    with zipfile.ZipFile(file) as opened:
        (name,) = (name for name in opened.namelist() if name.endswith("README.txt"))
        return " ".join(opened.read(name).decode().split())


def waiting(box: Installation) -> LeafIdentity:
    """The note of the erasure that waits in the log of that box."""
    with closing(storage.store(box.configuration.controllers["acme"], read_only=True)) as store:
        (note,) = (note for note in store.log_notes() if note.kind == "erasure")
        return note.leaf


def silent(server: Postgres, box: str = "pbx-2") -> None:
    """The box was not heard of for two hours."""
    server.sql(f"UPDATE informativa.box SET seen = now() - interval '2 hours' WHERE box = '{box}'")


def renamed(box: Installation, name: str, ledger: Path | None = None) -> Installation:
    """Another machine set up as that box is, with this name, and with a copy of a ledger if there is one."""
    folder = box.file.parent.parent / f"etc-{name}"
    shutil.copytree(box.file.parent, folder, ignore=shutil.ignore_patterns("ledger"))
    new = Installation(folder / "informativa.yaml", name)
    new.file.write_text(new.file.read_text().replace(f"box: {box.box}\n", f"box: {name}\n"))
    if ledger is not None:
        target = Path(new.acme.ledger)
        target.parent.mkdir(parents=True)
        shutil.copytree(ledger.parent, target.parent, dirs_exist_ok=True)
    assert typed("shared", "migrate", "--as", SUPERUSER, *of(new))[0] == 0
    return new


def replaced(box: Installation, *words: object) -> tuple[int, dict[str, Any]]:
    """The exit code of the command, and what it says of the company."""
    code, out, error = typed("boxes", "replace", *words, "--json", *of(box))
    result = json.loads(out)
    assert not result["failed"], error
    return code, result["boxes"][0]
