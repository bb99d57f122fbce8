"""Importing what callers were told elsewhere."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from test_cli import explained, refused, run

NUMBERS = [f"+39333{number:07}" for number in range(20, 60)]


def imported(folder: Path, file: Path, *more: str) -> str:
    """What the command prints."""
    ran = run(
        "import",
        file,
        "--controller=acme",
        "--by=website",
        "--reference=list",
        "-c",
        folder / "informativa.yaml",
        *more,
    )
    assert (ran.returncode, ran.stderr) == (0, ""), ran
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
    assert "2026-01-31 00:00 UTC" in notice["caller_knows"]
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


def test_rejects_go_through_no_link(folder: Path, tmp_path: Path) -> None:
    """A link that somebody left where they are written leads nowhere."""
    (tmp_path / "mine").write_text("mine")
    table = tmp_path / "told.csv"
    table.write_text("number,date\nx,y\n")
    (tmp_path / "told.csv.rejects.csv").symlink_to(tmp_path / "mine")
    assert "1 rejected" in imported(folder, table)
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
        "+393330000096;2026-01-31;9": "There is no version 9",
        "3225551234;2026-01-31;": "write it with + and country code",
        "": "",
    }
    file.write_text("numero;data;versione\n" + "\n".join(rows))
    printed = imported(folder, file)
    assert printed.startswith("7 rows read: 1 recorded, 0 known before, 6 rejected.")
    rejects = file.with_name("told.csv.rejects.csv").read_text().splitlines()
    assert rejects[0] == "line,reason"
    for (line, reason), said in zip(
        [(n, reason) for n, reason in enumerate(rows.values(), 2) if reason], rejects[1:], strict=True
    ):
        assert said.startswith(f"{line},")
        assert reason in said
    assert "33300000" not in "".join(rejects)


@pytest.mark.parametrize(("content", "words"), [("", "number"), ("a;b\n1;2\n", "`number` and `date`")])
def test_wrong_header(folder: Path, tmp_path: Path, content: str, words: str) -> None:
    """A file without the columns is refused in one sentence."""
    file = tmp_path / "told.csv"
    file.write_text(content)
    arguments = ("--controller=acme", "--by=website", "-c", folder / "informativa.yaml")
    assert words in refused("import", file, *arguments)
    assert "cannot be used" in refused("import", tmp_path / "none.csv", *arguments)
