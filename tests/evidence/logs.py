"""The log of acme, as its configuration has it signed and published; and the section `evidence` there."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from examples import PLAYED
from informativa.config import load
from informativa.evidence.note import Verifier
from informativa.model import Controller
from informativa.operations.evidence import logs, publishing
from informativa.process import publication, storage

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def written(folder: Path, *lines: str) -> Path:
    """The configuration with these lines under `evidence`."""
    file = folder / "informativa.yaml"
    section = "".join(f"  {line}\n" for line in lines)
    file.write_text(file.read_text().replace("\noperator:", f"\nevidence:\n{section}operator:", 1))
    return file


def configured(folder: Path, *lines: str) -> Controller:
    """acme, with the section `evidence`."""
    written(folder, "domain: acme.example", "box: pbx-1", *lines)
    return load(folder / "informativa.yaml").controllers["acme"]


def record(controller: Controller, count: int = 1) -> None:
    """Calls go on."""
    with closing(storage.store(controller)) as store:
        store.append([PLAYED] * count)


def signed(folder: Path) -> int:
    """The size after signing what is there, unless somebody elsewhere is against it."""
    configuration = load(folder / "informativa.yaml")
    acme = configuration.controllers["acme"]
    sequenced = logs.checkpoint(
        acme, elsewhere=publication.sources(configuration.evidence.for_controller("acme"))
    )
    return sequenced.size


def published(folder: Path) -> publishing.PublishedLog:
    """Publish a log, and return the result."""
    configuration = load(folder / "informativa.yaml")
    acme = configuration.controllers["acme"]
    (published_log,) = publishing.publish([acme], configuration.evidence, NOW).logs
    return published_log


def key(controller: Controller) -> Verifier:
    """The log's."""
    public_key = logs.keys(controller)[0].key
    assert public_key is not None
    return Verifier.parse(public_key)
