"""The companies of a configuration: their keys, their ledgers, and whether each may go live."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..evidence.origin import log_name
from ..model import Controller, Document, LetterDetails, Outsourcing, Period
from ..text import Text, joined
from . import outsourcing
from .document import KeyPath
from .findings import Findings
from .lookups import lookups

if TYPE_CHECKING:
    from .schema import ControllerSettings, LetterSettings, OutsourcingSettings, Settings

KEY_BYTES = 32
RETIRED = ".retired-"  # and the day, in the name of a key that was put away


class Controllers:
    """Builds each and notes what is wrong on the way."""

    def __init__(self, settings: Settings, folder: Path, found: Findings) -> None:
        self._settings, self._folder, self._found = settings, folder, found

    def controller(self, name: str, given: ControllerSettings) -> Controller:
        """The one of that section."""
        ledger, file = ledger_file(self._folder, given), self._folder / given.key
        key = self._key(file, ("controllers", name, "key"), partial(self._absent, name, file, Path(ledger)))
        self._caution(name, given)
        evidence = self._settings.evidence
        return Controller(
            id=name,
            name=given.name,
            key=key,
            old_keys=tuple(self._old_keys(name, given)),
            ledger=ledger,
            outsourcing=_outsourcing(given.outsourcing) if given.outsourcing else None,
            refused=self._refusal(name, given),
            retention=given.retention,
            zone=zone(given.time_zone),
            recycled_after=given.recycled_after,
            service_purposes=frozenset(given.service_purposes),
            names=given.names,
            letter=_letter(given.letter),
            lookups=tuple(lookups(name, given, self._folder, self._found)),
            log=log_name(name, evidence.domain or "", evidence.box or ""),
        )

    def _absent(self, name: str, key: Path, ledger: Path) -> Text:
        """Say that there is no key, and what to do: a new one knows none of the callers of a ledger."""
        if self._found.look(ledger, ("controllers", name, "ledger"), ledger.is_file):
            text = Text(
                "there is no key file {file}",
                "put the copy of it back; where there is none, so that all callers are strangers, type:"
                " informativa keys make {id} --yes -c {config};"
                " informativa ledger adopt --controller {id} --yes -c {config}",
            )
        else:
            text = Text("there is no key file {file}", "type: informativa keys make {id} -c {config}")
        return text.format(file=key, id=name, config=self._found.file)

    def _caution(self, name: str, given: ControllerSettings) -> None:
        """Warn of what is kept for ever, and of a doubt that comes too late: who was told is unknown once his
        record is deleted."""
        if not given.retention:
            message = Text(
                "is not set: records are kept for ever, and personal data may be kept no longer than they are"
                " needed (GDPR 5(1)(e))",
                "write for how long, such as `retention: 5 years`",
            )
            self._found.warn(("controllers", name, "retention"), message)
        if given.retention and given.recycled_after and _days(given.recycled_after) >= _days(given.retention):
            message = Text(
                "never applies: after so long no record is left of what the caller was told (retention)",
                "make it shorter than `retention`, or take it out",
            )
            self._found.warn(("controllers", name, "recycled_after"), message)

    def _refusal(self, name: str, given: ControllerSettings) -> Text:
        """Why a controller may not go live (Garante 2007: nothing is outsourced without prior analysis)."""
        own = ("controllers", name)
        if self._found.lacks((*own, "ledger")):
            return Text("it has no ledger")
        if self._found.lacks(("operator",)):  # which is told
            return Text("nobody is named as the operator")
        if self._found.lacks((*own, "name")):
            return Text("it has no name")
        today = datetime.now(zone(given.time_zone)).date()
        why = list(outsourcing.objections(given, self._settings.operator, today))
        worksheet = Text("what it starts from prints: informativa outsourcing-worksheet {id}", id=name)
        for key_path, message, fix in why:
            path = ("controllers", name, "outsourcing", *key_path)
            self._found.refuse(path, message, fix if key_path else joined("; ", fix, worksheet))
        return joined(", ", *(message for _path, message, _fix in why))

    def _old_keys(self, name: str, given: ControllerSettings) -> Iterator[bytes]:
        """Keys that `keys rotate` put away and whose time is not over; of those that are, a word."""
        file, path = self._folder / given.key, ("controllers", name, "key")
        for old in sorted(self._found.look(file, path, partial(_put_away, file)) or []):
            try:
                since = datetime.strptime(old.name.partition(RETIRED)[2][:8], "%Y%m%d").replace(tzinfo=UTC)
            except ValueError:
                continue
            if datetime.now(UTC) < given.old_keys_for.after(since, UTC):
                yield self._key(old, path, partial(Text, "there is no file {file}", file=old))
            else:
                message = Text("the time of the old key {old} is over", "type: rm {old}")
                if self._settings.shared:
                    message = Text(
                        "the time of the old key {old} is over",
                        "once `informativa boxes` names no box with an earlier key, type on each: rm {old}",
                    )
                self._found.warn(path, message.format(old=old))

    def _key(self, file: Path, path: KeyPath, absent: Callable[[], Text]) -> bytes:
        """The secret in `file`; empty (with a problem noted) if there is none to be trusted."""
        text = self._found.secret(file, path, absent)
        if text is None:
            return b""
        with contextlib.suppress(ValueError):
            if len(key := bytes.fromhex(text.strip())) == KEY_BYTES:
                return key
        message = Text(
            "{file} does not hold a key of {digits} hexadecimal digits",
            "type: mv {file} {file}.aside, and then {next}",
        )
        then = absent().advice or Text("put the copy of it back")
        self._found.wrong(path, message.format(file=file, digits=2 * KEY_BYTES, next=then))
        return b""


def _put_away(file: Path) -> list[Path]:
    """The keys that `keys rotate` put away in the place of which this one is."""
    return list(file.parent.glob(f"{file.name}{RETIRED}*"))


def zone(name: str) -> tzinfo:
    """A time zone by its name, which is known to be one."""
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # not for a script that needs none

    return ZoneInfo(name)


def ledger_file(folder: Path, given: ControllerSettings) -> str:
    """Give the path where a company's ledger is, or will be."""
    return os.path.normpath(folder / given.ledger)


def begins(starts: datetime | None, own: tzinfo) -> datetime | None:
    """When a version comes into force: a date without a zone is one of the controller's `own`."""
    return starts if starts is None or starts.tzinfo else starts.replace(tzinfo=own)


def _letter(given: LetterSettings) -> LetterDetails:
    recipients = None if given.recipients is None else tuple(given.recipients)
    return LetterDetails(given.contact, given.dpo, given.authority, recipients, given.transfers)


def _outsourcing(given: OutsourcingSettings) -> Outsourcing:
    return Outsourcing(
        processor=given.processor,
        contract=Document(**vars(given.contract)),
        analysis=Document(**vars(given.analysis)),
        sub_processors=tuple(given.sub_processors),
    )


def _days(period: Period) -> float:
    """About how many, for the calendar's months differ."""
    return period.months * 365.2425 / 12 + period.days
