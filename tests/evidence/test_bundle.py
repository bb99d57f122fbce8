"""Bundles: what an auditor gets of a period, and that he needs nobody to check it."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import stat
import struct
import subprocess
import tracemalloc
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from commands import typed
from evidence import independent
from evidence.ledger import forged
from evidence.receipts import NUMBER, Company
from informativa import model
from informativa.cli.main import main
from informativa.evidence import commitment
from informativa.evidence.checkpoint import open_checkpoint
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.note_values import ErasureRule, NoteSource
from informativa.evidence.notes import RuleNote
from informativa.evidence.receipt import Receipt
from informativa.evidence.tree import verify_consistency
from informativa.evidence.witness import AddCheckpoint
from informativa.ledgers import expiry, purge_plan, rows
from informativa.model import ALWAYS, Reason, RecordKind, Verdict
from informativa.model.errors import EvidenceError, InformativaError
from informativa.model.plan import Period
from informativa.operations.day_range import DayRange
from informativa.operations.evidence import logs
from informativa.operations.evidence.bundle import bundle
from informativa.operations.evidence.bundle_content import Bundle
from informativa.operations.evidence.zip_writer import PackedEntry, ZipWriter, _Header
from informativa.process import erasing, storage
from informativa.views.messages import ENGLISH, Language, language
from informativa.views.text.bundle_readme import BundleWords

NOVEMBER = DayRange(date(2026, 11, 1), date(2026, 11, 30), ZoneInfo("Europe/Rome"))
NAME = "acme-2026-11-01-2026-11-30"


class Opened:
    """A bundle as somebody has it who has nothing else."""

    def __init__(self, written: Bundle) -> None:
        self.bundle = written
        with zipfile.ZipFile(written.file) as opened:
            assert opened.testzip() is None
            self.names = opened.namelist()
            self.files = {
                info.filename.removeprefix(f"{NAME}/"): opened.read(info) for info in opened.infolist()
            }

    @property
    def key(self) -> str:
        return self.bundle.logs[0].key

    def receipts(self) -> Iterator[bytes]:
        """The proofs."""
        return (data for name, data in self.files.items() if name.startswith("receipts/"))

    def text(self, name: str) -> str:
        """A file that is text."""
        return self.files[name].decode()

    def lines(self) -> list[dict[str, object]]:
        """The records, for programs."""
        return [json.loads(line) for line in self.text("records.jsonl").splitlines()]


@pytest.fixture
def company(folder: Path) -> Company:
    """With one call of each kind on record, and what was recorded before and after November."""
    company = Company(folder)
    earlier = replace(company.played, at=datetime(2026, 10, 31, 22, 59, tzinfo=UTC), recorded=None)
    company.record(replace(earlier, binding=_bound(company)))
    company.record(*(replace(event, binding=_bound(company)) for event in company.events()))
    company.record(replace(earlier, at=datetime(2026, 11, 30, 23, 0, tzinfo=UTC), binding=_bound(company)))
    return company


def _bound(company: Company) -> object:
    return commitment.bind(NUMBER, company.controller.key)


def made(company: Company, folder: Path, say: Language = ENGLISH, period: DayRange = NOVEMBER) -> Bundle:
    """The bundle of November."""
    file = folder / "bundle.zip"
    return bundle(company.configuration, company.controller, period, file, BundleWords(say))


def test_has_every_file_and_tells_of_each(company: Company, tmp_path: Path) -> None:
    """Records of the days of the company's zone, a proof for each, log, prompts, plan; README names all."""
    opened = Opened(made(company, tmp_path))
    assert [line["number"] for line in opened.lines()] == [2, 3, 4, 5, 6]
    assert sorted(opened.files) == sorted(
        [
            *(f"receipts/0-999/acme-{number}.tlog-proof" for number in (2, 3, 4, 5, 6)),
            *("records.csv", "records.jsonl"),
            *("log/1/key", "log/1/checkpoint", "log/1/checkpoints/6", "log/1/checkpoints/7"),
            "log/1/consistency/6",
            *(
                f"prompts/privacy@2026-11/{part}/{spoken}/{part}.{form}"
                for part in ("short", "short-nokey", "full")
                for spoken in ("it", "en")
                for form in ("wav", "txt")
            ),
            *("plan.txt", "README.txt", "SHA256SUMS"),
        ]
    )
    for name in ("records.csv", "records.jsonl", "receipts/", "prompts/", "plan.txt"):
        assert f"\n{name} " in opened.text("README.txt")
    assert opened.names[0].startswith(f"{NAME}/receipts/")


def test_each_receipt_holds_for_two_verifiers(company: Company, tmp_path: Path) -> None:
    """Ours, and one that was written from the formats alone; and it is of the record in the files."""
    opened = Opened(made(company, tmp_path))
    for data, line in zip(opened.receipts(), opened.lines(), strict=True):
        Receipt.parse(data).verify(logs.trusted_keys([opened.key]))
        facts = independent.check(data, opened.key)
        assert (facts["number"], facts["status"]) == (line["number"], line["status"])


def test_period_of_two_epochs_has_both_logs(company: Company, tmp_path: Path) -> None:
    """The key was changed in it: each receipt holds by the key of its own epoch, and by no other."""
    logs.change_key(company.controller, datetime(2026, 11, 29, tzinfo=UTC))
    company.record(replace(company.played, binding=_bound(company)))
    opened = Opened(made(company, tmp_path))
    assert [(log.epoch, log.size) for log in opened.bundle.logs] == [(1, 7), (2, 2)]
    first, second = (log.key for log in opened.bundle.logs)
    assert {opened.text(f"log/{epoch}/key").strip() for epoch in (1, 2)} == {first, second}
    verifiers = {}
    for data in opened.receipts():
        by = [key for key in (first, second) if _holds(data, key)]
        verifiers[Receipt.parse(data).facts["number"]] = by
    assert verifiers == {number: [first if number < 8 else second] for number in (2, 3, 4, 5, 6, 8, 9)}


def _holds(receipt: bytes, key: str) -> bool:
    try:
        Receipt.parse(receipt).verify(logs.trusted_keys([key]))
    except EvidenceError:
        return False
    return True


def test_sums_hold(company: Company, tmp_path: Path) -> None:
    """`sha256sum -c` finds every other file as it is listed, and no other."""
    opened = Opened(made(company, tmp_path))
    sums = dict(reversed(line.split("  ")) for line in opened.text("SHA256SUMS").splitlines())
    assert sums == {
        name: sha256(data).hexdigest() for name, data in opened.files.items() if name != "SHA256SUMS"
    }


def test_same_ledger_gives_the_same_bytes(company: Company, tmp_path: Path) -> None:
    """Whenever, and whichever file was there before; and it is for its user alone."""
    (tmp_path / "bundle.zip").write_text("earlier")
    first = made(company, tmp_path)
    data = first.file.read_bytes()
    os.utime(company.controller.ledger, (1, 1))
    again = made(company, tmp_path)
    assert again.file.read_bytes() == data
    assert first.sha256 == again.sha256 == sha256(data).hexdigest()
    assert stat.S_IMODE(again.file.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_no_number_and_no_opening_key(company: Company, tmp_path: Path) -> None:
    """No byte of any file leads to the caller's number, nor to a key of the company."""
    opened = Opened(made(company, tmp_path))
    all_files = b"\n".join(opened.files.values())
    extras = [Receipt.parse(data).proof.extra for data in opened.receipts()]
    for data in (all_files, *extras):
        assert NUMBER.number[1:].encode() not in data
        assert NUMBER.number[3:].encode() not in data
        assert company.controller.key not in data
        assert company.controller.key.hex().encode() not in data
        assert b"opening_key" not in data


def test_earlier_checkpoints_are_the_beginning_of_the_newest(company: Company, tmp_path: Path) -> None:
    """A valid proof ties a checkpoint that a witness saw earlier to the receipts."""
    opened = Opened(made(company, tmp_path))
    request = AddCheckpoint.parse(opened.files["log/1/consistency/6"])
    keys = logs.trusted_keys([opened.key])
    old = open_checkpoint(opened.files["log/1/checkpoints/6"], keys).checkpoint
    new = open_checkpoint(request.note, keys).checkpoint
    assert (old.size, new.size) == (6, 7)
    assert request.note == opened.files["log/1/checkpoint"]
    verify_consistency(old.size, new.size, old.root, new.root, request.proof)


def test_table_holds_no_formula(company: Company, tmp_path: Path) -> None:
    """A reference that a spreadsheet would reckon with stands there as a text; the JSON has it as it is."""
    _played, paper, *_others = company.events()
    company.record(replace(paper, reference="=HYPERLINK(1)", binding=_bound(company)))
    opened = Opened(made(company, tmp_path))
    table = list(csv.DictReader(io.StringIO(opened.text("records.csv"))))
    assert [row["number"] for row in table] == ["2", "3", "4", "5", "6", "8"]
    assert (table[-1]["reference"], opened.lines()[-1]["reference"]) == ("'=HYPERLINK(1)", "=HYPERLINK(1)")
    assert (table[0]["line"], table[0]["purposes"]) == ("+390212345678", "orders service")
    assert (table[2]["heard_seconds"], table[2]["heard_ending"], table[2]["informs"]) == (
        "7.651",
        "key",
        "false",
    )


def test_erased_callers_are_nobody_in_any_file(company: Company, tmp_path: Path) -> None:
    """The facts stay, with a proof, and the record of the erasure is there too; the person is in no file."""
    company.erase()
    opened = Opened(made(company, tmp_path))
    assert (opened.bundle.erased, opened.bundle.receipts, opened.bundle.gone) == (5, 6, 0)
    extras = b"".join(Receipt.parse(data).proof.extra for data in opened.receipts())
    for data in (*opened.files.values(), extras):
        assert company.pseudonym.hex().encode() not in data
    for data in opened.receipts():
        Receipt.parse(data).verify(logs.trusted_keys([opened.key]))
        independent.check(data, opened.key)
    assert [line["erased"] for line in opened.lines()] == [True] * 5 + [False]
    assert opened.lines()[-1]["kind"] == "erasure"
    assert "Erased at their caller's request: 5." in " ".join(opened.text("README.txt").split())


def test_purged_records_are_told(company: Company, tmp_path: Path) -> None:
    """The leaves that open nothing any more are counted, and the later record that names them is there."""
    early = replace(company.played, at=datetime(2020, 11, 30, 12, tzinfo=UTC), binding=_bound(company))
    company.record(early, replace(company.played, recorded=None, binding=_bound(company)))
    with closing(storage.store(company.controller)) as store:
        expiry.purge(store, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 24, tzinfo=UTC))
    logs.checkpoint(company.controller)
    opened = Opened(made(company, tmp_path))
    assert (opened.bundle.gone, opened.bundle.notes, opened.bundle.records) == (1, 1, 7)
    (purge,) = (line for line in opened.lines() if line["kind"] == "purge")
    assert str(purge["reference"]).endswith("; leaves 7")
    assert f"receipts/0-999/acme-{purge['number']}.tlog-proof" in opened.files
    readme = " ".join(opened.text("README.txt").split())
    assert "Gone between the first and the last of these: 1, purged" in readme


SALTS_GONE = (
    "UPDATE leaf SET salt_what = NULL, salt_who = NULL, binding = NULL, opening = NULL WHERE record = 3"
)


@pytest.mark.parametrize("also", [(), (SALTS_GONE,)], ids=["the row", "and the salts"])
def test_verdict_is_that_of_its_own_records(company: Company, tmp_path: Path, also: tuple[str, ...]) -> None:
    """In a word and a sentence of the audit, in README too: at first complete, then one is gone, with or
    without what opens its leaf."""
    complete = Opened(made(company, tmp_path))
    assert complete.bundle.verdict is Verdict.COMPLETE
    assert "Verdict on what is in it: Complete: nothing was changed" in complete.text("README.txt")
    forged(Path(company.controller.ledger), "DELETE FROM event WHERE record = 3", *also)
    broken = Opened(made(company, tmp_path))
    assert broken.bundle.verdict is Verdict.GAPS
    assert "GAPS: 1 record is gone" in broken.text("README.txt")
    italian = Opened(made(company, tmp_path, language("it"))).text("README.txt")
    assert "Verdetto su quanto contiene: LACUNE: manca 1 registrazione" in italian


@pytest.mark.parametrize(("purges", "note"), [((), "erasure"), ((6, 12, 24), "purge")])
def test_notes_after_the_period_are_there(
    company: Company, tmp_path: Path, purges: Sequence[int], note: str
) -> None:
    """The erasure that names records that are left of the period, and of purges the first that names all of
    them. No note of the period counts as purged."""
    rule = RuleNote(Period(days=5), "UTC", ErasureRule.STANDING, processor=False)
    now = datetime(2026, 11, 28, tzinfo=UTC)
    counted = replace(rows.note(RecordKind.TOTALS, Reason.COUNTED, now, "0 1"), recorded=now)
    with closing(storage.store(company.controller)) as store:
        store.keep_rule(rule, now, NoteSource.SERVICE)
        store.append([counted, replace(company.played, recorded=now), company.played])
    erasing.erase(company.controller, NUMBER, datetime(2026, 12, 1, tzinfo=UTC))
    with closing(storage.store(company.controller)) as store:
        for days in purges:
            day = now + timedelta(days=days)
            plan = purge_plan.read(store, day)
            assert plan is not None
            assert expiry.purge_by_rules(store, plan, day, NoteSource.SERVICE), plan
            store.append([replace(company.played, at=day, recorded=day)])
    logs.checkpoint(company.controller)
    opened = Opened(made(company, tmp_path))
    kinds = [line["kind"] for line in opened.lines() if line["kind"] not in ("phone", "operator")]
    assert (kinds, opened.bundle.gone) == (["rule", "totals", note], 0)


def test_waiting_records_are_named(company: Company, tmp_path: Path) -> None:
    """Records without a checkpoint are in the files, without a proof, and README gives the first of them."""
    with closing(storage.store(company.controller)) as store:
        store.append([replace(company.played, binding=_bound(company))] * 2)
    opened = Opened(made(company, tmp_path))
    assert (opened.bundle.records, opened.bundle.receipts, opened.bundle.waiting) == (7, 5, 2)
    assert opened.bundle.waiting_from == 8
    assert "Without a proof yet: 2, from number 8 on." in " ".join(opened.text("README.txt").split())


def test_recordings_that_are_gone_are_named(company: Company, tmp_path: Path) -> None:
    """README says which recording records name and nobody has any more; one with more formats is there."""
    Path(f"{company.played.prompt}.gsm").write_bytes(b"later")
    assert made(company, tmp_path).unknown_recordings == ()
    for form in ("wav", "gsm"):
        Path(f"{company.played.prompt}.{form}").write_bytes(b"another")
    opened = Opened(made(company, tmp_path))
    assert opened.bundle.unknown_recordings == (company.played.recording,)
    assert company.played.recording in opened.text("README.txt")


def test_changed_record_is_not_bundled(company: Company, tmp_path: Path) -> None:
    """A record that is not what was signed stops it, by its number, and nothing is left behind."""
    forged(Path(company.controller.ledger), "UPDATE event SET status = 'PLAYED' WHERE record = 4")
    with pytest.raises(EvidenceError, match="Record 4 is not what it was"):
        made(company, tmp_path)
    assert not list(tmp_path.glob("*bundle.zip*"))


def test_reads_in_the_readers_language(company: Company, tmp_path: Path) -> None:
    """README and plan are in Italian for an Italian auditor; what programs read is the same."""
    italian = Opened(made(company, tmp_path, language("it")))
    english = Opened(made(company, tmp_path))
    assert "COME VERIFICARLO" in italian.text("README.txt")
    assert italian.text("plan.txt").startswith("Come è configurato ora.")
    assert "informativa sulla privacy: una volta." in italian.text("plan.txt")
    differ = {name for name, data in english.files.items() if italian.files[name] != data}
    assert differ == {"README.txt", "plan.txt", "SHA256SUMS"}


def test_plan_stands_there_in_words(company: Company, tmp_path: Path) -> None:
    """The plan shows the repetition of each notice on each line, and the settings that leave notices out."""
    (line, *others) = company.configuration.lines
    (step,) = line.plan
    steps = [replace(step, repeat_after=after) for after in (None, ALWAYS, model.Period(months=6))]
    line = replace(line, plan=tuple(steps), service_data_only=True)
    company.configuration = replace(company.configuration, lines=(line, *others))
    plan = " ".join(Opened(made(company, tmp_path)).text("plan.txt").split())
    version = "Newest version 2026-11, with the purposes: handling the call and the service asked for."
    assert plan.partition(" Line ")[2] == (
        f"+390212345678, language it: - privacy notice: once. {version}"
        f" - privacy notice: on every call. {version}"
        f" - privacy notice: again after a time (months: 6, days: 0). {version}"
        " - Only data needed for the service are used: what is not due on every call is left out."
    )


def test_nothing_to_bundle_is_said(company: Company, tmp_path: Path) -> None:
    """A period that ends before it begins, or has no records, is one sentence with what to do."""
    zone = NOVEMBER.zone
    with pytest.raises(InformativaError, match=r"ends before it begins.*--from"):
        DayRange(date(2026, 11, 2), date(2026, 11, 1), zone)
    with pytest.raises(InformativaError, match=r"No record of acme is from 2025-11-01.*ledger show"):
        made(company, tmp_path, period=DayRange(date(2025, 11, 1), date(2025, 11, 1), zone))
    assert not list(tmp_path.glob("*bundle.zip*"))
    assert DayRange(date(2026, 11, 1), date.max, zone).until.year == 9999


def test_nothing_signed_is_said(folder: Path, tmp_path: Path) -> None:
    """Without a ledger, or a checkpoint, nothing is written."""
    company = Company(folder)
    with pytest.raises(InformativaError, match="nothing was recorded yet"):
        made(company, tmp_path)
    with closing(storage.store(company.controller)) as store:
        store.append([company.played])
    with pytest.raises(EvidenceError, match=r"in no checkpoint yet.*evidence checkpoint --controller acme"):
        made(company, tmp_path)


def test_command_says_what_is_where(
    company: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In words and as JSON; wrong days, companies, folders are one sentence each."""
    monkeypatch.chdir(tmp_path)
    command = ["evidence", "bundle", "-c", str(company.configuration.file), "--controller", "acme"]
    days = ["--from", "2026-11-01", "--to", "2026-11-30"]
    assert main([*command, *days]) == 0
    assert f"{NAME}.zip: 5 records, 5 proofs." in capsys.readouterr().out
    assert main([*command, *days, "-o", "other.zip", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    data = (tmp_path / "other.zip").read_bytes()
    assert (result["records"], result["sha256"]) == (5, sha256(data).hexdigest())
    assert (tmp_path / f"{NAME}.zip").read_bytes() == data
    for arguments, code, sentence in (
        (["--from", "2026-11-30", "--to", "2026-11-01"], 1, "ends before it begins"),
        (["--from", "2026-11-31", "--to", "2026-12-01"], 2, "there is no such day"),
        ([*days, "-o", "nowhere/a.zip"], 1, "nowhere/a.zip cannot be written"),
        ([*days, "-o", "."], 1, "cannot be written"),
        ([*days, "--controller", "acmee"], 1, "Did you mean acme?"),
        ([*days, "--language", "xx"], 1, "There are: en, it."),
    ):
        assert main([*command, *arguments]) == code
        assert sentence in " ".join(capsys.readouterr().err.split())


def test_command_says_what_is_missing_in_it(company: Company, tmp_path: Path) -> None:
    """Records without a proof yet, erased ones, and recordings that are gone are named, with what to type."""
    company.erase()
    with closing(storage.store(company.controller)) as store:
        store.append([replace(company.played, binding=_bound(company))] * 2)
    wav = Path(f"{company.played.prompt}.wav")
    wav.write_bytes(wav.read_bytes()[:-2] + b"\1\1")
    command = ["evidence", "bundle", "-c", company.configuration.file, "--controller", "acme"]
    days = ["--from", "2026-11-01", "--to", "2026-11-30"]
    code, out, err = typed(*command, *days, "-o", tmp_path / "b.zip")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"{tmp_path / 'b.zip'}: 8 records, 6 proofs.",
        "Verdict on what is in it: Accounted for: what is gone is named, by the company's own word.",
        "Without a proof yet: 2, from number 9 on. Type: informativa evidence checkpoint"
        f" -c {company.configuration.file} --controller acme,"
        " and make it again.",
        "Erased: 5. Purged or lost: 0.",
        f"Records name the recording {company.played.recording}, which is not there any more.",
        f"SHA-256: {sha256((tmp_path / 'b.zip').read_bytes()).hexdigest()}",
        "It has pseudonyms of callers, and an erasure does not reach it: delete it when it was handed over.",
        "Give the auditor the key by another way: informativa evidence key"
        f" -c {company.configuration.file} --controller acme",
    ]


def test_unzips_with_other_programs(company: Company, tmp_path: Path) -> None:
    """Info-ZIP and sha256sum take it as it is."""
    if not (shutil.which("unzip") and shutil.which("sha256sum")):
        pytest.skip("unzip or sha256sum is not installed")
    file = made(company, tmp_path).file
    subprocess.run(["unzip", "-q", file], cwd=tmp_path, check=True)
    command = ["sha256sum", "--strict", "--quiet", "-c", "SHA256SUMS"]
    subprocess.run(command, cwd=tmp_path / NAME, check=True)


@pytest.mark.night
@pytest.mark.slow
def test_zip64_begins_where_the_old_format_ends(tmp_path: Path) -> None:
    """More than 65,535 entries are read back; their writer needs memory for none of them."""
    file = tmp_path / "many.zip"
    with file.open("wb") as out, (tmp_path / "directory").open("w+b") as directory:
        writer = ZipWriter(out, directory)
        writer.add("first", b"1")
        tracemalloc.start()
        for number in range(70_000):
            writer.add(f"f/{number}", b"")
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        packed = PackedEntry("last", (tmp_path / "scratch").open("w+b"))
        packed.write(b"one")
        packed.write(b" and two")
        writer.add_packed(packed)
        packed.scratch.close()
        writer.finish()
    assert peak < 2_000_000
    with zipfile.ZipFile(file) as opened:
        assert len(opened.namelist()) == 70_002
        assert (opened.read("first"), opened.read("last")) == (b"1", b"one and two")


def test_sizes_beyond_4_gb_stand_in_the_extra_field() -> None:
    """Both headers say so, in the order and with the widths of APPNOTE 4.5.3."""
    large = _Header(b"a", 0, 5 << 30, 6 << 30, 7 << 30)
    assert large.local()[18:26] == b"\xff" * 8
    assert large.local()[-20:] == struct.pack("<2H2Q", 1, 16, 6 << 30, 5 << 30)
    assert large.central()[42:46] == b"\xff" * 4
    assert large.central()[-28:] == struct.pack("<2H3Q", 1, 24, 6 << 30, 5 << 30, 7 << 30)
    far = _Header(b"a", 0, 5, 6, 7 << 30)
    assert len(far.local()) == 31
    assert far.central()[-12:] == struct.pack("<2HQ", 1, 8, 7 << 30)


@pytest.mark.slow
def test_pages_are_joined(company: Company, tmp_path: Path) -> None:
    """Records that fall into pages of their own are all there, each once, whatever a page's size."""
    company.record(
        *(
            replace(company.played, at=company.played.at + timedelta(seconds=number), binding=_bound(company))
            for number in range(2100)
        )
    )
    opened = Opened(made(company, tmp_path))
    numbers = [line["number"] for line in opened.lines()]
    assert numbers == [2, 3, 4, 5, 6, *range(8, 2108)]
    assert "receipts/2000-2999/acme-2107.tlog-proof" in opened.files
    data = opened.files["receipts/1000-1999/acme-1000.tlog-proof"]
    assert independent.check(data, opened.key)["number"] == 1000
    assert LogFolder(Path(company.controller.ledger)).published(1).sizes()[-1] == 2107
