"""CSV files: what is understood, and by which line a file is refused of which nothing may get in."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from informativa.model.errors import InformativaError
from informativa.operations.csv_table import Table
from informativa.operations.import_rows import IMPORT

HEADER = "numero;data;riferimento\n"
ROW = "+393331234567;2026-01-31;form 1\n"


def read(content: str | bytes, **chosen: str) -> list[tuple[int, dict[str, str]]]:
    """The rows by our own columns, with their line."""
    raw = content.encode() if isinstance(content, str) else content
    table = Table(io.BytesIO(raw), chosen, IMPORT)
    return [
        (line, {name: cells[place] for name, place in table.columns.items() if place < len(cells)})
        for line, cells in table.rows()
    ]


UNDERSTOOD = {
    "with a mark": ("\ufeff" + HEADER + ROW, 2),
    "excel's separator": ("sep=;\n" + HEADER + ROW, 3),
    "empty lines": ("\n" + HEADER + "\n;;\n" + ROW, 5),
    "windows": (HEADER.replace("\n", "\r\n") + ROW.replace("\n", "\r\n"), 2),
    "no end": (HEADER + ROW.rstrip("\n"), 2),
    "more empty cells": (HEADER + ROW.replace("\n", ";;;\n"), 2),
    "a separator in quotes": ('numero;data;"riferimento"\n+393331234567;2026-01-31;"form 1"\n', 2),
    "a header in quotes": ('"a;b";numero;data;riferimento\n"x;y";' + ROW, 2),
    "two lines in a cell": ('note;numero;data;riferimento\n"one\ntwo";' + ROW, 2),
    "an inch": ('note;numero;data;riferimento\n5" pipe;' + ROW, 2),
    "old Macintosh": ((HEADER + ROW).replace("\n", "\r"), 2),
    "UTF-16": ((HEADER + ROW).encode("utf-16"), 2),
    "UTF-16 without a mark": ((HEADER + ROW).encode("utf-16-le"), 2),
    "other headers": ("recapito;informato;riferimento\n+393331234567;2026-01-31;form 1\n", 2),
    "bars": (HEADER.replace(";", "|") + ROW.replace(";", "|"), 2),
}


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_understood(name: str) -> None:
    """What spreadsheets and databases write is understood, and each row keeps the number of its line."""
    content, line = UNDERSTOOD[name]
    row = {"number": "+393331234567", "date": "2026-01-31", "reference": "form 1"}
    assert read(content) == [(line, row)]


@pytest.mark.parametrize("content", [HEADER, HEADER + "\n\n;;\n"])
def test_no_rows(content: str) -> None:
    """A header alone is a file without rows."""
    assert read(content) == []


REFUSED = {
    "unclosed quote": (HEADER + ROW + '+393331234568;2026-01-31;"form 2\n' + ROW * 3, "Line 3 opens a quote"),
    "unclosed quote at the end": (HEADER + ROW + '+393331234568;2026-01-31;"form 2', "Line 3 opens a quote"),
    "quote closed rows later": (
        HEADER + '+393331234567;2026-01-31;"form 1\n' + ROW + '+393331234568;2026-01-31;form 2"\n',
        "Line 2 opens a quote that is still open on line 3",
    ),
    "quote that ends in a cell": (HEADER + '+393331234567;2026-01-31;"form" 1\n', "Line 2 opens a quote"),
    "quote over very much": ('note;numero;data\n"' + "x\n" * 40_000 + '";1;2\n', "Line 2 opens a quote"),
    "lone carriage return": (
        HEADER + ROW + "+393331234568;2026-01-31;form\r2\n",
        "Line 3 has a carriage return",
    ),
    "carriage return in quotes": (HEADER + '+39;2026-01-31;"form\r2"\n', "Line 2 has a carriage return"),
    "NUL in a cell of two lines": (HEADER + ROW + '"+39\n\0";2026-01-31;x\n', "Line 4 holds a NUL"),
    "NUL": (HEADER + ROW + "+39\0;2026-01-31;\n", "Line 3 holds a NUL"),
    "huge cell": (HEADER + ROW + f"+39;2026-01-31;{'x' * 200_000}\n", "Line 3 is longer than 65536 bytes"),
    "more cells": (HEADER + ROW + "+39;2026-01-31;form;2\n", "Line 3 has 4 cells, and the header 3"),
    "mixed separators": (HEADER + ROW + ROW.replace(";", ","), "Line 3 has 1 cell, and the header 3"),
    "xlsx": (b"PK\x03\x04" + b"\0" * 100, "no CSV file but Excel (.xlsx)"),
    "xls": (b"\xd0\xcf\x11\xe0" + b"\0" * 100, "no CSV file but Excel (.xls, or with a password)"),
    "no header, and two dates": ("2026-01-31;" + ROW, "The first line must name the columns"),
    "no text": (b"\x7fELF\0\0\n", "Line 1 holds a NUL, so this is no text"),
    "nothing": ("", "The first line must name the columns"),
    "only a header of others": ("a;b\n1;2\n", "`number` and `date`"),
    "headers that nobody knows": (
        "Tel. ufficio;Informato il\na;b\n",
        "There are: Tel. ufficio, Informato il.",
    ),
    "two numbers": (
        "cellulare;telefono;data\n",
        "more than one column for number: cellulare, telefono. Say which",
    ),
    "two dates": ("numero;data;data\n", "--column date=data, or by its place: --column date=2"),
    "number and customer": ("codice cliente;numero;data\n", "--column number=2 or --column customer=1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_line(name: str) -> None:
    """What cannot be understood, or in two ways, is refused with its line, and no message quotes a number."""
    content, words = REFUSED[name]
    with pytest.raises(InformativaError) as caught:
        read(content)
    assert words in str(caught.value)
    assert not re.search(r"\d{6}|333", str(caught.value).replace("65536", ""))


@pytest.mark.parametrize(
    ("header", "chosen", "number"),
    [
        ("cellulare;telefono;data", {"number": "telefono"}, "b"),
        ("cellulare;telefono;data", {"number": "Cellulare "}, "a"),
        ("cellulare;telefono;data", {"number": "2"}, "b"),
        ("telefono;telefono;data", {"number": "1"}, "a"),
        ("codice cliente;telefono;data", {"number": "telefono"}, "b"),
        ("recapito;x;data", {"number": "recapito"}, "a"),
    ],
)
def test_what_is_ambiguous_can_be_said(header: str, chosen: dict[str, str], number: str) -> None:
    """Which column counts is said by its header, or by its place."""
    ((_line, row),) = read(f"{header}\na;b;2026-01-31\n", **chosen)
    assert row == {"number": number, "date": "2026-01-31"}


def test_customers_have_a_column() -> None:
    """Callers known by customer number are named by it."""
    assert read("numero cliente;data\nK1;2026-01-31\n") == [(2, {"customer": "K1", "date": "2026-01-31"})]


@pytest.mark.parametrize("chosen", [{"number": "x"}, {"phone": "numero"}, {"number": "4"}, {"date": "numer"}])
def test_column_that_is_not_there(chosen: dict[str, str]) -> None:
    """A header that there is not is told with those that there are."""
    with pytest.raises(InformativaError, match=r"There are: numero, data, riferimento|--column takes number"):
        read(HEADER + ROW, **chosen)


CELL = st.text(st.characters(exclude_characters="\r\n\0", codec="utf-8"), max_size=12)


@given(st.lists(st.tuples(CELL, CELL, CELL), max_size=8), st.sampled_from(";,\t|"))
def test_what_a_writer_wrote_is_read_again(rows: list[tuple[str, str, str]], separator: str) -> None:
    """Every row of whatever text that a CSV writer wrote comes back as it was, with its line."""
    written = io.StringIO()
    writer = csv.writer(written, delimiter=separator, lineterminator="\n")
    writer.writerows([("number", "date", "reference"), *rows])
    cells = [(line, tuple(row.values())) for line, row in read(written.getvalue())]
    event("with quotes" if '"' in written.getvalue() else "plain")
    some = [(line, row) for line, row in enumerate(rows, 2) if any(cell.strip() for cell in row)]
    assert [(line, row) for line, row in cells if any(cell.strip() for cell in row)] == some


@given(st.integers(1, 6), st.sampled_from(["n;d;r", "r;n;d", "d;r;n"]), st.data())
def test_quotes_too_many_never_swallow_a_row(rows: int, order: str, data: st.DataObject) -> None:
    """A few quotes anywhere in a good file refuse it by line, or leave as many rows as it has lines."""
    names = {"n": "numero", "d": "data", "r": "riferimento"}
    header = ";".join(names[letter] for letter in order.split(";")) + "\n"
    lines = [
        ";".join(
            {"n": f"+3933312345{n:02}", "d": "2026-01-31", "r": f"form {n}"}[x] for x in order.split(";")
        )
        for n in range(rows)
    ]
    content = header + "\n".join(lines) + "\n"
    edges = [
        place
        for place in range(len(header), len(content))
        if content[place] in ";\n" or content[place - 1] in ";\n"
    ]
    for place in sorted(data.draw(st.lists(st.sampled_from(edges), min_size=1, max_size=3)), reverse=True):
        content = content[:place] + '"' + content[place:]
    outcome = attempt(content)
    event("refused" if isinstance(outcome, str) else "as many rows")
    if isinstance(outcome, str):
        assert outcome.startswith("Line ")
    else:
        assert outcome == list(range(2, rows + 2))


def attempt(content: str | bytes) -> list[int] | str:
    """The lines of its rows, or why it is refused."""
    try:
        return [line for line, _row in read(content)]
    except InformativaError as error:
        return str(error)


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_an_error_in_words(content: bytes) -> None:
    """Nothing that a file may hold is a defect."""
    for table in (content, HEADER.encode() + content):
        outcome = attempt(table)
        event(type(outcome).__name__)
        assert outcome or outcome == []
