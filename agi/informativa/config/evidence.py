"""The settings under `evidence`, and the secrets that they name."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..evidence.settings import (
    EvidenceSettings,
    PublishingTarget,
    TargetKind,
    TimestampAuthority,
    WitnessAddress,
)
from ..files import reading
from ..text import Text
from .document import KeyPath
from .findings import Findings
from .messages import unknown

if TYPE_CHECKING:
    from . import schema

_LOOPBACK = r"https:|http://(127(\.\d{1,3}){3}|localhost|\[::1\])([:/]|$)"
_LARGEST_PEM = 1_000_000  # bytes that are looked at


class Evidence:
    """Makes them out, and notes what is wrong on the way."""

    def __init__(self, settings: schema.Settings, folder: Path, found: Findings) -> None:
        self._given, self._folder, self._found = settings.evidence, folder, found
        self._controllers: Collection[str] = settings.controllers

    def build(self) -> EvidenceSettings:
        """All of them, as far as they are in order."""
        given = self._given
        built = EvidenceSettings(
            domain=given.domain or "",
            box=given.box or "",
            interval=given.interval,
            targets=tuple(self._targets()),
            witnesses=tuple(self._witnesses()),
            quorum=given.quorum,
            timestamp=self._timestamp() if given.timestamp else None,
        )
        if (built.targets or built.witnesses) and not built.domain:
            self._found.wrong(
                ("evidence",),
                Text("needs `domain`, since what others keep must have a name of its own"),
            )
        self._require_quorum(built)
        return built

    def _targets(self) -> Iterator[PublishingTarget]:
        places: set[str] = set()
        for index, given in enumerate(self._given.publish):
            path: KeyPath = ("evidence", "publish", index)
            kinds = {TargetKind.FOLDER: given.folder, TargetKind.GIT: given.git, TargetKind.URL: given.url}
            named = [(kind, place) for kind, place in kinds.items() if place]
            self._known(path, given.controllers)
            if any(self._found.lacks((*path, kind.value)) for kind in kinds):
                continue
            if len(named) != 1:
                self._found.wrong(path, Text("needs one of `folder`, `git` and `url`"))
                continue
            kind, place = named[0]
            if kind is TargetKind.URL:
                self._address((*path, "url"), place)
                place = place.rstrip("/")
            else:
                place = str(self._folder / place)
                if given.token:
                    self._found.wrong((*path, "token"), Text("goes with `url`"))
            if place in places:
                self._found.wrong((*path, kind.value), Text("stands here twice"))
                continue
            places.add(place)
            token = self._token((*path, "token"), given.token) if given.token else ""
            yield PublishingTarget(
                kind, place, given.independent, given.entries, token, tuple(given.controllers)
            )

    def _witnesses(self) -> Iterator[WitnessAddress]:
        keys: set[str] = set()
        for index, given in enumerate(self._given.witness):
            path: KeyPath = ("evidence", "witness", index)
            self._known(path, given.controllers)
            self._address((*path, "url"), given.url)
            if given.key in keys:
                self._found.wrong((*path, "key"), Text("stands here twice"))
                continue
            keys.add(given.key)
            yield WitnessAddress(given.key, given.url.rstrip("/"), tuple(given.controllers))

    def _timestamp(self) -> TimestampAuthority | None:
        given = self._given.timestamp
        assert given is not None  # asked before
        if importlib.util.find_spec("rfc3161_client") is None:
            self._found.wrong(
                ("evidence", "timestamp"),
                Text(
                    "needs the Python module rfc3161-client",
                    "type: {prefix}/bin/pip install 'informativa[timestamp]'",
                    prefix=Path(sys.prefix),
                ),
            )
        file = self._folder / given.certificates
        if not file.is_file():
            self._found.wrong(
                ("evidence", "timestamp", "certificates"),
                Text(
                    "there is no file {file}", "put the certificates of the authority's root there", file=file
                ),
            )
        elif not _has_certificates(file):
            self._found.wrong(
                ("evidence", "timestamp", "certificates"),
                Text(
                    "{file} has no certificates in it",
                    "put there those of the authority's root (PEM)",
                    file=file,
                ),
            )
        return TimestampAuthority(given.url, str(file))

    def _require_quorum(self, built: EvidenceSettings) -> None:
        """That there are so many witnesses for each controller that has any."""
        for name in self._controllers:
            own = built.of(name)
            if own.witnesses and own.enough > len(own.witnesses):
                message = Text(
                    "{id} has {count} witnesses, fewer than must sign",
                    "write all, or a smaller number",
                    id=name,
                    count=len(own.witnesses),
                )
                self._found.wrong(("evidence", "quorum"), message)

    def _known(self, path: KeyPath, names: Collection[str]) -> None:
        for name in names:
            if name not in self._controllers:
                self._found.wrong(
                    (*path, "controllers"), unknown(Text("controller"), name, self._controllers)
                )

    def _address(self, path: KeyPath, url: str) -> None:
        if re.search(r"[?#]", url):
            self._found.wrong(path, Text("has something after the path", "leave out what begins with ? or #"))
        if not re.match(_LOOPBACK, url):
            self._found.warn(path, Text("whoever is on the way can answer in its place", "use https"))

    def _token(self, path: KeyPath, given: str) -> str:
        file = self._folder / given
        absent = Text("there is no file {file}", "put the token there, then type: {private}")
        private = self._found.private(file)
        return (
            self._found.secret(file, path, partial(absent.format, file=file, private=private)) or ""
        ).strip()


def _has_certificates(file: Path) -> bool:
    """Whether it looks so. One that cannot be read now says so when it is needed."""
    try:
        with reading(file) as opened:
            return b"-----BEGIN CERTIFICATE-----" in opened.read(_LARGEST_PEM)
    except OSError:
        return True
