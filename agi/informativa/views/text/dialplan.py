"""The dialplan in Asterisk's folder, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.text import Text
from ...operations.dialplan_install import CALL, DialplanInstalled, DialplanUninstalled
from ..messages import Language

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


def installed(result: DialplanInstalled, say: Language) -> Iterator[str]:
    """Yield the result of an installation, and the remaining steps."""
    if result.written:
        yield say("Wrote {file} ({owner}).", file=result.file, owner=result.owner)
    elif result.up_to_date:
        yield say("{file} is up to date ({owner}).", file=result.file, owner=result.owner)
    else:
        yield say("{file} would be written.", file=result.file)
    for place in result.included[:1]:
        yield say("{place} includes it already.", place=place)
    if result.add:
        yield say("Add at the end of {file}:", file=result.add_to)
        yield f"\n{result.add}\n"
    if result.custom_destination:
        yield say(_FREEPBX.format(target=result.custom_destination.target))
    elif result.called:
        yield say("{place} calls it.", place=result.called[0])
    else:
        yield say("Call it before the queue, the menu or the Dial, with the called number as the line:")
        yield f"\n{CALL}\n"
    for warning in result.warnings:
        yield say("warning: {warning}", warning=warning)
    for command in result.next:
        yield say("Then type: {command}", command=command)


def uninstalled(result: DialplanUninstalled, say: Language) -> Iterator[str]:
    """Yield the result of a removal, and the lines that have no effect any more."""
    if result.removed:
        yield say("Deleted {file}.", file=result.file)
    elif result.there:
        yield say("{file} would be deleted.", file=result.file)
    else:
        yield say("{file} is not there.", file=result.file)
    for place in result.included:
        yield say("{place} includes it, which does nothing without it: take that line out.", place=place)
    for place in result.called:
        yield say("{place} calls it, which does nothing without it: take that line out.", place=place)
    for command in result.next:
        yield say("Then type: {command}", command=command)
