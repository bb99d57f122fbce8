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


def installed(done: Installed, say: Language) -> Iterator[str]:
    """What was done, and what is left to do, step by step."""
    yield say(_STATES[done.state].format(file=done.file, owner=done.owner))
    for place in done.included[:1]:
        yield say("{place} includes it already.", place=place)
    if done.add:
        yield say("Add at the end of {file}:", file=done.add_to)
        yield f"\n{done.add}\n"
    if done.freepbx:
        yield say(_FREEPBX.format(target=TARGET))
    elif done.called:
        yield say("{place} calls it.", place=done.called[0])
    else:
        yield say("Call it before the queue, the menu or the Dial, with the called number as the line:")
        yield f"\n{CALL}\n"
    for warning in done.warnings:
        yield say("warning: {warning}", warning=warning)
    yield say("Then type: {command}", command=RELOAD)


def uninstalled(done: Uninstalled, say: Language) -> Iterator[str]:
    """List what was done, and the lines that do nothing any more."""
    yield say(_STATES[done.state].format(file=done.file))
    for place in done.included:
        yield say("{place} includes it, which does nothing without it: take that line out.", place=place)
    for place in done.called:
        yield say("{place} calls it, which does nothing without it: take that line out.", place=place)
    yield say("Then type: {command}", command=RELOAD)
