"""The dialplan in Asterisk's folder, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ...operations.dialplan import RELOAD
from ...operations.dialplan_install import CALL, TARGET, Installed, State, Uninstalled
from ...text import Text
from ..messages import Language

_STATES = {
    State.WRITTEN: Text("Wrote {file} ({owner})."),
    State.UP_TO_DATE: Text("{file} is up to date ({owner})."),
    State.TO_BE_WRITTEN: Text("{file} would be written."),
    State.REMOVED: Text("Deleted {file}."),
    State.TO_BE_REMOVED: Text("{file} would be deleted."),
    State.ABSENT: Text("{file} is not there."),
}
_FREEPBX = Text(
    "In FreePBX, once for each place that callers are to reach after the notice:\n"
    "  Admin > Custom Destinations > Add Destination\n"
    "    Target       {target}\n"
    "    Description  privacy notice, then … (any)\n"
    "    Return       Yes\n"
    "    Destination  where the inbound route leads now: the queue, the IVR, …\n"
    "  Connectivity > Inbound Routes: set that route's destination to the new Custom Destination.\n"
    "  Submit, and Apply Config."
)


def installed(result: Installed, say: Language) -> Iterator[str]:
    """Yield the result of an installation, and the remaining steps."""
    yield say(_STATES[result.state].format(file=result.file, owner=result.owner))
    for place in result.included[:1]:
        yield say("{place} includes it already.", place=place)
    if result.add:
        yield say("Add at the end of {file}:", file=result.add_to)
        yield f"\n{result.add}\n"
    if result.freepbx:
        yield say(_FREEPBX.format(target=TARGET))
    elif result.called:
        yield say("{place} calls it.", place=result.called[0])
    else:
        yield say("Call it before the queue, the menu or the Dial, with the called number as the line:")
        yield f"\n{CALL}\n"
    for warning in result.warnings:
        yield say("warning: {warning}", warning=warning)
    yield say("Then type: {command}", command=RELOAD)


def uninstalled(result: Uninstalled, say: Language) -> Iterator[str]:
    """Yield the result of a removal, and the lines that have no effect any more."""
    yield say(_STATES[result.state].format(file=result.file))
    for place in result.included:
        yield say("{place} includes it, which does nothing without it: take that line out.", place=place)
    for place in result.called:
        yield say("{place} calls it, which does nothing without it: take that line out.", place=place)
    yield say("Then type: {command}", command=RELOAD)
