"""Excel files of a few cells, written by hand."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def write(file: Path, sheets: Mapping[str, Mapping[str, str | float]]) -> Path:
    """Write a workbook whose sheets have these cells, by their places such as B2, row by row."""
    numbered = list(enumerate(sheets.items(), 1))
    names = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"/>' for n, (name, _cells) in numbered
    )
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n, _sheet in numbered
    )
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument"'
            ' Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{names}</sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_PACKAGE}">{related}</Relationships>'
        )
        for n, (_name, cells) in numbered:
            rows = "".join(_row(place, value) for place, value in cells.items())
            archive.writestr(
                f"xl/worksheets/sheet{n}.xml",
                f'<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>',
            )
    return file


def inflate(file: Path, mebibytes: int) -> None:
    """Add a part of blanks to a workbook, which takes a thousandth of that in the file."""
    with (
        zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("xl/blanks.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(mebibytes):
            part.write(b" " * 2**20)


def _row(place: str, value: str | float) -> str:
    row = place.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    if isinstance(value, str):
        cell = f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    else:
        cell = f'<c r="{place}"><v>{value}</v></c>'
    return f'<row r="{row}">{cell}</row>'
