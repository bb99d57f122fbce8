"""The rows of one sheet of an Excel file as lines of JSON: `python -m ….sheet_rows FILE SHEET`.

A process of its own, because calamine lays out a sheet as a rectangle: one cell at the far corner takes half
a terabyte, and Rust ends a process that gets no memory. openpyxl, which reads row by row, takes twenty times
as long (20 seconds for 100,000 rows). Numbers stay numbers in JSON, so that texts are told from them.
"""

from __future__ import annotations

import json
import resource
import sys
from datetime import date, datetime, time

MEMORY = 2 << 30  # bytes of addresses; a sheet of a million rows and three columns takes a third of it
SECONDS = 300  # of processor time


def main(file: str, sheet: str) -> None:
    """Print the names of sheets, and if the chosen one, or the first, is there `true` and its rows."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    import python_calamine

    write = sys.stdout.write
    try:
        workbook = python_calamine.CalamineWorkbook.from_path(file)
        write(json.dumps(workbook.sheet_names) + "\n")
        name = sheet or next(iter(workbook.sheet_names), "")
        if name not in workbook.sheet_names:
            return
        selected = workbook.get_sheet_by_name(name)
        write("true\n")
        encode = json.JSONEncoder(default=_text, ensure_ascii=False, separators=(",", ":")).encode
        for row in selected.iter_rows():
            write(encode(row) + "\n")
    except (python_calamine.CalamineError, OSError) as error:
        sys.exit(type(error).__name__)


def _text(value: object) -> str:
    if isinstance(value, datetime) and value.time() != time():
        return value.isoformat(sep=" ", timespec="seconds")
    return value.strftime("%Y-%m-%d") if isinstance(value, date) else str(value)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    main(*sys.argv[1:3])
