"""Boxes as they are installed: each has its configuration in a file, and commands are typed there."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from commands import typed
from doubles import CALLER
from examples import PLAYED
from informativa.call.caller import pseudonym
from informativa.config import Configuration, load
from informativa.evidence.commitment import bind
from informativa.model import Controller, Event, Identified
from informativa.process import bootstrap, storage

HE = Identified(CALLER, "IT")


@dataclass
class Installation:
    """A box: its configuration in a file."""

    file: Path
    box: str

    @property
    def configuration(self) -> Configuration:
        """The configuration as it is now."""
        return load(self.file)

    @property
    def acme(self) -> Controller:
        """The first company, whose log states no rule: its first record is number 1."""
        return replace(self.configuration.controllers["acme"], rule=None)

    def record(self, event: Event = PLAYED) -> None:
        """Put it on record of the caller, and send it."""
        acme = self.acme
        bound = replace(event, pseudonym=pseudonym(HE, acme.key), binding=bind(HE, acme.key))
        with closing(storage.store(acme)) as store:
            store.append([bound])

    def exchange(self) -> None:
        """Send and take in what there is, as a service does."""
        from informativa.sharing.connection import connect
        from informativa.sharing.exchange import Exchange

        shared = self.configuration.shared
        assert shared is not None
        acme = self.acme
        about = bootstrap.about_box(self.configuration, acme)
        keys, connection = (acme.key, *acme.old_keys), connect(shared, "acme")
        with closing(Exchange(storage.store(acme), connection, shared, "acme", about, keys)) as own:
            while own.erase() or own.send() or own.receive():
                pass


def of(installation: Installation) -> tuple[object, ...]:
    """The options that name it, and the company."""
    return "-c", installation.file, "--controller", "acme"


def examined(installation: Installation) -> list[tuple[str, str]]:
    """Return what the doctor finds of other boxes."""
    document = json.loads(typed("doctor", "--json", "-c", installation.file)[1])
    return [
        (finding["state"], finding["finding"])
        for finding in document["findings"]
        if finding["check"] == "other boxes"
    ]
