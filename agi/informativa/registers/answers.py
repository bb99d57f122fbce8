"""What an answer says. Pure. Anything that is not perfectly clear is a doubt, and a doubt tells nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from ..errors import RegisterError
from ..i18n import _
from ..model import Identified, Lookup, Notice, Told

# Databases write 0001, 1900 or 1970 for "never". Italy's first law on personal data is in force since then.
_FIRST = datetime(1997, 5, 8, tzinfo=UTC)
REFERENCE = 200  # characters of it that are kept


def understood(
    answers: Sequence[Mapping[str, Any]], caller: Identified, lookup: Lookup, notice: Notice, now: datetime
) -> Told | None:
    """What the answer about `caller` says: `version`, `date` or both must be there, `reference` may be.
    `None` if there is none.

    Without a version it was the one in force on that date, without a date it is told as of now. Raises
    RegisterError for what is unknown, malformed or still to come, and for more than one answer: nobody
    can say then which is the caller's.
    """
    if not answers:
        return None
    if len(answers) > 1:
        raise RegisterError(
            _("The look-up {id} found more than one row for one caller.").format(id=lookup.id)
        )
    answer = answers[0]
    at = now if answer.get("date") is None else _moment(answer["date"], lookup)
    named = answer.get("version")
    if at > now:
        raise RegisterError(_("The look-up {id} gave a date that is still to come.").format(id=lookup.id))
    if named is None and answer.get("date") is None:
        raise RegisterError(_("The look-up {id} gave neither `version` nor `date`.").format(id=lookup.id))
    versions = {version.id: version for version in notice.versions}
    version = notice.current(at) if named is None else versions.get(str(named))
    if at < _FIRST or (version is not None and version.starts is not None and at < version.starts):
        raise RegisterError(
            _("The look-up {id} gave a date on which nobody can have been told.").format(id=lookup.id)
        )
    if version is None:
        raise RegisterError(
            _("The look-up {id} gave a version that {notice} does not have.").format(
                id=lookup.id, notice=notice.id
            )
        )
    return Told(version, lookup.kind, at, _reference(answer.get("reference"), caller, lookup))


def _moment(value: object, lookup: Lookup) -> datetime:
    """A date as JSON and as database drivers give it; a date is the beginning of the day in UTC."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time())
        assert isinstance(value, datetime)
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    except (ValueError, AssertionError):
        raise RegisterError(
            _("The look-up {id} gave a date that is not such as 2026-01-31.").format(id=lookup.id)
        ) from None


def _reference(value: object, caller: Identified, lookup: Lookup) -> str:
    """The paper that the answer names, with the look-up's name before it. One that holds the caller's number
    is left out: a ledger never does."""
    text = "".join(letter for letter in str(value or "") if letter.isprintable())[:REFERENCE].strip()
    digits = "".join(filter(str.isalnum, caller.number))
    if not text or digits[-7:] in "".join(filter(str.isalnum, text)):
        return lookup.id
    return f"{lookup.id}: {text}"
