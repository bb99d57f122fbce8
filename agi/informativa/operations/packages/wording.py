"""The text of a notice package that suits all languages of a company."""

from __future__ import annotations

from collections.abc import Sequence

from ...prompts import texts
from ...system import shipped
from ..prompts.parts import SpokenPart, place_of
from .table import NoticePackage


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
