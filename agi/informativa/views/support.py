"""A support bundle: its files, without personal data, in English for whoever helps; and what a terminal says
of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import yaml

from ..model.errors import InformativaError
from ..operations.problems import Failure
from ..operations.support.bundle import Collected, SupportBundle
from .documents import document_facts
from .messages import Language

README = """\
informativa {version}: what somebody who helps needs to see.
Made on {at} (UTC) by `informativa support-bundle`.

versions.json       informativa, Python, SQLite, the system, Asterisk, what informativa rests on
configuration.yaml  the settings that are known; what may be secret, references and comments are not in it
check.json          informativa check --json
doctor.json         informativa doctor --json
status.json         informativa status --json, without the last record of each ledger
journal.txt         the last warnings and errors of the service, in those facts that are of no call

Not in it: callers' numbers, pseudonyms, customers' numbers, references, records, keys, tokens, passwords,
what a database is asked, addresses of your own systems but for the host. Digits of what may be a number are
`#`, the called numbers are `(line 1)` and so on, what was taken out is `(removed)`.

In it: names of companies, of notices and purposes, of hosts, folders and users; how many calls there were.
Look through it before you send it: tar xzf FILE. Delete it afterwards.
"""


def members(collected: Collected) -> dict[str, str]:
    """Return the files, by name."""
    cleaner = collected.configuration.cleaner
    results = {
        "check.json": collected.checked,
        "doctor.json": collected.doctor,
        "status.json": collected.status,
    }
    return {
        "README.txt": README.format(
            version=collected.versions.informativa, at=f"{collected.at:%Y-%m-%d %H:%M}"
        ),
        "versions.json": _json(asdict(collected.versions)),
        "configuration.yaml": _yaml(collected.configuration.data),
        **{name: _json(cleaner.data(document_facts(_document(result)))) for name, result in results.items()},
        "journal.txt": "".join(f"{line}\n" for line in collected.journal),
    }


def bundle_message(bundle: SupportBundle, say: Language) -> Iterator[str]:
    """Yield the message of the file and its content, and what to do before it is sent."""
    yield say(
        "Wrote {file}, for you alone to read: {members}.", file=bundle.file, members=", ".join(bundle.members)
    )
    yield say(
        "No number, pseudonym, reference, key or password is in it; names of companies and hosts are. Look"
        " through it before you send it: tar xzf {file}",
        file=bundle.file,
    )


def _document(result: object) -> object:
    return Failure.of(result) if isinstance(result, InformativaError) else result


def _json(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _yaml(data: Any) -> str:
    if data is None:
        return "# The configuration cannot be read as YAML; check.json says why.\n"
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
