"""Lists as people have them: how they are understood, shown, confirmed, and their bad rows given back."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

import workbooks
from commands import PROGRAM, explained, refused, run
from informativa.config import load
from informativa.model import NumberForm, RecordKind
from informativa.model.errors import InformativaError
from informativa.operations import import_rejects, importing, sheet_table
from informativa.operations.cell_times import DateEvidence, DateForm, DateOrder, cell_time
from informativa.operations.import_reading import guess_form
from informativa.operations.import_rows import FileOptions
from informativa.operations.importing import ImportCounts, Source
from informativa.operations.text_encoding import guess
from informativa.views.messages import ENGLISH
from informativa.views.text import importing as text

HERE = ("--controller=acme", "--by=website", "--reference=list")


def words(folder: Path, file: Path, *more: str) -> tuple[str | Path, ...]:
    """Return the command that imports a file."""
    return ("import", file, *HERE, "-c", folder / "informativa.yaml", *more)


def source(folder: Path, file: Path, rejects: Path | None = None) -> Source:
    """Return a file to import in this process."""
    configuration = load(folder / "informativa.yaml")
    return Source(
        file,
        configuration.controllers["acme"],
        configuration.notices["acme"][0],
        RecordKind.WEBSITE,
        "list",
        "IT",
        {},
        datetime(2026, 11, 25, tzinfo=UTC),
        options=FileOptions(rejects=rejects),
    )


def quiet(_step: str, _bytes: int) -> None:
    """Ignore the progress."""


def written(tmp_path: Path, content: str | bytes) -> Path:
    """Write a list."""
    file = tmp_path / "list.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def test_nothing_is_recorded_before_somebody_confirms(folder: Path, tmp_path: Path) -> None:
    """Without a terminal and --yes the file is shown as it is understood, no digit of a subscriber in it, and
    refused with what to type."""
    file = written(tmp_path, "Cliente;Recapito;Informato il\nAnna;333 1234567;31/01/2026\nLuca;12;x\n")
    ran = run(*words(folder, file))
    assert ran.returncode == 1
    assert ran.stdout.splitlines() == [
        "2 rows, read like this:",
        "  text: utf-8, separator ;",
        "  columns: number = Recapito, date = Informato il",
        "  dates: day first",
        "  numbers without + or 00: national",
        "       2  +39##########  2026-01-31 00:00  list",
        "       3  -  -  list  the number is not one",
    ]
    assert "type the same with --yes" in ran.stderr
    assert "1234567" not in ran.stdout + ran.stderr
    assert not list((folder / "ledger").iterdir())
    preview = json.loads(run(*words(folder, file, "--json")).stdout)
    assert preview["reading"]["columns"] == {"number": "Recapito", "date": "Informato il"}
    assert [row["reason"] for row in preview["sample"]] == [None, "the number is not one"]


def test_no_confirmation_where_nothing_is_guessed(folder: Path, tmp_path: Path) -> None:
    """A script that says all of it goes on as before."""
    file = written(tmp_path, "number;date\n+393331234567;01/02/2026\n")
    options = ("--column=number=1", "--column=date=2", "--separator=;", "--encoding=utf-8")
    ran = run(*words(folder, file, *options, "--dates=day-first", "--callers=national"))
    assert ran.stdout == "1 row read: 1 recorded, 0 known before, 0 rejected.\n"
    assert run(*words(folder, file, *options, "--callers=national")).returncode == 1


def test_at_a_terminal_it_asks(folder: Path, tmp_path: Path) -> None:
    """Somebody at a terminal is asked what only he can tell, sees the rows, and confirms them."""
    file = written(tmp_path, "number;date\n+393331234567;02/01/26\n")
    terminal, its = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, *words(folder, file)],
        stdin=its,
        stdout=its,
        stderr=its,
        env=os.environ | {"COLUMNS": "100"},
    )
    os.close(its)
    output, answers = b"", [(b"January", b"y\n"), (b"26 stand for 2026", b"y\n"), (b"Record it", b"y\n")]
    try:
        while part := os.read(terminal, 65536):
            output += part
            if answers and answers[0][0] in output and b"[no]: " in output[output.rindex(answers[0][0]) :]:
                os.write(terminal, answers.pop(0)[1])
    except OSError:  # which is how a terminal ends
        pass
    os.close(terminal)
    assert process.wait(60) == 0, output
    assert b"2026-02-01 00:00" in output
    assert explained(folder, "+393331234567")["notices"][0]["status"] == "NOTDUE"


@pytest.mark.parametrize(
    ("dates", "message"),
    [
        (["01/02/2026", "2026-01-31"], "--dates day-first or --dates month-first"),
        (["31/01/2026", "01/31/2026"], "Line 2 has a date with the day first, and line 3 one with the month"),
        (["31/01/26", "30/01/26", "2026-01-31"], "If 26 stands for 2026 type --short-years"),
    ],
)
def test_dates_of_which_only_a_person_can_tell(
    folder: Path, tmp_path: Path, dates: list[str], message: str
) -> None:
    """Dates of two meanings are refused with the option to type, also with --yes."""
    rows = [f"+39333123456{n};{date}" for n, date in enumerate(dates)]
    file = written(tmp_path, "number;date\n" + "\n".join(rows))
    assert message in refused(*words(folder, file, "--yes"))


@pytest.mark.parametrize(
    ("dates", "order"),
    [
        (["31/01/2026", "01/02/2026"], DateOrder.DAY_FIRST),
        (["01/31/2026", "01/02/2026"], DateOrder.MONTH_FIRST),
        (["02/02/2026", "2026-01-31"], DateOrder.DAY_FIRST),
        (["01/02/2026 10:30"], None),
    ],
)
def test_order_of_day_and_month(dates: list[str], order: DateOrder | None) -> None:
    """One date of a file that can be read in one way only tells how all are read."""
    evidence = DateEvidence()
    for line, date in enumerate(dates, 2):
        evidence.add(line, date)
    assert evidence.order is order


def test_times_by_their_form() -> None:
    """The same cell is another day by another form, and none where a year of two digits is not expected."""
    american = DateForm(DateOrder.MONTH_FIRST, short_years=True)
    assert cell_time("01/02/26", american) == datetime(2026, 1, 2)
    assert cell_time("01/02/2026") == datetime(2026, 2, 1)
    with pytest.raises(ValueError, match="two digits"):
        cell_time("01/02/26")


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("perché;città".encode(), "utf-8"),
        ("perché;città".encode("cp1252"), "cp1252"),
        ("perché;città".encode("mac-roman"), "mac-roman"),
        ("perché".encode("utf-16"), "utf-16"),
        ("perché;città".encode("utf-16-le"), "utf-16-le"),
        ("perché;città".encode("utf-16-be"), "utf-16-be"),
        (b"", "utf-8"),
        (b"\0\1\2\n\3", "utf-8"),
    ],
)
def test_encodings(content: bytes, encoding: str) -> None:
    """The encoding is recognised by a mark, by NULs, or by the letters that it gives."""
    assert guess(content) == encoding


@pytest.mark.parametrize(
    ("numbers", "form"),
    [
        (["0211234567", "3281609181"], NumberForm.NATIONAL),
        (["390211234567", "3281609181"], NumberForm.INTERNATIONAL),
        (["0211234567", "390211234567"], NumberForm.EITHER),
        (["3281609181"], NumberForm.EITHER),
        (["+390211234567", "", "x"], NumberForm.EITHER),
    ],
)
def test_form_of_numbers(numbers: list[str], form: NumberForm) -> None:
    """Numbers that can be read in one way only tell how those of two meanings are read."""
    assert guess_form(numbers, "IT") is form


def test_a_list_without_header(folder: Path, tmp_path: Path) -> None:
    """Its columns are recognised by their cells, and its first row counts."""
    file = written(tmp_path, "Anna\t+393331234567\t2026-01-31\nLuca\t+393331234568\t2026-01-31\n")
    assert run(*words(folder, file, "--yes")).stdout.startswith("2 rows read: 2 recorded")


def test_rejected_rows_are_corrected_and_imported(folder: Path, tmp_path: Path) -> None:
    """They come in the form of the list with the reason, for their owner's eyes alone; corrected, only the
    rest is recorded, and what is still wrong comes once more with its new reason."""
    file = written(
        tmp_path,
        '"Nome";"Numero";"Data"\r\n"Però; A";"12";"31/01/2026"\r\n"B";"+393331234567";"31/01/2026"\r\n'
        '"C";"+39333\x001234568";"31/01/2026"\r\n"D";"13";"31/01/2026";"x"\r\n'.encode("cp1252"),
    )
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    ran = run(*words(folder, file, "--yes", "--rejects", str(first)))
    assert ran.stdout.startswith("4 rows read: 1 recorded, 0 known before, 3 rejected.")
    assert "It has numbers of callers in clear" in ran.stdout
    assert first.stat().st_mode & 0o777 == 0o600
    lines = first.read_bytes().decode("cp1252").split("\r\n")
    assert lines[:2] == [
        '"Nome";"Numero";"Data";"why"',
        '"Però; A";"12";"31/01/2026";"the number is not one"',
    ]
    assert lines[3] == '"D";"13";"31/01/2026";"x";"has 4 cells, and the header 3"'
    lines[1] = lines[1].replace('"12"', '"+393331234569"')
    lines[3] = '"D";"13";"31/01/2026"'
    first.write_bytes("\r\n".join([lines[0], lines[1], lines[3], ""]).encode("cp1252"))
    ran = run(*words(folder, first, "--yes", "--rejects", str(second)))
    assert ran.stdout.startswith("2 rows read: 1 recorded, 0 known before, 1 rejected.")
    assert second.read_bytes().decode("cp1252").split("\r\n")[:2] == [
        '"Nome";"Numero";"Data";"why"',
        '"D";"13";"31/01/2026";"the number is not one"',
    ]
    assert "exists already" in refused(*words(folder, file, "--yes", "--rejects", str(second)))


def test_a_full_disk_for_rejected_rows(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said before anything is recorded, with the file's name."""
    file = written(tmp_path, "number;date\n12;2026-01-31\n+393331234567;2026-01-31\n")
    full = os.open("/dev/full", os.O_WRONLY)
    monkeypatch.setattr(
        import_rejects,
        "os",
        SimpleNamespace(open=lambda *_: full, fdopen=os.fdopen, O_WRONLY=1, O_CREAT=64, O_EXCL=128),
    )
    counts = ImportCounts()
    with pytest.raises(InformativaError, match=r"cannot be written into .*rejected\.csv \(No space left"):
        importing.run(source(folder, file, tmp_path / "rejected.csv"), counts, quiet)
    assert counts.recorded == 0


def test_an_interrupted_import_leaves_no_half_file(folder: Path, tmp_path: Path) -> None:
    """The file with numbers in clear goes, so that the same can be typed again."""
    file = written(tmp_path, "number;date\n12;2026-01-31\n+393331234567;2026-01-31\n")
    rejects = tmp_path / "rejected.csv"

    def interrupt(step: str, _bytes: int) -> None:
        if step == "record":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        importing.run(source(folder, file, rejects), ImportCounts(), interrupt)
    assert not rejects.exists()
    assert importing.run(source(folder, file, rejects), ImportCounts(), quiet).known_before == 1
    assert rejects.exists()


def test_a_file_that_changes_meanwhile(folder: Path, tmp_path: Path) -> None:
    """What somebody confirmed is what is recorded, or nothing."""
    file = written(tmp_path, "number;date\n+393331234567;2026-01-31\n")
    understood = importing.understand(source(folder, file), quiet)
    file.write_text("number;date\n+393331234568;2026-01-31\n+393331234569;2026-01-31\n")
    with pytest.raises(InformativaError, match="was changed meanwhile"):
        importing.run(source(folder, file), ImportCounts(), quiet, understood=understood)


def test_most_rows_without_a_column(folder: Path, tmp_path: Path) -> None:
    """One row that does not fit is rejected; if most do not, the file is."""
    row, short = "+393331234567;2026-01-31;x\n", "+393331234567;2026-01-31\n"
    file = written(tmp_path, "number;date;name\n" + row + short + row.replace(";", ",") + row)
    assert run(*words(folder, file, "--yes")).stdout.startswith("4 rows read: 1 recorded, 2 known before, 1")
    file = written(tmp_path, "number;date;name\n" + row + row.replace(";", ",") * 2)
    assert "Line 3 has 1 cell, and the header 3" in refused(*words(folder, file, "--yes"))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--encoding=ebcdic", "There are: utf-8, cp1252, mac-roman, utf-16, utf-16-le, utf-16-be."),
        ("--separator=;;", "Type it like --separator ';' or --separator tab."),
    ],
)
def test_options_that_cannot_be(folder: Path, tmp_path: Path, option: str, message: str) -> None:
    """An encoding or a separator that there is not is refused with those that there are."""
    file = written(tmp_path, "number;date\n+393331234567;2026-01-31\n")
    assert message in refused(*words(folder, file, option))


CELLS: dict[str, str | float] = {
    "B3": "Cellulare", "C3": "Data", "B4": 3331234567.0, "C4": "31/01/2026",
    "B5": "+393331234568", "C5": 46053.0,
    "B6": 393000000000.0, "C6": 46053.5, "B7": "0211234567", "C7": "2026-01-31",
}  # fmt: skip


def test_an_excel_file(folder: Path, tmp_path: Path) -> None:
    """A list that stands anywhere on a sheet is read with its days as Excel counts them; numbers without
    their zeros are told, and rounded ones rejected by row."""
    file = workbooks.write(tmp_path / "list.xlsx", {"Note": {"A1": "x"}, "Clienti": CELLS})
    understood = importing.understand(source_of_sheet(folder, file), quiet)
    assert (understood.rows, understood.numbers_stored, understood.reading.callers) == (
        4,
        True,
        NumberForm.NATIONAL,
    )
    preview = understood.preview(source_of_sheet(folder, file))
    assert [(row.line, str(row.at)[:16]) for row in preview.sample] == [
        (4, "2026-01-31 00:00"),
        (5, "2026-01-31 00:00"),
        (6, "2026-01-31 12:00"),
        (7, "2026-01-31 00:00"),
    ]
    assert [bool(str(row.reason)) for row in preview.sample] == [False, False, True, False]
    ran = run(*words(folder, file, "--sheet=Clienti", "--yes"))
    assert ran.stdout.startswith("4 rows read: 3 recorded, 0 known before, 1 rejected.")
    assert "There are: Note, Clienti." in refused(*words(folder, file, "--sheet=Clientela"))
    assert "must name the columns" in refused(*words(folder, file))


def source_of_sheet(folder: Path, file: Path) -> Source:
    """Return the sheet of the customers."""
    plain = source(folder, file)
    return Source(
        plain.file,
        plain.controller,
        plain.notice,
        plain.kind,
        plain.reference,
        plain.region,
        plain.columns,
        plain.now,
        options=FileOptions(sheet="Clienti"),
    )


def test_excel_files_that_are_too_large(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cell in the far corner, for which half a terabyte would be laid out, and parts that unpack to more
    than is allowed, are refused in one sentence."""
    file = workbooks.write(tmp_path / "list.xlsx", {"A": {**CELLS, "XFD1048576": 1.0}})
    with pytest.raises(InformativaError, match="The Excel file is too large"):
        importing.understand(source(folder, file), quiet)
    wide = workbooks.write(tmp_path / "wide.xlsx", {"A": {**CELLS, "ZZ8": 1.0}})
    with pytest.raises(InformativaError, match="a sheet 256 columns"):
        importing.understand(source(folder, wide), quiet)
    with monkeypatch.context() as patched:
        patched.setattr(sheet_table, "LONGEST", 20)
        with pytest.raises(InformativaError, match="The Excel file is too large"):
            importing.understand(source(folder, workbooks.write(tmp_path / "long.xlsx", {"A": CELLS})), quiet)
    monkeypatch.setattr(sheet_table, "UNPACKED", 900)
    with pytest.raises(InformativaError, match="The Excel file is too large"):
        importing.understand(source(folder, wide), quiet)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04" + b"x" * 50, "no Excel file (.xlsx), or a damaged one"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 50, "Excel (.xls, or with a password)"),
        (b"%PDF-1.7\n", "no CSV file but PDF"),
        (b"", "is empty"),
        (b"\x7fELF\2\1\1\0\0\n", "holds a NUL, so this is no text"),
    ],
)
def test_files_of_another_kind(folder: Path, tmp_path: Path, content: bytes, message: str) -> None:
    """What is no list is refused by what it is, whatever its name."""
    assert message in refused(*words(folder, written(tmp_path, content)))


def test_without_the_library(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An Excel file is refused with what to install, or how to save it, where its reader is missing."""
    file = workbooks.write(tmp_path / "list.xlsx", {"A": CELLS})
    monkeypatch.setattr(sheet_table.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(InformativaError, match=r"bin/pip install 'informativa\[xlsx\]'"):
        importing.understand(source(folder, file), quiet)


def test_preview_in_words(folder: Path, tmp_path: Path) -> None:
    """A reader sees the sheet, the lost zeros and rows that will be rejected."""
    file = workbooks.write(tmp_path / "list.xlsx", {"Clienti": CELLS})
    one = source(folder, file)
    lines = list(text.previewed(importing.understand(one, quiet).preview(one), ENGLISH))
    assert lines[1] == "  sheet: Clienti"
    assert lines[-1].startswith("Excel has numbers as numbers here")
