"""A list of calls beside the ledger: what is missing on either side, by any list that people have."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from commands import run
from examples import PLAYED
from informativa.call.caller import pseudonym
from informativa.config import load
from informativa.model import Event, Identified
from informativa.operations.evidence.call_matching import paired
from informativa.process import storage

AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
LINE, OTHER_LINE = "+390212345678", "+493012345678"
ROME = ZoneInfo("Europe/Rome")
CALLER = "+393331234567"


def call_id(number: int, at: datetime = AT) -> str:
    """Asterisk's id of a call."""
    return f"{int(at.timestamp())}.{number}"


def row(
    number: int,
    at: datetime = AT,
    dst: str = "0212345678",
    *,
    unique: str | None = None,
    disposition: str = "ANSWERED",
    seconds: int = 20,
    zone: ZoneInfo = ROME,
    more: Sequence[str] = (),
) -> str:
    """A row as Asterisk's cdr_csv writes it."""
    start, end = (
        f'"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"' for moment in (at, at + timedelta(seconds=seconds))
    )
    unique = call_id(number, at) if unique is None else unique
    cells = [
        '""', f'"{CALLER}"', f'"{dst}"', '"from-trunk"', f'"""Anna"" <{CALLER}>"', '"PJSIP/trunk-0000"', '""',
        '"Queue"', '"sales,t"', start, start, end, str(seconds), str(seconds), f'"{disposition}"',
        '"DOCUMENTATION"', *([f'"{unique}"'] if unique else []), *more,
    ]  # fmt: skip
    return ",".join(cells) + "\n"


def recorded(number: int, at: datetime = AT, **more: object) -> Event:
    """A record of a call whose notice was heard for 9.5 seconds, which it ends."""
    call = {"call": call_id(number, at), "linked": call_id(number, at)}
    return replace(PLAYED, at=at + timedelta(seconds=10), **{"line": LINE, **call, **more})


@pytest.fixture
def fill(folder: Path) -> Callable[..., None]:
    """A function that puts events on record."""

    def add(*events: Event, controller: str = "acme") -> None:
        with closing(storage.store(load(folder / "informativa.yaml").controllers[controller])) as ledger:
            ledger.append(events)

    return add


@pytest.fixture
def compare(folder: Path, tmp_path: Path) -> Callable[..., dict]:
    """A function that compares a list and returns the document; no caller's number is in it."""

    def compared(content: str | bytes, *options: str, code: int = 0) -> dict:
        file = tmp_path / "Master.csv"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        ran = run(
            "evidence", "compare", "--calls", file, "-c", folder / "informativa.yaml", *options, "--json"
        )
        assert ran.returncode == code, ran
        assert CALLER not in ran.stdout + ran.stderr
        assert "Anna" not in ran.stdout + ran.stderr
        return json.loads(ran.stdout)

    return compared


def numbers(result: dict, *names: str) -> tuple[int, ...]:
    """Some counts of a result."""
    return tuple(result[name] for name in names)


def test_all_agrees(compare, fill) -> None:
    """Calls with a record each agree; several rows of one call are one, and other numbers do not count."""
    later = AT + timedelta(hours=3)
    fill(recorded(1), recorded(2, later), recorded(2, later, notice="offers"))
    rows = [row(1), row(1, AT, "600", unique=call_id(1)), row(2, later), row(3, later, "0299999999")]
    result = compare("".join(rows))
    assert numbers(result, "rows", "calls", "elsewhere", "on_lines", "by_id") == (4, 3, 1, 2, 2)
    assert numbers(result, "recorded", "without_record", "without_call", "agrees") == (2, 0, 0, True)
    assert result["days"] == []


def test_call_without_record_and_record_without_call(compare, fill) -> None:
    """A call that is not on record is named, and so is a record whose call is not listed; exit code 3."""
    fill(recorded(1), recorded(9, AT + timedelta(minutes=1)))
    rows = row(1) + row(2, AT + timedelta(minutes=2))
    result = compare(rows, code=3)
    assert numbers(result, "without_record", "without_call", "agrees") == (1, 1, False)
    (call,), (record,) = result["calls_without_record"], result["records_without_call"]
    assert (call["line"], call["row"], call["controller"]) == (LINE, 2, "acme")
    assert call["call"] == call_id(2, AT + timedelta(minutes=2))
    assert call["at"] == "2026-11-24T10:32:00.000+01:00"
    assert (record["record"], record["call"]) == (3, call_id(9, AT + timedelta(minutes=1)))


@pytest.mark.parametrize("zone", [ROME, ZoneInfo("UTC"), ZoneInfo("America/New_York")])
def test_zone_of_asterisk(compare, fill, zone: ZoneInfo) -> None:
    """The time of Asterisk's list may be in any zone, or in GMT by usegmtime: its ids have the time."""
    fill(recorded(1))
    result = compare(row(1, zone=zone) + row(2, zone=zone), code=3)
    assert numbers(result, "by_id", "without_record") == (1, 1)
    assert result["calls_without_record"][0]["at"] == "2026-11-24T10:30:00.000+01:00"


def test_without_unique_ids(compare, fill, folder: Path, tmp_path: Path) -> None:
    """Without loguniqueid calls are compared by line and start, and the way to switch it on is said."""
    fill(*(recorded(number, AT + timedelta(minutes=number)) for number in range(5)))
    rows = "".join(row(number, AT + timedelta(minutes=number), unique="") for number in range(6))
    result = compare(rows, code=3)
    assert numbers(result, "by_time", "without_record", "without_id") == (5, 1, 6)
    assert result["calls_without_record"][0]["call"] is None
    file = tmp_path / "Master.csv"
    ran = run("evidence", "compare", "--calls", file, "-c", folder / "informativa.yaml")
    assert "loguniqueid=yes in the section [csv] of cdr.conf" in ran.stdout
    # a user field in the place of the id is none
    userfield = rows.replace('"DOCUMENTATION"', '"DOCUMENTATION","3401234567"')
    assert numbers(compare(userfield, code=3), "by_time", "without_id") == (5, 6)


@pytest.mark.parametrize(("zone", "by_time"), [("UTC", 1), ("Europe/Rome", 0)])
def test_zone_that_somebody_names(compare, fill, zone: str, by_time: int) -> None:
    """Times without an id are in the zone that is named, or in the company's."""
    fill(recorded(1))
    rows = row(1, unique="", zone=ZoneInfo("UTC"))
    assert compare(rows, "--zone", zone, code=0 if by_time else 3)["by_time"] == by_time


def test_record_of_a_call_that_was_over_at_once(compare, fill) -> None:
    """A call that was over at once keeps its record, although a later one without any is near, too."""
    fill(recorded(1), recorded(2, AT + timedelta(seconds=30)))
    rows = row(1, unique="") + row(2, AT + timedelta(seconds=30), unique="", seconds=0)
    result = compare(rows + row(3, AT + timedelta(seconds=33), unique=""), code=3)
    assert [call["row"] for call in result["calls_without_record"]] == [3]


def test_hour_that_comes_twice(compare, fill) -> None:
    """In the hour that a clock goes through twice, a call may be of either."""
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))
    fill(recorded(1, first), recorded(2, second))
    assert compare(row(1, first, unique="") + row(2, second, unique=""))["by_time"] == 2


def test_menu_before_the_notice(compare, fill) -> None:
    """A notice that comes long after the call began is matched within the call, of an erased caller too."""
    late = timedelta(seconds=95)
    fill(recorded(1, call="x", linked="x", at=AT + late), recorded(2, AT + timedelta(hours=1)))
    rows = row(1, unique="", seconds=120) + row(2, AT + timedelta(hours=1), unique="")
    assert compare(rows)["by_time"] == 2


def test_i9_erased_caller(compare, fill, folder: Path) -> None:
    """I9: the record of an erased caller has no id; it is matched by line and minute, and said so."""
    known = pseudonym(Identified(CALLER), load(folder / "informativa.yaml").controllers["acme"].key)
    fill(recorded(1, pseudonym=known), recorded(1, pseudonym=known, notice="offers"), recorded(2))
    erased = run("caller", "erase", CALLER, "--controller=acme", "--yes", "-c", folder / "informativa.yaml")
    assert erased.returncode == 0
    result = compare(row(1) + row(2))
    assert numbers(result, "by_id", "by_minute", "recorded", "without_call") == (1, 1, 2, 0)
    assert numbers(compare(row(1) + row(2) + row(3), code=3), "by_minute", "without_record") == (1, 1)


def test_unanswered(compare, fill) -> None:
    """Calls that were not answered, or were over at once, are told apart, and are no reason to worry."""
    fill(recorded(1))
    rows = row(1) + row(2, disposition="NO ANSWER", seconds=0) + row(3, seconds=0)
    rows += row(4, disposition="BUSY")
    result = compare(rows)
    assert numbers(result, "unanswered", "without_record") == (3, 0)


def test_retention(compare, fill, folder: Path) -> None:
    """Calls of days whose records were deleted because of their age are compared by their number."""
    file = folder / "informativa.yaml"
    file.write_text(re.sub(r"(?m)^( +retention:) .*", r"\1 1 year", file.read_text()))
    old = datetime.now(UTC).replace(microsecond=0, hour=9) - timedelta(days=3 * 365)
    fill(*(recorded(number, old + timedelta(minutes=number)) for number in range(3)))
    fill(recorded(9, old + timedelta(days=900)))
    assert run("purge", "--controller=acme", "--yes", "-c", file).returncode == 0
    rows = "".join(row(number, old + timedelta(minutes=number)) for number in range(3))
    rows += row(9, old + timedelta(days=900))
    result = compare(rows)
    assert numbers(result, "purged", "by_id", "without_record") == (3, 1, 0)
    result = compare(rows + row(4, old + timedelta(minutes=9)), code=3)
    (day,) = result["days"]
    assert (day["calls"], day["recorded"], day["purged"]) == (4, 3, True)


def test_retention_of_a_day_that_the_list_has_not_to_its_end(compare, fill, folder: Path) -> None:
    """Of a day whose records were deleted only the hours count that the list has, as where it was rotated."""
    file = folder / "informativa.yaml"
    file.write_text(re.sub(r"(?m)^( +retention:) .*", r"\1 1 year", file.read_text()))
    old = datetime.now(UTC).replace(microsecond=0, minute=5, hour=9) - timedelta(days=3 * 365)
    fill(*(recorded(number, old + timedelta(hours=number)) for number in (0, 1, 5)))
    assert run("purge", "--controller=acme", "--yes", "-c", file).returncode == 0
    result = compare(row(0, old) + row(1, old + timedelta(hours=1)))
    assert numbers(result, "purged", "days") == (2, [])


CARRIERS = {
    "semicolons": "Chiamante;Numero chiamato;Inizio\r\n{caller};0212345678;24/11/2026 10:30:01\r\n",
    "a mark": "\ufeffChiamante;Numero chiamato;Inizio\r\n{caller};0212345678;24/11/2026 10:30\r\n",
    "minutes": "line,start\n0212345678,2026-11-24T10:29+01:00\n",
    "quotes": '"caller","line","start"\n"{caller}","+39 02 12345678","2026-11-24T10:30:02+01:00"\n',
    "an offset": "caller\tline\tstart\n{caller}\t00390212345678\t2026-11-24 09:30:02Z\n",
    "seconds": "line,start\n+390212345678,1795512601\n",
    "twice": "line,start\n+390212345678,1795512601\n\n",
}


@pytest.mark.parametrize("name", CARRIERS)
def test_lists_of_carriers(compare, fill, name: str) -> None:
    """Lists with a header, as carriers and spreadsheets write them, are compared by line and start."""
    fill(recorded(1))
    result = compare(CARRIERS[name].format(caller=CALLER))
    assert numbers(result, "on_lines", "by_time", "master") == (1, 1, False)


def test_columns_that_somebody_names(compare, fill) -> None:
    """Columns are named by header or by place; ids of Asterisk's count, and no other is shown."""
    fill(recorded(1))
    rows = f"a,b,c,src\n{call_id(1)},0212345678,2026-11-24 10:30,{CALLER}\n"
    assert compare(rows, "--columns", "id=a,line=2,start=C")["by_id"] == 1
    result = compare(rows.replace("10:30", "11:30"), "--columns", "id=src,line=b,start=c", code=3)
    assert result["calls_without_record"][0]["call"] is None


def test_lost_row_is_named(compare, fill) -> None:
    """A row that a power cut or a full disk spoilt is named by its line, and all others count."""
    fill(recorded(1), recorded(2))
    spoilt = row(3).encode()
    content = (
        row(1).encode() + spoilt[:60] + b"\n" + bytes(40) + b"\n" + row(2).encode() + b"nonsense\n" + b"\n"
    )
    result = compare(content, code=3)
    assert numbers(result, "by_id", "unreadable", "without_record") == (2, 3, 0)
    assert [entry["row"] for entry in result["rows_unreadable"]] == [2, 3, 5]
    assert "NUL" in result["rows_unreadable"][1]["reason"]


def test_row_with_a_duration_that_no_call_has(compare, fill) -> None:
    """A duration of more digits than any call's, as of a spoilt row, counts as none, and the call does."""
    fill(recorded(1))
    assert compare(row(1).replace(",20,20,", f",{'9' * 30},20,"))["by_id"] == 1


REFUSED = {
    "empty": ("", "This is not Asterisk's Master.csv, and no header names the column of: line, start."),
    "a header alone": ("line,start\n", "The list is empty."),
    "no header": ("a,b\n1,2\n", "no header names the column of: line, start"),
    "two lines": ("did,dst,start\n1,2,3\n", "more than one column for line"),
    "excel": (b"PK\x03\x04...", "This is no CSV file but Excel (.xlsx)."),
    "gzip": (b"\x1f\x8b...", "This is no CSV file but gzip."),
    "binary": (b"\x00\x01\x02\n\x03", "Line 1 holds a NUL"),
    "other lines": (row(1, dst="0299999999", unique=""), "No call of the list is to a line of informativa"),
    "american": ("line,start\n0212345678,11/24/2026 10:30\n", "Line 2 has a date with the month first"),
    "a wide row": ("line,start\n0212345678,2026-11-24 10:30,x\n", "Line 2 has 3 cells, and the header 2."),
    "no times": ("line,start\n0212345678,2026-11-24\n", "No row of the list can be understood; of line 2"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(compare, fill, name: str) -> None:
    """A list that cannot be compared is refused in one sentence with what to do; exit code 2."""
    fill(recorded(1))
    content, message = REFUSED[name]
    (problem,) = compare(content, code=2)["problems"]
    assert message in problem["message"]
    assert problem["remedy"]


def test_refused_options(compare, fill, folder: Path) -> None:
    """Options that fit nothing are refused with exit code 2, too, and so is a file that is not there."""
    fill(recorded(1))
    for options in (
        ("--columns", "id"), ("--columns", "colour=blue"), ("--columns", "line=blue"),
        ("--from", "2026-12-02", "--to", "2026-12-01"), ("--from", "2027-01-01"), ("--controller", "acm"),
    ):  # fmt: skip
        assert compare(row(1), *options, code=2)["problems"]
    for options in (("--from", "yesterday"), ("--zone", "Rome")):
        with pytest.raises(json.JSONDecodeError):
            compare(row(1), *options, code=2)
    ran = run("evidence", "compare", "--calls", folder / "none.csv", "-c", folder / "informativa.yaml")
    assert ran.returncode == 2
    assert "none.csv cannot be read (No such file or directory). Name a list of calls" in ran.stderr


def test_days(compare, fill) -> None:
    """With --from and --to only those days count; a call of the day before may have its record after."""
    midnight = datetime(2026, 11, 24, tzinfo=ROME)
    before = midnight - timedelta(seconds=2)
    fill(
        recorded(1, before),
        recorded(2, midnight + timedelta(hours=5)),
        recorded(3, midnight - timedelta(days=3)),
    )
    rows = row(1, before) + row(2, midnight + timedelta(hours=5)) + row(4, midnight + timedelta(days=4))
    result = compare(rows, "--from", "2026-11-24", "--to", "2026-11-24")
    assert numbers(result, "calls", "by_id", "recorded", "without_call", "outside") == (1, 1, 1, 0, 1)
    assert (result["since"], result["until"]) == (
        "2026-11-24T00:00:00.000+01:00", "2026-11-25T00:00:00.000+01:00",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("first", "last"), [("0001-01-01", "9999-12-31"), ("0001-01-02", "9999-12-30")], ids=["all", "most"]
)
def test_days_at_the_ends_of_the_calendar(compare, fill, first: str, last: str) -> None:
    """A period may be as long as the calendar; its very ends are as far as the list goes."""
    fill(recorded(1))
    result = compare(row(1), "--from", first, "--to", last)
    assert numbers(result, "calls", "by_id", "agrees") == (1, 1, True)


def test_closed_folder_of_a_ledger(compare, fill, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that may not be looked for is said to be it, and not the list; exit code 2."""
    fill(recorded(1))
    exists, ledger = Path.exists, folder / "ledger/acme.sqlite3"

    def closed(file: Path) -> bool:
        if file == ledger:
            raise PermissionError(13, "Permission denied", str(file))
        return exists(file)

    monkeypatch.setattr(Path, "exists", closed)
    (problem,) = compare(row(1), code=2)["problems"]
    assert problem["message"].endswith(f" may not look at {ledger}.")
    assert problem["remedy"]


def test_several_companies(compare, fill, folder: Path) -> None:
    """The ledgers of all companies are read whose lines are in the list, and each notes that it was."""
    fill(recorded(1))
    fill(recorded(2, line=OTHER_LINE), controller="borealis")
    both = row(1) + row(2, dst=OTHER_LINE)
    assert compare(row(1))["controllers"] == ["acme"]
    assert compare(both)["controllers"] == ["acme", "borealis"]
    alone = compare(both, "--controller", "borealis")
    assert numbers(alone, "elsewhere", "on_lines", "by_id") == (1, 1, 1)
    for name, looks in (("acme", 2), ("borealis", 2)):
        entries = storage.access_log(load(folder / "informativa.yaml").controllers[name]).page(None, 9)
        assert [(entry.action, entry.detail) for entry in entries] == [
            ("audit", "calls compared with a list")
        ] * looks


def test_dialplan_that_changes_the_number(compare, fill) -> None:
    """Where the list has another number in the line's place, as FreePBX's has, its ids do."""
    fill(recorded(1), recorded(2))
    assert numbers(compare(row(1, dst="600") + row(2, dst="s")), "on_lines", "by_id") == (2, 2)


def test_conversation(compare, fill) -> None:
    """Rows of one conversation (linkedid, by newcdrcolumns) are one call, also where none has a record."""
    fill(recorded(1))
    more = [f'"{text}"' for text in ("", "", call_id(1))] + ["7"]
    lost = [f'"{text}"' for text in ("", "", call_id(5))] + ["8"]
    rows = row(1, more=more) + row(2, more=more) + row(5, more=lost) + row(6, more=lost)
    result = compare(rows, code=3)
    assert numbers(result, "calls", "by_id", "without_record") == (2, 1, 1)


def test_many_are_named_up_to_a_hundred(compare, fill, folder: Path, tmp_path: Path) -> None:
    """Of what is missing a hundred are named, and how many more there are."""
    fill(recorded(0))
    rows = "".join(row(number, AT + timedelta(minutes=number)) for number in range(131))
    result = compare(rows, code=3)
    assert (result["without_record"], len(result["calls_without_record"])) == (130, 100)
    ran = run("evidence", "compare", "--calls", tmp_path / "Master.csv", "-c", folder / "informativa.yaml")
    assert "… and 30 more" in ran.stdout


def test_heavy_hour_against_the_plain_way() -> None:
    """As many calls and records are paired as a search through all possibilities finds."""
    chance = random.Random(7)
    for _ in range(200):
        records = sorted(("a", chance.uniform(0, 20), key) for key in range(chance.randrange(6)))
        calls = sorted(
            (line, low, low + chance.uniform(0, 6), number)
            for number in range(chance.randrange(6))
            for line, low in [(chance.choice("ab"), chance.uniform(0, 20))]
        )
        pairs = list(paired(records, calls))
        fits = {(call[3], record[2]) for call in calls for record in records
                if call[0] == record[0] and call[1] <= record[1] <= call[2]}  # fmt: skip
        assert set(pairs) <= fits
        assert len({call for call, _ in pairs}) == len({key for _, key in pairs}) == len(pairs)
        assert len(pairs) == _most(frozenset(fits))


def _most(fits: frozenset[tuple[int, int]]) -> int:
    """The most pairs in which nothing is twice."""
    if not fits:
        return 0
    first = min(fits)
    rest = frozenset(fit for fit in fits if fit != first)
    with_it = frozenset(fit for fit in rest if fit[0] != first[0] and fit[1] != first[1])
    return max(_most(rest), 1 + _most(with_it))
