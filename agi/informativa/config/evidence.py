"""The settings under `evidence`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..evidence.settings import (
    EvidenceConfig,
    PublishingTarget,
    WitnessAddress,
)
from ..model.text import Text
from .document import KeyPath
from .findings import Findings
from .messages import unknown

if TYPE_CHECKING:
    from . import schema

_LOOPBACK = r"https:|http://(127(\.\d{1,3}){3}|localhost|\[::1\])([:/]|$)"


class Evidence:
    """A builder of the settings under `evidence`, which notes problems on the way."""

    def __init__(self, settings: schema.Settings, folder: Path, findings: Findings) -> None:
        self._section, self._folder, self._findings = settings.evidence, folder, findings
        self._controllers: Collection[str] = settings.controllers

    def build(self) -> EvidenceConfig:
        """Build all settings that are in order."""
        section = self._section
        settings = EvidenceConfig(
            domain=section.domain or "",
            box=section.box or "",
            interval=section.interval,
            targets=tuple(self._targets()),
            witnesses=tuple(self._witnesses()),
            quorum=section.quorum,
        )
        if (settings.targets or settings.witnesses) and not settings.domain:
            self._findings.add_problem(
                ("evidence",),
                Text("needs `domain`, since what others keep must have a name of its own"),
            )
        self._require_quorum(settings)
        return settings

    def _targets(self) -> Iterator[PublishingTarget]:
        folders: set[str] = set()
        for index, section in enumerate(self._section.publish):
            path: KeyPath = ("evidence", "publish", index)
            self._require_controllers(path, section.controllers)
            folder = str(self._folder / section.folder)
            if folder in folders:
                self._findings.add_problem((*path, "folder"), Text("stands here twice"))
                continue
            folders.add(folder)
            yield PublishingTarget(folder, section.independent, section.entries, tuple(section.controllers))

    def _witnesses(self) -> Iterator[WitnessAddress]:
        keys: set[str] = set()
        for index, section in enumerate(self._section.witness):
            path: KeyPath = ("evidence", "witness", index)
            self._require_controllers(path, section.controllers)
            self._address((*path, "url"), section.url)
            if section.key in keys:
                self._findings.add_problem((*path, "key"), Text("stands here twice"))
                continue
            keys.add(section.key)
            yield WitnessAddress(section.key, section.url.rstrip("/"), tuple(section.controllers))

    def _require_quorum(self, settings: EvidenceConfig) -> None:
        """Note a problem for each controller with fewer witnesses than must sign."""
        for name in self._controllers:
            controller_settings = settings.for_controller(name)
            if controller_settings.witnesses and controller_settings.required_witnesses > len(
                controller_settings.witnesses
            ):
                message = Text(
                    "{id} has {count} witnesses, fewer than must sign",
                    "write all, or a smaller number",
                    id=name,
                    count=len(controller_settings.witnesses),
                )
                self._findings.add_problem(("evidence", "quorum"), message)

    def _require_controllers(self, path: KeyPath, names: Collection[str]) -> None:
        for name in names:
            if name not in self._controllers:
                self._findings.add_problem(
                    (*path, "controllers"), unknown(Text("controller"), name, self._controllers)
                )

    def _address(self, path: KeyPath, url: str) -> None:
        if re.search(r"[?#]", url):
            self._findings.add_problem(
                path, Text("has something after the path", "leave out what begins with ? or #")
            )
        if not re.match(_LOOPBACK, url):
            self._findings.add_warning(
                path, Text("whoever is on the way can answer in its place", "use https")
            )
