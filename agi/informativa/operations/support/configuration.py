"""The configuration as a helper may see it, and the secrets in it that must appear nowhere.

Only settings that are named here are shown, and only where they are well-formed: a value at a wrong place may
be a password. Comments are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from ...call.caller import spellings
from ...config import document as documents
from ...config import shape
from ...config.document import KeyPath, SourceDocument
from ...model.errors import ConfigError
from .cleaning import GONE, SHORTEST_SECRET, Cleaner

_LONG_PIECE = 6  # characters of a part of a secret that is removed by itself
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?")


class Kind(Enum):
    """The way in which a setting is shown."""

    SHOWN = "as it is"
    FILE = "the path, where a file or a folder is there"
    SECRET = "the same, and what is in it is nowhere"  # noqa: S105  # no password
    URL = "its host alone"
    HIDDEN = "not at all"


_C, _L = "controllers.*", "lines.*"
_V, _K, _O = f"{_C}.notices.*.versions[]", f"{_C}.lookups.*", f"{_C}.outsourcing"
_H = f"{_C}.choices.*"

KINDS: Mapping[Kind, tuple[str, ...]] = {
    Kind.SHOWN: (
        "format", "operator", "verification.*",
        "internal.variable", "internal.contexts[]", "internal.prefixes[]",
        "manager.address", "manager.user",
        *(f"service.{name}" for name in ("listen", "exposed", "sessions", "drain", "metrics", "elsewhere")),
        "evidence.domain", "evidence.box", "evidence.interval", "evidence.quorum",
        "evidence.publish[].independent", "evidence.publish[].entries", "evidence.publish[].controllers[]",
        "evidence.witness[].controllers[]",
        "web.listen", "web.names[]", "web.idle", "web.proxy.addresses[]",
        "web.proxy.client", "web.oidc.scopes[]", "web.oidc.name", "web.oidc.roles", "web.oidc.longest",
        "web.oidc.grants[].controller", "web.oidc.grants[].role",
        *(f"web.second_factor.{role}" for role in ("reader", "compliance", "admin")),
        *(f"{_C}.{name}" for name in ("name", "retention", "recycled_after", "time_zone", "old_keys_for")),
        f"{_C}.erasures", f"{_C}.report.language", f"{_C}.requests.four_eyes", f"{_C}.exports.four_eyes",
        f"{_C}.reason_for_looking",
        f"{_C}.service_purposes[]", f"{_C}.names.*.*",
        *(f"{_C}.letter.{name}" for name in ("contact", "dpo", "authority", "recipients[]", "transfers")),
        f"{_O}.contract.date", f"{_O}.analysis.date",
        f"{_V}.version", f"{_V}.purposes[]", f"{_V}.material", f"{_V}.starts",
        *(f"{_H}.{name}" for name in (
            "asks", "purpose", "holds", "again", "vouched", "keys.*", "tries", "wait", "silence",
            "withdraw_at", "versions[].version", "versions[].material", "versions[].starts",
        )),
        f"{_C}.hook.subject", f"{_C}.hook.timeout", "backup.keep", "backup.warn_after",
        f"{_K}.notice", f"{_K}.by", f"{_K}.driver", f"{_K}.milliseconds",
        *(f"{_L}.{name}" for name in (
            "controller", "language", "languages.*", "fallback[]", "region", "plan[].notice",
            "plan[].choice", "plan[].when", "plan[].countries[]", "consents",
            "keys.full", "keys.repeat", "keys.skip", "keys.skip_informs", "callers", "answer",
            "again_after_transfer", "service_data_only", "landlines", "require", "fallback_informs",
            "trust_restricted",
        )),
    ),
    Kind.FILE: (
        "fallback_prompt", "evidence.publish[].folder",
        "web.certificate", "web.folder",
        "backup.folder", f"{_C}.ledger", f"{_V}.short.*", f"{_V}.short_nokey.*", f"{_V}.full.*",
        f"{_V}.supplements.*.*", f"{_H}.versions[].short.*", f"{_H}.versions[].withdraw.*",
    ),
    Kind.SECRET: (
        "manager.secret", "service.token", "web.key",
        "web.oidc.secret",
        f"{_C}.key", f"{_C}.hook.secret", f"{_K}.token", f"{_K}.connect",
    ),
    Kind.URL: ("evidence.witness[].url", f"{_K}.url",
        f"{_C}.hook.url", "web.oidc.issuer", "web.oidc.url"),
    Kind.HIDDEN: (
        "shared_numbers[]", "web.proxy.header", "web.oidc.client", "web.oidc.grants[].value",
        "evidence.witness[].key", f"{_K}.query",
        f"{_C}.report.to[]", f"{_C}.report.sender", f"{_C}.report.run",
        f"{_C}.approver", f"{_C}.instruction", f"{_O}.processor", f"{_O}.sub_processors[]",
        f"{_O}.contract.reference", f"{_O}.analysis.reference",
    ),
}  # fmt: skip
_KIND_OF = {setting: kind for kind, settings in KINDS.items() for setting in settings}
_NAMED = (
    "controllers",
    "lines",
    "notices",
    "lookups",
    "short",
    "short_nokey",
    "full",
    "supplements",
    "languages",
    "verification",
)


@dataclass
class ShownConfiguration:
    """The configuration as it may be shown."""

    data: Any
    """The content; `None` if the file is not YAML."""
    cleaner: Cleaner
    """A cleaner of all other texts: it removes the configuration's secrets, and all telephone numbers."""


def shown_configuration(file: Path) -> ShownConfiguration:
    """Return the configuration of a file that may have any mistakes, or be missing."""
    text = ""
    try:
        text = documents.read(file)
        document = documents.parse(file, text)
        data = document.data
        shape.settings(document)  # marks what is malformed in `document`
    except ConfigError:
        words = {word for word in re.split(r"[\s'\"]+", text) if len(word) >= _LONG_PIECE}
        return ShownConfiguration(None, Cleaner(frozenset(words)))
    return _Redactor(document, file.absolute().parent).shown(data)


@dataclass
class _Redactor:
    document: SourceDocument
    folder: Path
    secrets: set[str] = field(default_factory=set)
    visible: set[str] = field(default_factory=set)
    lines: dict[str, str] = field(default_factory=dict)

    def shown(self, data: Any) -> ShownConfiguration:
        lines = data.get("lines") if isinstance(data.get("lines"), dict) else {}
        for index, (number, settings) in enumerate(lines.items(), 1):
            region = settings.get("region") if isinstance(settings, dict) else None
            with suppress(Exception):  # the number may be malformed
                self.lines |= dict.fromkeys(spellings(number, str(region or "")), f"(line {index})")
            self.lines[number] = f"(line {index})"
        value = self._value(data, (), "")
        hidden = {word for word in self.secrets - self.visible if len(word) >= SHORTEST_SECRET}
        addresses = frozenset(word for word in self.visible if _ADDRESS.fullmatch(word))
        cleaner = Cleaner(frozenset(hidden - addresses), self.lines, addresses)
        return ShownConfiguration(cleaner.data(value), cleaner)

    def _value(self, value: Any, path: KeyPath, setting: str) -> Any:
        if isinstance(value, dict):
            members = ((self._name(name, path, setting), name, member) for name, member in value.items())
            return {
                shown_name: self._value(member, (*path, name), _below(setting, name))
                for shown_name, name, member in members
            }
        if isinstance(value, list):
            return [self._value(member, (*path, index), f"{setting}[]") for index, member in enumerate(value)]
        kind = _KIND_OF.get(setting, Kind.HIDDEN)
        if self.document.lacks(path):
            kind = Kind.HIDDEN
        return self._scalar(str(value or ""), kind)

    def _name(self, name: str, path: KeyPath, setting: str) -> str:
        """Return a setting's name if there is such a setting and no secret is possible there, else `GONE`."""
        below = _below(setting, name)
        exists = any(
            existing == below or existing.startswith((f"{below}.", f"{below}[")) for existing in _KIND_OF
        )
        if not exists or below == "verification.*":
            self.secrets.add(name)
            return GONE
        if setting != "lines":
            self.visible.add(name)
        return name

    def _scalar(self, value: str, kind: Kind) -> str:
        match kind:
            case Kind.SHOWN:
                self.visible.add(value)
                return value
            case Kind.FILE | Kind.SECRET if (file := self._file(value, kind)) is not None:
                if kind is Kind.SECRET:
                    self.secrets |= set(_secrets_in(file))
                self.visible.add(value)
                return value
            case Kind.URL:
                self.secrets |= {value, *_pieces(value)}
                return f"{urlsplit(value).scheme}://{urlsplit(value).hostname}/{GONE}"
        self.secrets |= {value, *re.findall(r"'([^']+)'", value)}  # the values in a query, too
        return GONE

    def _file(self, value: str, kind: Kind) -> Path | None:
        """Return the path that a value names, if there is a file, or a folder for it; else the value may be
        the secret itself, in place of its file."""
        file = self.folder / value
        with suppress(OSError, ValueError):
            exists = file.exists() or any(file.parent.glob(f"{file.name}.*"))
            to_be_made = kind is Kind.FILE and file.parent != self.folder and file.parent.is_dir()
            if exists or to_be_made:
                return file
        return None


def _below(setting: str, name: str) -> str:
    last = setting.rpartition(".")[2]
    part = "*" if last in _NAMED or setting.endswith(".supplements.*") else name
    return f"{setting}.{part}" if setting else name


def _secrets_in(file: Path) -> Iterator[str]:
    """Yield the secrets in a file and in its earlier versions beside it."""
    for secret_file in (file, *file.parent.glob(f"{file.name}.*")):
        text = ""
        with suppress(OSError):
            text = secret_file.read_text(encoding="utf-8", errors="replace")
        with suppress(yaml.YAMLError):
            yield from (word for word in _scalars(yaml.safe_load(text)) if len(word) >= _LONG_PIECE)
        for line in text.splitlines():
            fields = (line.strip(), line.rpartition(":")[2].strip().replace("\\", ""))
            yield from (word for word in fields if len(word) >= SHORTEST_SECRET)


def _scalars(data: Any) -> Iterator[str]:
    if isinstance(data, Mapping):
        data = list(data.values())
    if isinstance(data, list):
        for member in data:
            yield from _scalars(member)
    elif data is not None:
        yield str(data)


def _pieces(url: str) -> Iterator[str]:
    """Yield the parts of a URL that may be secrets by themselves: all but the host and common words."""
    without_host = url.replace(str(urlsplit(url).hostname), " ")
    for piece in re.split(r"[\s/?&=@:#{}]+", without_host):
        if len(piece) >= SHORTEST_SECRET and piece not in ("http", "https", "number", "customer"):
            yield piece
