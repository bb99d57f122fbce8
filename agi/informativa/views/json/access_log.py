"""Who looked at whom in the console."""

from __future__ import annotations

from ... import model
from ...operations import access_log
from .shapes import Document, Shape, Time


class AccessEntry(Shape):
    """One look, or act, of somebody in the console."""

    controller: str
    """The company's name in the configuration."""
    number: int
    """Its number in that company's record of who looked at whom."""
    at: Time
    account: str
    """Who."""
    action: model.Action
    """What he did."""
    caller: str | None
    """The pseudonym of the caller whom it was about, in hexadecimal digits."""
    erased: bool
    """Whether that caller was erased at his request."""
    record: int | None
    """The number of the record that it was about."""
    detail: str | None
    """What else is known of it, without numbers."""

    @classmethod
    def of(cls, entry: access_log.AccessEntry, controller: str) -> AccessEntry:
        """As the file has it."""
        return cls(
            controller=controller,
            number=entry.number,
            at=entry.at,
            account=entry.account,
            action=entry.action,
            caller=None if entry.pseudonym is None else entry.pseudonym.hex(),
            erased=entry.erased,
            record=entry.record,
            detail=entry.detail or None,
        )


class AccessEntries(Document):
    """Who looked at whom, the newest first."""

    entries: list[AccessEntry]
    before: int | None
    """What to ask for those before them with; null where there are none."""

    @classmethod
    def of(cls, found: access_log.AccessPage) -> AccessEntries:
        """A page of one company's."""
        owner = found.controller.id
        return cls(entries=[AccessEntry.of(each, owner) for each in found.entries], before=found.before)
