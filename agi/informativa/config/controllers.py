"""The companies of a configuration: their keys, their ledgers, and the check whether each may go live."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..evidence.origin import log_name, put_aside
from ..model import (
    Controller,
    LetterDetails,
    LogRule,
    Outsourcing,
    OutsourcingDocument,
    Period,
    ReportMail,
)
from ..model.text import Text, joined
from . import outsourcing
from .document import KeyPath
from .findings import Findings
from .lookups import lookups

if TYPE_CHECKING:
    from ..model.hooks import Hook
    from .schema import (
        ControllerSettings,
        EvidenceSettings,
        LetterSettings,
        OutsourcingSettings,
        ReportSettings,
        Settings,
    )

KEY_BYTES = 32
RETIRED = ".retired-"  # and the day, in the name of a retired key


class ControllersBuilder:
    """A builder of controllers, which notes problems on the way."""

    def __init__(self, settings: Settings, folder: Path, findings: Findings) -> None:
        self._settings, self._folder, self._findings = settings, folder, findings

    def controller(self, name: str, section: ControllerSettings) -> Controller:
        """Build the controller of a section."""
        ledger, file = ledger_file(self._folder, section), self._folder / section.key
        key = self._key(file, ("controllers", name, "key"), partial(self._absent, name, file, Path(ledger)))
        self._caution(name, section)
        evidence = self._settings.evidence
        return Controller(
            id=name,
            name=section.name,
            key=key,
            old_keys=tuple(self._old_keys(name, section)),
            ledger=ledger,
            outsourcing=_outsourcing(section.outsourcing) if section.outsourcing else None,
            refused=self._refusal(name, section),
            retention=section.retention,
            zone=zone(section.time_zone),
            recycled_after=section.recycled_after,
            service_purposes=frozenset(section.service_purposes),
            names=section.names,
            letter=_letter(section.letter),
            report=_report(section.report) if section.report else None,
            lookups=tuple(lookups(name, section, self._folder, self._findings)),
            log=log_name(name, evidence.domain or "", evidence.box or ""),
            rule=_rule(name, section, evidence),
            hook=self._hook(name, section),
            four_eyes=section.requests.four_eyes,
            export_four_eyes=section.exports.four_eyes,
            reason_for_looking=section.reason_for_looking == "required",
        )

    def _hook(self, name: str, section: ControllerSettings) -> Hook | None:
        if section.hook is None and not self._findings.lacks(("controllers", name, "hook")):
            return None
        from .hooks import hook  # not for a company without one

        return hook(name, section.hook, self._folder, self._findings)

    def _absent(self, name: str, key: Path, ledger: Path) -> Text:
        """Return the message that there is no key, with the remedy: a new key recognises none of the callers
        of a ledger."""
        if self._findings.look(ledger, ("controllers", name, "ledger"), ledger.is_file):
            text = Text(
                "there is no key file {file}",
                "put the copy of it back; where there is none, all callers are strangers: begin another"
                " ledger, with another key: {aside}; informativa keys make {id} -c {config}",
            )
        else:
            text = Text("there is no key file {file}", "type: informativa keys make {id} -c {config}")
        return text.format(file=key, id=name, config=self._findings.file, aside=put_aside(ledger))

    def _caution(self, name: str, section: ControllerSettings) -> None:
        """Warn of records that are kept for ever, and of a `recycled_after` that comes too late: a caller is
        unknown anyway once his record is deleted."""
        if not section.retention:
            message = Text(
                "is not set: records are kept for ever, and personal data may be kept no longer than they are"
                " needed (GDPR 5(1)(e))",
                "write for how long, such as `retention: 5 years`",
            )
            self._findings.add_warning(("controllers", name, "retention"), message)
        if (
            section.retention
            and section.recycled_after
            and approximate_days(section.recycled_after) >= approximate_days(section.retention)
        ):
            message = Text(
                "never applies: after so long no record is left of what the caller was told (retention)",
                "make it shorter than `retention`, or take it out",
            )
            self._findings.add_warning(("controllers", name, "recycled_after"), message)

    def _refusal(self, name: str, section: ControllerSettings) -> Text:
        """Return the reason why a controller may not go live (Garante 2007: nothing is outsourced without
        prior analysis)."""
        section_path = ("controllers", name)
        if self._findings.lacks((*section_path, "ledger")):
            return Text("it has no ledger")
        if self._findings.lacks(("operator",)):  # a problem that is noted already
            return Text("nobody is named as the operator")
        if self._findings.lacks((*section_path, "name")):
            return Text("it has no name")
        today = datetime.now(zone(section.time_zone)).date()
        objections = list(outsourcing.objections(section, self._settings.operator, today))
        worksheet = Text("what it starts from prints: informativa outsourcing-worksheet {id}", id=name)
        for key_path, message, fix in objections:
            path = ("controllers", name, "outsourcing", *key_path)
            self._findings.add_refusal(path, message, fix if key_path else joined("; ", fix, worksheet))
        return joined(", ", *(message for _path, message, _fix in objections))

    def _old_keys(self, name: str, section: ControllerSettings) -> Iterator[bytes]:
        """Iterate over keys that `keys rotate` retired and whose time is not over; note a warning for those
        whose time is over."""
        file, path = self._folder / section.key, ("controllers", name, "key")
        for old in sorted(self._findings.look(file, path, partial(_retired_keys, file)) or []):
            try:
                since = datetime.strptime(old.name.partition(RETIRED)[2][:8], "%Y%m%d").replace(tzinfo=UTC)
            except ValueError:
                continue
            if datetime.now(UTC) < section.old_keys_for.after(since, UTC):
                yield self._key(old, path, partial(Text, "there is no file {file}", file=old))
            else:
                message = Text("the time of the old key {old} is over", "type: rm {old}")
                self._findings.add_warning(path, message.format(old=old))

    def _key(self, file: Path, path: KeyPath, absent: Callable[[], Text]) -> bytes:
        """Return the secret in `file`; empty (with a problem noted) if there is none to be trusted."""
        text = self._findings.secret(file, path, absent)
        if text is None:
            return b""
        if key := parse_key(text):
            return key
        message = Text(
            "{file} does not hold a key of {digits} hexadecimal digits",
            "type: mv {file} {file}.aside, and then {next}",
        )
        then = absent().advice or Text("put the copy of it back")
        self._findings.add_problem(path, message.format(file=file, digits=2 * KEY_BYTES, next=then))
        return b""


def parse_key(text: str) -> bytes:
    """Return the key that the text of its file is; empty if it is none."""
    with contextlib.suppress(ValueError):
        if len(key := bytes.fromhex(text.strip())) == KEY_BYTES:
            return key
    return b""


def _retired_keys(file: Path) -> list[Path]:
    """Return the keys that `keys rotate` replaced by this one."""
    names, beginning = list[str](), f"{file.name}{RETIRED}"
    with contextlib.suppress(OSError):  # the missing key has its own problem
        names = os.listdir(file.parent)  # noqa: PTH208  # a glob of hundreds of keys takes four times as long
    return [file.with_name(name) for name in names if name.startswith(beginning)]


def zone(name: str) -> tzinfo:
    """Return a time zone by its name, which was checked."""
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # not for a script that needs none

    return ZoneInfo(name)


def ledger_file(folder: Path, section: ControllerSettings) -> str:
    """Return the path where a company's ledger is, or will be."""
    return os.path.normpath(folder / section.ledger)


def begins(starts: datetime | None, controller_zone: tzinfo) -> datetime | None:
    """Return the time when a version comes into force: a date without a zone is one of `controller_zone`."""
    return starts if starts is None or starts.tzinfo else starts.replace(tzinfo=controller_zone)


def _rule(name: str, section: ControllerSettings, evidence: EvidenceSettings) -> LogRule:
    """Return the rule that a controller's log states. Whoever names an approver wants to see each erasure."""
    witnesses = {
        witness.key for witness in evidence.witness if not witness.controllers or name in witness.controllers
    }
    return LogRule(
        erasures=section.erasures or ("each" if section.approver else "standing"),
        witnesses=tuple(sorted(witnesses)),
        approver=section.approver or "",
        instruction=section.instruction or "",
    )


def _letter(section: LetterSettings) -> LetterDetails:
    recipients = None if section.recipients is None else tuple(section.recipients)
    return LetterDetails(section.contact, section.dpo, section.authority, recipients, section.transfers)


def _report(section: ReportSettings) -> ReportMail:
    return ReportMail(tuple(section.to), section.sender or "", section.language, section.run)


def _outsourcing(section: OutsourcingSettings) -> Outsourcing:
    return Outsourcing(
        processor=section.processor,
        contract=OutsourcingDocument(**vars(section.contract)),
        analysis=OutsourcingDocument(**vars(section.analysis)),
        sub_processors=tuple(section.sub_processors),
    )


def approximate_days(period: Period) -> float:
    """Return the approximate number of days of a period, for the calendar's months differ."""
    return period.months * 365.2425 / 12 + period.days
