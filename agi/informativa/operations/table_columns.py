"""The columns of a table: by headers, by what somebody chose, and else by what cells look like."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ..model.errors import InformativaError
from ..model.redaction import without_numbers
from ..model.text import Text, joined

SAMPLE = 1000  # rows by which columns are recognised
_FEWEST = 0.5  # the part of a column's cells that must look alike


@dataclass(frozen=True)
class TableForm:
    """The columns of a kind of file."""

    headers: Mapping[str, Collection[str]]
    """The usual headers of each column, in small letters."""
    needed: Collection[str]
    """The columns without which a row says nothing."""
    option: str
    """The option by which somebody chooses a column."""
    example: str
    """A value of that option."""
    require: Callable[[Mapping[str, int]], None]
    """Raises InformativaError where columns are missing, by the places of those that there are."""
    alternatives: Collection[str] = ()
    """Columns of which one that was chosen makes the others needless."""
    recognisers: Mapping[str, Callable[[str], bool]] = field(default_factory=dict)
    """For columns that are also found by their cells, whether a cell may be of that column."""


def find_columns(
    rows: Sequence[Sequence[str]], chosen: Mapping[str, str], form: TableForm
) -> tuple[dict[str, int], Sequence[str]]:
    """Return the place of each column, and the header, which is empty if the first row has a caller in it.
    Raises InformativaError where a column is missing or ambiguous."""
    first, *others = rows
    headless = any(form.recognisers[name](cell) for name in form.recognisers for cell in first)
    header: Sequence[str] = () if headless else first
    places = _columns(first, chosen, form)
    sample = rows if headless else others
    width = len(first)
    for name, recognise in form.recognisers.items():
        if name in places or (name in form.alternatives and places.keys() & {*form.alternatives}):
            continue
        columns = [
            column
            for column in range(width)
            if column not in places.values() and _is_mostly(recognise, sample, column)
        ]
        if len(columns) == 1:
            places[name] = columns[0]
    try:
        form.require(places)
    except InformativaError as error:
        if not header:
            raise
        existing = Text("There are: {names}.", names=_headers(header))
        raise InformativaError(joined(" ", error.message, existing), error.remedy) from None
    return places, header


def _is_mostly(recognise: Callable[[str], bool], rows: Sequence[Sequence[str]], column: int) -> bool:
    cells = [cell for row in rows if column < len(row) and (cell := row[column].strip())]
    return bool(cells) and sum(map(recognise, cells)) >= _FEWEST * len(cells)


def _columns(header: Sequence[str], chosen: Mapping[str, str], form: TableForm) -> dict[str, int]:
    """Return the place of each column that the header or somebody names. Raises InformativaError where one is
    ambiguous."""
    places = {name: _chosen_column(name, choice, header, form) for name, choice in chosen.items()}
    skipped = form.alternatives if places.keys() & {*form.alternatives} else ()
    for name, headers in form.headers.items():
        columns = [column for column, cell in enumerate(header) if _plain(cell) in headers]
        if not columns or name in places or name in skipped:
            continue
        if len(columns) > 1:
            raise _ambiguous(name, [header[column] for column in columns], columns[0], form)
        places[name] = columns[0]
    return places


def _chosen_column(name: str, choice: str, header: Sequence[str], form: TableForm) -> int:
    """Return the place of the column that was chosen by its header or its place."""
    if name not in form.headers:
        raise InformativaError(
            Text(
                "{option} takes {names}, each with a header.",
                option=form.option,
                names=", ".join(form.headers),
            ),
            Text("Type it like {option} {example}.", option=form.option, example=form.example),
        )
    columns = [column for column, cell in enumerate(header) if _plain(cell) == _plain(choice)]
    if not columns and choice.isdecimal() and 1 <= int(choice) <= len(header):
        return int(choice) - 1
    if len(columns) == 1:
        return columns[0]
    if columns:
        raise _ambiguous(name, [header[column] for column in columns], columns[0], form)
    raise InformativaError(
        Text("No column has the header {header}.", header=without_numbers(choice)),
        Text("There are: {names}.", names=_headers(header)),
    )


def _ambiguous(name: str, headers: Sequence[str], column: int, form: TableForm) -> InformativaError:
    return InformativaError(
        Text(
            "The header has more than one column for {name}: {headers}.", name=name, headers=_headers(headers)
        ),
        Text(
            "Say which: {option} {name}={header}, or by its place: {option} {name}={place}",
            option=form.option,
            name=name,
            header=without_numbers(headers[0].strip()),
            place=column + 1,
        ),
    )


def _headers(headers: Sequence[str]) -> str:
    """Return headers for a message, without numbers: where the header is missing, a row with somebody's
    number is in its place."""
    return without_numbers(", ".join(header.strip() for header in headers[:20]))


def _plain(name: str) -> str:
    return name.strip().lower()
