"""The settings under `lookups`, and the files with secrets that they name."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..model import Lookup
from ..model.text import Text
from .document import KeyPath
from .findings import Findings
from .messages import unknown

if TYPE_CHECKING:
    from .schema import ControllerSettings, LookupSettings


def lookups(name: str, section: ControllerSettings, folder: Path, findings: Findings) -> Iterator[Lookup]:
    """Iterate over a controller's look-ups that are in order."""
    for lookup_id, lookup in section.lookups.items():
        path: KeyPath = ("controllers", name, "lookups", lookup_id)
        if lookup.notice not in section.notices:
            findings.add_problem((*path, "notice"), unknown(Text("notice"), lookup.notice, section.notices))
        fault = _misshapen(lookup)
        if fault:
            findings.add_problem(path, fault)
            continue
        question = lookup.url or lookup.query or ""
        placeholders = set(re.findall(r"\{(.*?)\}", question))
        if placeholders not in ({"number"}, {"customer"}):
            message = Text(
                "must have {number} (E.164) or {customer} where the caller's stands,"
                " and nothing else in braces"
            )
            findings.add_problem((*path, "url" if lookup.url else "query"), message)
        if lookup.url and not re.match(r"https:|http://(127\.|localhost\b|\[::1\])", lookup.url):
            message = Text("callers' numbers travel in clear", "use https")
            findings.add_warning((*path, "url"), message)
        token = None
        if lookup.token is not None:
            file = folder / lookup.token
            absent = Text("there is no file {file}", "put the token there, then type: {private}")
            absent_message = partial(absent.format, file=file, private=findings.private(file))
            token = findings.secret(file, (*path, "token"), absent_message)
        yield Lookup(
            id=lookup_id,
            notice=lookup.notice,
            kind=lookup.by,
            question=question,
            seconds=lookup.milliseconds / 1000,
            driver=lookup.driver or "",
            token=(token or "").strip(),
            arguments=_arguments(lookup, folder, (*path, "connect"), findings),
        )


def _misshapen(lookup: LookupSettings) -> Text | None:
    """Return the fault in the combination of a look-up's settings, if any."""
    if (lookup.url is None) == (lookup.query is None):
        return Text("needs either `url` or `query`")
    if lookup.query is None and (lookup.driver or lookup.connect):
        return Text("`driver` and `connect` go with `query`, not with `url`")
    if lookup.url is None and lookup.token:
        return Text("`token` goes with `url`, not with `query`")
    if lookup.query is not None and not (lookup.driver and lookup.connect):
        return Text("needs `driver` (a Python module) and `connect` (a YAML file with its connect arguments)")
    if lookup.driver and not _installed(lookup.driver.partition(".")[0]):
        return Text(
            "there is no Python module {driver}",
            "install it with {prefix}/bin/pip",
            driver=lookup.driver,
            prefix=Path(sys.prefix),
        )
    return None


def _arguments(lookup: LookupSettings, folder: Path, path: KeyPath, findings: Findings) -> Mapping[str, str]:
    """Return the arguments of the driver's `connect`: YAML, in a file of its own, since a password is in
    it."""
    if lookup.connect is None:
        return {}
    file = folder / lookup.connect
    absent = Text("there is no file {file}", "write `database: …` and the like there, then type: {private}")
    text = findings.secret(file, path, partial(absent.format, file=file, private=findings.private(file)))
    import yaml

    try:
        arguments = yaml.safe_load(text or "{}")
    except yaml.YAMLError:
        arguments = None
    if not isinstance(arguments, dict) or not all(isinstance(key, str) for key in arguments):
        findings.add_problem(
            path,
            Text("{file} does not hold settings such as `host: db.example`, each on a line", file=file),
        )
        return {}
    return arguments


def _installed(module: str) -> bool:
    if module == "__main__":  # the program itself: how it was started decides whether it has an origin
        return False
    try:
        return importlib.util.find_spec(module) is not None
    except ValueError:  # what has no origin
        return False
