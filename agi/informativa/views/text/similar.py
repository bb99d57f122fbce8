"""Sentences that say the same of many companies: of three hundred with the same remedy, a reader needs one
whole, and the names of some others. JSON has all of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

from ...model.text import Text, plain
from ..messages import Language

WHOLE = 5
"""The most sentences of one kind that are all shown."""
NAMED = 4
"""The companies, or other values, that are named of those that are not shown."""

_NO_WORDS_OF_OURS = plain("x").kind

Item = TypeVar("Item")


def lines(
    sentences: Iterable[Text], say: Language, show: Callable[[Text], str] | None = None
) -> Iterator[str]:
    """Yield each sentence, as it is or by `show`, and one below it for all that say the same of many
    companies."""
    for sentence, others in by_kind(sentences, lambda sentence: sentence):
        yield (show or say)(sentence)
        if others is not None:
            yield f"    {say(others)}"


def warnings(sentences: Iterable[Text], say: Language) -> Iterator[str]:
    """Yield the same of warnings."""
    return lines(sentences, say, lambda sentence: say("warning: {warning}", warning=sentence))


def by_kind(
    items: Iterable[Item],
    sentence: Callable[[Item], Text],
    key: Callable[[Item], Hashable] = lambda _item: None,
) -> list[tuple[Item, Text | None]]:
    """Return the items to be shown, in their order, each with a line about those that are like it, or `None`.
    Items with the same key are of one kind if their sentences differ in values alone. Sentences that are no
    words of this program are never of one kind."""
    kinds: dict[Hashable, list[Item]] = {}
    for item in items:
        text = sentence(item)
        values = text.values if text.kind == _NO_WORDS_OF_OURS else ()
        kinds.setdefault((key(item), text.kind, values), []).append(item)
    shown: list[tuple[Item, Text | None]] = []
    for first, *others in kinds.values():
        if len(others) < WHOLE:
            shown += ((item, None) for item in (first, *others))
        else:
            shown.append((first, _others([sentence(item) for item in (first, *others)])))
    return shown


def _others(sentences: Sequence[Text]) -> Text:
    """Return a line that names, of some sentences, all but the first, by the first value in which they
    differ."""
    values = zip(*(text.values for text in sentences), strict=False)
    differing = next((column for column in values if len(set(column)) > 1), ())
    names = list(dict.fromkeys(map(str, differing[1:])))
    if len(names) < len(sentences) - 1:  # nothing tells each of them from the others
        return Text("The same holds for {count} more; --json has them all.", count=len(sentences) - 1)
    return Text(
        "The same holds for {names} and {count} more; --json has them all.",
        names=", ".join(names[:NAMED]),
        count=len(names) - NAMED,
    )
