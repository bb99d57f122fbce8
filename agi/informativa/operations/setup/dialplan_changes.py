"""The changes of the admin's own dialplan: the line that includes ours, and the steps that call it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ...asterisk import extensions_conf
from ...call.caller import spellings
from ...config import Configuration
from ...model.text import Text
from .. import dialplan_install
from .call_places import CallPlace, Edit, places
from .changes import FileChange, edited_file, read_text


def edited_dialplan(
    folder: Path, configuration: Configuration, context: str
) -> tuple[list[FileChange], list[Text]]:
    """Return the changes of the files in Asterisk's folder, for calls that come in at `context`, and what is
    left to do by hand."""
    included = folder / dialplan_install.FILE
    reading = extensions_conf.read(folder / "extensions.conf", included, "informativa,s,1")
    freepbx = (folder / "extensions_additional.conf").exists()
    by_hand: list[Text] = []
    edits: dict[Path, list[Edit]] = {}
    if missing := dialplan_install.missing(reading, freepbx=freepbx):
        target = folder / ("extensions_custom.conf" if freepbx else "extensions.conf")
        existing = read_text(target) or ""
        gap = "\n" if existing and not existing.endswith("\n") else ""
        edits[target] = [Edit("", f"{gap}\n{missing}\n")]
    if freepbx:
        is_issabel = dialplan_install.is_issabel(folder)
        by_hand.append(dialplan_install.ISSABEL if is_issabel else _custom_destination())
    elif not reading.called:
        numbers = [number for line in configuration.lines for number in spellings(line.number, line.region)]
        candidates = list(places(reading.texts, numbers))
        selection = _selection(candidates, context)
        for place in selection:
            if place.edit:
                edits.setdefault(place.source.file, []).insert(0, place.edit)
        by_hand += _calls_by_hand(candidates, selection)
    return [edited_file(path, file_edits) for path, file_edits in edits.items()], by_hand


def _selection(candidates: Sequence[CallPlace], context: str) -> list[CallPlace]:
    """Return the places where calls from the trunk come in: those in the context that is named, or else those
    with a line's very number."""
    return [place for place in candidates if (place.context == context if context else place.is_number)]


def _calls_by_hand(candidates: Sequence[CallPlace], selection: Sequence[CallPlace]) -> Iterator[Text]:
    for place in selection:
        if place.edit is None:
            yield Text(
                "{place}: its steps are numbered. Put this one before the queue, menu or Dial: {step}",
                place=place.source,
                step=dialplan_install.STEP,
            )
    if selection:
        return
    if contexts := sorted({place.context for place in candidates}):
        yield Text(
            "Calls to the lines may come in at {contexts}. Name the context of your trunk: --context {first}",
            contexts=", ".join(contexts),
            first=contexts[0],
        )
    else:
        yield Text(
            "Call it before the queue, the menu or the Dial, with the called number as the line: {step}",
            step=dialplan_install.CALL.strip(),
        )


def _custom_destination() -> Text:
    return Text(
        "In FreePBX add a Custom Destination with the target {target} that returns, and lead the inbound"
        " routes to it: docs/freepbx.md",
        target=dialplan_install.TARGET,
    )
