"""The selection of a request to add a notice: the notice, its sections, and the lines that are to have it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ...config.schema import LineSettings
from ...model.errors import InformativaError
from ...model.text import Text
from ...prompts import texts
from ...system import shipped
from ..controllers import name_remedy
from ..prompts.configured import ConfiguredPrompts
from ..prompts.parts import SpokenPart, place_of
from ..prompts.spoken_values import GivenValues
from .request import NoticeRequest
from .table import BY_ID, NoticePackage, PackageSection


def package_named(name: str) -> NoticePackage:
    """Return the notice of that name. Raises InformativaError if there is none."""
    if name not in BY_ID:
        raise InformativaError(Text("There is no notice {name}.", name=name), name_remedy(name, BY_ID))
    return BY_ID[name]


def selected_lines(
    configured: ConfiguredPrompts, controller: str, numbers: Sequence[str]
) -> dict[str, LineSettings]:
    """Return these lines of a controller, or all. Raises InformativaError for a number that is none of
    its own, and if it has no line."""
    lines = {
        number: line for number, line in configured.settings.lines.items() if line.controller == controller
    }
    for number in numbers:
        if number not in lines:
            raise InformativaError(
                Text("{controller} has no line {number}.", controller=controller, number=number),
                name_remedy(number, lines),
            )
    if not lines:
        raise InformativaError(
            Text("{controller} has no line.", controller=controller), Text("Write one under `lines` first.")
        )
    return {number: lines[number] for number in numbers or lines}


def with_usual_values(
    values: GivenValues, package: NoticePackage, lines: Mapping[str, LineSettings]
) -> GivenValues:
    """Return the values with the line that is called to withdraw, where there is but one."""
    settings = {name for section in package.sections for name in section.settings}
    options = dict(values.options)
    if "withdraw_at" in settings and len(lines) == 1:
        options.setdefault("withdraw_at", next(iter(lines)))
    return GivenValues(options)


def selected_sections(
    package: NoticePackage, request: NoticeRequest, values: GivenValues
) -> Iterator[PackageSection]:
    """Yield the sections to add, the first with the text that somebody chose. Raises InformativaError."""
    if request.text and request.text not in package.variants:
        known = ", ".join(package.variants) or package.sections[0].text
        raise InformativaError(
            Text("{notice} has no text {text}.", notice=package.id, text=request.text),
            Text("There are: {known}.", known=known),
        )
    for index, section in enumerate(package.sections):
        if section.only_with and section.only_with not in values.options:
            continue
        yield replace(section, text=request.text) if request.text and index == 0 else section


def common_text(package: NoticePackage, languages: Sequence[str]) -> SpokenPart | None:
    """Return the text to choose in place of the usual one, where that asks for one key in one language and
    for another in another: silence cannot mean two things. `None` where the usual one will do."""
    usual = package.sections[0].text
    if not place_of(usual).asks or _asks_alike(usual, languages):
        return None
    return next((text for text in package.variants if _asks_alike(text, languages)), None)


def _asks_alike(text: SpokenPart, languages: Sequence[str]) -> bool:
    """Return whether the shipped text asks for the same keys in all these languages."""
    folder, keys = shipped.folder("texts"), place_of(text).keys
    return (
        len({texts.template(folder, code, text).placeholders.intersection(keys) for code in languages}) == 1
    )
