"""Importing what callers were told elsewhere."""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from commands import explained, refused, run
from informativa.config import load
from informativa.model import RecordKind
from informativa.model.errors import LedgerError
from informativa.operations import importing
from informativa.operations.importing import ImportCounts, Source
from informativa.process import storage
from informativa.views.documents import document
from informativa.views.messages import ENGLISH, language
from informativa.views.text import importing as text

NUMBERS = [f"+39333{number:07}" for number in range(20, 60)]


def imported(folder: Path, file: Path, *more: str, code: int = 0) -> str:
    """Return what the command prints."""
    ran = run(
        "import",
        file,
        "--controller=acme",
        "--by=website",
        "--reference=list",
        "--yes",
        "-c",
        folder / "informativa.yaml",
        *more,
    )
    assert (ran.returncode, ran.stderr) == (code, ""), ran
    return ran.stdout


@pytest.mark.parametrize(
    ("header", "row", "encoding", "end"),
    [
        ("number,date", "{},2026-01-31", "utf-8", "\n"),
        ("Numero;Data;Riferimento", "{};31/01/2026;perché", "utf-8-sig", "\r\n"),
        ("Telefono;DATA;Riferimento", "{};31/01/2026;perché", "cp1252", "\r\n"),
        ("name\tnumber\tdate", "Anna\t{}\t31.01.2026", "utf-8", "\n"),
        ('"number","date"', '"{}","2026-01-31"', "utf-8", "\n"),
    ],
)
def test_what_spreadsheets_write(folder: Path, tmp_path: Path, header, row, encoding: str, end: str) -> None:
    """Separators, encodings, marks, quotes and dates that spreadsheets write are all understood."""
    file = tmp_path / "told.csv"
    lines = [header, *(row.format(number) for number in NUMBERS)]
    file.write_bytes("".join(line + end for line in lines).encode(encoding))
    assert imported(folder, file) == "40 rows read: 40 recorded, 0 known before, 0 rejected.\n"
    (notice,) = explained(folder, NUMBERS[7])["notices"]
    assert notice["status"] == "NOTDUE"
    assert notice["known"]["at"] == "2026-01-30T23:00:00.000+00:00"
    assert not file.with_name("told.csv.rejects.csv").exists()


def test_same_rows_add_nothing(folder: Path, tmp_path: Path) -> None:
    """The same file twice, the same rows in another order, and a run that was cut off: nothing is doubled."""
    file, part = tmp_path / "told.csv", tmp_path / "part.csv"
    lines = [f"{number};2026-01-31" for number in NUMBERS]
    part.write_text("number;date\n" + "\n".join(lines[:15]))
    random.Random(1).shuffle(lines)
    file.write_text("number;date\n" + "\n".join(lines + lines[:5]))
    assert "15 recorded" in imported(folder, part)
    assert "45 rows read: 25 recorded, 20 known before, 0 rejected." in imported(folder, file)
    assert "45 rows read: 0 recorded, 45 known before" in imported(folder, file)


def test_national_numbers_are_taken_where_that_is_said(folder: Path, tmp_path: Path) -> None:
    """3281609181 may be Italian, or Belgian with its country code: rejected until somebody says which."""
    file = tmp_path / "told.csv"
    file.write_text("number,date\n3281609181,2026-01-31\n")
    assert "0 recorded, 0 known before, 1 rejected" in imported(folder, file, code=4)
    assert "--callers national" in rejects_of(file)
    assert "1 recorded" in imported(folder, file, "--callers=national")
    assert explained(folder, "+393281609181")["notices"][0]["status"] == "NOTDUE"


def test_unusual_numbers_are_taken_and_counted(folder: Path, tmp_path: Path) -> None:
    """What `record` warns of is counted among what was taken, the second time too, and not shown."""
    file = tmp_path / "told.csv"
    numbers = ["+39333123456", "+39333123456789", "+393331234567", "+390212345678", "+3933312"]
    file.write_text("number;date\n" + "\n".join(f"{number};2026-01-31" for number in numbers))
    printed = imported(folder, file, code=4)
    assert printed.startswith(
        "5 rows read: 4 recorded, 0 known before, 1 rejected. 2 numbers that were taken are unusually short"
    )
    assert [number for number in numbers if number[3:] in printed] == []
    totals = json.loads(imported(folder, file, "--json", code=4))
    assert (totals["known_before"], totals["unusual"], totals["rejected"]) == (4, 2, 1)
    file.write_text("customer;date\nK12;2026-01-31\n")
    assert imported(folder, file) == "1 row read: 1 recorded, 0 known before, 0 rejected.\n"


def test_rejects_go_through_no_link(folder: Path, tmp_path: Path) -> None:
    """A link that somebody left where they are written leads nowhere."""
    (tmp_path / "mine").write_text("mine")
    table = tmp_path / "told.csv"
    table.write_text("number,date\nx,y\n")
    (tmp_path / "told.csv.rejects.csv").symlink_to(tmp_path / "mine")
    assert "1 rejected" in imported(folder, table, code=4)
    assert (tmp_path / "mine").read_text() == "mine"
    assert (tmp_path / "told.csv.rejects.csv").read_text().startswith("line,reason")


def test_bad_rows_are_rejected_by_line_and_reason(folder: Path, tmp_path: Path) -> None:
    """A bad row stops nobody else's: it is named by line and reason, without the number."""
    file = tmp_path / "told.csv"
    rows = {
        "+39 333 000-0099;2026-01-31;": "",
        "3,93331E+11;2026-01-31;": "rounded by a spreadsheet",
        "12;2026-01-31;": "the number is not one",
        "+393330000098;31 gennaio;": "the date is not such as",
        "+393330000097;2999-01-01;": "still to come",
        "+393330000096;2026-01-31;9": "there is no version of that name",
        "3225551234;2026-01-31;": "write it with + and country code",
        "2026-01-31;+393330000095;": "the date is not such as",
        "+393330000094;2026-01-31;+393330000094": "there is no version of that name",
        "+393330000093;1900-01-01;": "the first law on it is of 8 May 1997",
        "+393330000092;2020-01-31;": "past the retention",
        "": "",
    }
    file.write_text("numero;data;versione\n" + "\n".join(rows))
    printed = imported(folder, file, code=4)
    assert printed.startswith("11 rows read: 1 recorded, 0 known before, 10 rejected.")
    rejects = file.with_name("told.csv.rejects.csv").read_text().splitlines()
    assert rejects[0] == "line,reason"
    for (line, reason), rejection in zip(
        [(n, reason) for n, reason in enumerate(rows.values(), 2) if reason], rejects[1:], strict=True
    ):
        assert rejection.startswith(f"{line},")
        assert reason in rejection
    assert "33300000" not in "".join(rejects)


def test_i5_reference_holds_no_number(folder: Path, tmp_path: Path) -> None:
    """I5: a row whose reference holds a number, or nothing, is rejected; of others both times are kept."""
    file = tmp_path / "told.csv"
    references = ["form 1", "form of 333 123 4567", "+393330000001", " ", "x" * 201, "333x000, 00, 05"]
    rows = [f"+39333000000{n};2026-01-31 10:30;{reference}" for n, reference in enumerate(references)]
    file.write_text("numero;data;riferimento\n" + "\n".join(rows))
    assert imported(folder, file, "--reference=", code=4).startswith(
        "6 rows read: 1 recorded, 0 known before, 5"
    )
    rejects = file.with_name("told.csv.rejects.csv").read_text()
    assert [line.split(",")[0] for line in rejects.splitlines()[1:]] == ["3", "4", "5", "6", "7"]
    assert "333" not in rejects
    show = ("ledger", "show", "--controller=acme", "-c", folder / "informativa.yaml", "--json")
    (_rule, row) = json.loads(run(*show).stdout)["records"]
    assert (row["at"], row["reference"]) == ("2026-01-31T09:30:00.000+00:00", "form 1")
    assert row["recorded"] > "2026-11"


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ('+393339999999;2026-01-31;"form 2\n', "Line 5202 opens a quote"),
        (f"+393339999999;2026-01-31;{'x' * 200_000}\n", "Line 5202 is longer than"),
        (
            "+393339999999;01/31/2026;form\n",
            "Line 2 has a date with the day first, and line 5202 one with the month first",
        ),
    ],
)
def test_nothing_of_a_file_gets_in_that_cannot_be_understood(
    folder: Path, tmp_path: Path, bad: str, words: str
) -> None:
    """After more rows than one transaction takes, too: none is recorded, and the line is told."""
    file = tmp_path / "told.csv"
    good = [f"+39333{number:07};31/01/2026;form {number}\n" for number in range(5200)]
    file.write_text("numero;data;riferimento\n" + "".join(good) + bad + "".join(good[:800]), newline="")
    message = refused("import", file, "--controller=acme", "--by=website", "-c", folder / "informativa.yaml")
    assert words in message
    assert "Nothing of the file was recorded." in message
    assert not list((folder / "ledger").iterdir())
    assert not file.with_name("told.csv.rejects.csv").exists()


@pytest.mark.slow
def test_counts_are_told_when_it_ends_in_the_middle(folder: Path, tmp_path: Path) -> None:
    """A ledger that is held by another in the middle stops the import, which says how far it came."""
    file, steps = tmp_path / "told.csv", []
    rows = [f"+39333{number:07};31/01/2026;form {number}\n" for number in range(30)]
    file.write_text("numero;data;riferimento\n" + "x;y;z\n" * 2 + "".join(rows))
    configuration = load(folder / "informativa.yaml")
    own = configuration.controllers["acme"]
    notice = configuration.notices["acme"][0]
    source = Source(file, own, notice, RecordKind.WEBSITE, "", "IT", {}, datetime.now(UTC))
    counts = ImportCounts()
    storage.store(own).close()

    def hold(step: str, _done: int) -> None:
        steps.append(step)
        if steps.count("record") == 2:
            holder = sqlite3.connect(own.ledger, isolation_level=None)
            holder.execute("BEGIN IMMEDIATE")
            steps.append(holder)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(importing, "BATCH", 10)
        with pytest.raises(LedgerError):
            importing.run(source, counts, hold)
    steps[-1].close()
    assert (counts.recorded, counts.known_before, counts.rejected, counts.read) == (20, 0, 2, 22)
    assert imported(folder, file, code=4).startswith(
        "32 rows read: 10 recorded, 20 known before, 2 rejected."
    )


def test_prepared_part_by_part(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long file is prepared and recorded in parts: all its records, the rows that are refused by their
    lines, cells over two lines among them."""
    file = tmp_path / "told.csv"
    rows = [f'+39333{number:07};31/01/2026;"form\n{number}"' for number in range(45)]
    file.write_text("numero;data;riferimento\n" + "\n".join([*rows[:25], "x;31/01/2026;form", *rows[25:]]))
    configuration = load(folder / "informativa.yaml")
    own, notice = configuration.controllers["acme"], configuration.notices["acme"][0]
    source = Source(file, own, notice, RecordKind.WEBSITE, "", "IT", {}, datetime.now(UTC))
    monkeypatch.setattr(importing, "PART", 10)
    monkeypatch.setattr(importing, "BATCH", 10)
    done = importing.run(source, ImportCounts(), lambda _step, _bytes: None)
    assert (done.read, done.recorded, done.known_before, done.rejected) == (46, 45, 0, 1)
    assert source.rejects.read_text() == "line,reason\n52,the number is not one\n"
    with contextlib.closing(storage.store(own)) as store:
        assert {record.event.reference for record in store.records(2)} == {f"form {n}" for n in range(45)}


def test_same_file_after_a_key_rotation(folder: Path, tmp_path: Path) -> None:
    """What is on record under the key before is not recorded once more under the new one."""
    file = tmp_path / "told.csv"
    file.write_text("numero;data\n" + "\n".join(f"{number};2026-01-31" for number in NUMBERS))
    imported(folder, file)
    run("keys", "rotate", "acme", "--yes", "-c", folder / "informativa.yaml")
    assert "40 rows read: 0 recorded, 40 known before" in imported(folder, file)


def test_customers_and_columns(folder: Path, tmp_path: Path) -> None:
    """A file that names callers twice is asked about; by customer number they are recorded as customers."""
    file = tmp_path / "told.csv"
    file.write_text(
        "codice cliente;telefono;data\nK1;+393331234567;2026-01-31\nK 2;+393331234567;2026-01-31\n"
    )
    arguments = ("--controller=acme", "--by=website", "--reference=list", "-c", folder / "informativa.yaml")
    assert "--column number=2 or --column customer=1" in refused("import", file, *arguments)
    assert "1 recorded, 0 known before, 1 rejected" in imported(
        folder, file, "--column", "customer=1", code=4
    )
    shown = run(
        "caller", "show", "--customer=K1", "--controller=acme", "-c", folder / "informativa.yaml"
    ).stdout
    assert "1 record of" in shown
    assert "2 recorded" not in imported(folder, file, "--column", "number=telefono")
    assert "Type it like --column number=cellulare." in refused("import", file, *arguments, "--column=number")


def test_without_a_reference_nothing_is_recorded(folder: Path, tmp_path: Path) -> None:
    """Somewhere the evidence must be; a country is one; and a pipe is read only once."""
    file = tmp_path / "told.csv"
    file.write_text("numero;data\n+393331234567;2026-01-31\n")
    arguments = ("--controller=acme", "--by=website", "-c", folder / "informativa.yaml")
    assert "Say where the evidence is: --reference TEXT" in refused("import", file, *arguments)
    assert "XX is not a country" in refused("import", file, *arguments, "--reference=x", "--region=XX")


@pytest.mark.parametrize(("content", "words"), [("", "is empty"), ("a;b\n1;2\n", "`number` and `date`")])
def test_wrong_header(folder: Path, tmp_path: Path, content: str, words: str) -> None:
    """A file without the columns is refused in one sentence."""
    file = tmp_path / "told.csv"
    file.write_text(content)
    arguments = ("--controller=acme", "--by=website", "-c", folder / "informativa.yaml")
    assert words in refused("import", file, *arguments)
    assert "cannot be used" in refused("import", tmp_path / "none.csv", *arguments)


def test_result_and_reasons_in_the_readers_language(folder: Path, tmp_path: Path) -> None:
    """Reasons stand in the file in whichever language the call gives, and else in English; counts are those
    that were told on the way."""
    file, own = tmp_path / "told.csv", load(folder / "informativa.yaml")
    file.write_text("number;date\n+393330000099;2026-01-31\n12;2026-01-31\n")
    source = Source(
        file,
        own.controllers["acme"],
        own.notices["acme"][0],
        RecordKind.WEBSITE,
        "list",
        "IT",
        {},
        datetime(2026, 11, 25, tzinfo=UTC),
    )
    steps: set[str] = set()
    first = importing.run(source, ImportCounts(), lambda step, _bytes: steps.add(step))
    assert (first.read, first.recorded, first.known_before, first.rejected) == (2, 1, 0, 1)
    assert steps == {"check", "prepare", "record"}
    assert source.rejects.read_text() == "line,reason\n3,the number is not one\n"
    italian = language("it")
    again = importing.run(source, ImportCounts(), lambda _step, _bytes: None, italian)
    assert source.rejects.read_text() == f"line,reason\n3,{italian('the number is not one')}\n"
    assert italian.translates
    assert "the number is not one" not in source.rejects.read_text()
    assert list(text.imported(again, ENGLISH)) == [
        "2 rows read: 0 recorded, 1 known before, 1 rejected.",
        f"Why they were rejected, by line: {source.rejects}",
    ]
    facts = json.loads(document(again))
    assert (facts["known_before"], facts["rejects"]) == (1, str(source.rejects))
    assert json.loads(document(replace(again, rejects=None)))["rejects"] is None


def test_rejects_are_in_the_language_of_who_types(folder: Path, tmp_path: Path) -> None:
    """The command writes the file for who mends it, in his language."""
    file = tmp_path / "told.csv"
    file.write_text("number;date\n12;2026-01-31\n")
    command = ("import", file, "--controller=acme", "--by=website", "--reference=list", "--yes")
    assert run(*command, "-c", folder / "informativa.yaml", LANGUAGE="it", LC_ALL="C.UTF-8").returncode == 4
    assert language("it")("the number is not one") in rejects_of(file)


def rejects_of(file: Path) -> str:
    """The rejects of a file."""
    return file.with_name(f"{file.name}.rejects.csv").read_text()
