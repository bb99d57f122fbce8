"""Bad input from outside: one sentence each, exit 1, nothing lost, and calls go on."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from evidence.ledger import audited, files, grown, published, require_one_history
from evidence.logs import configured, record
from evidence.receipts import Logged, with_extra
from examples import AT, PLAYED
from informativa.cli.main import main
from informativa.ledgers.sequencer import sequence
from informativa.ledgers.sqlite import SqliteStore
from informativa.model.errors import EvidenceError
from informativa.process import storage

RECEIPTS: dict[str, Callable[[Logged], bytes]] = {
    "nothing": lambda _: b"",
    "another format": lambda log: log.receipt().proof.data.replace(b"proof@v1", b"proof@v2", 1),
    "another version": lambda log: with_extra(log.receipt(), lambda extra: extra.update(v=1)),
    "cut off": lambda log: log.receipt().proof.data[:200],
    "a line more": lambda log: log.receipt().proof.data.replace(b"\nindex", b"\nextra x\nindex", 1),
    "an unknown key": lambda log: with_extra(log.receipt(), lambda extra: extra.update(colour="red")),
    "an unknown fact": lambda log: with_extra(log.receipt(), lambda extra: extra["facts"].update(x="y")),
    "10 MB of it": lambda log: log.receipt().proof.data + b"\n" * 10_000_000,
    "10 MB of nothing": lambda _: bytes(10_000_000),
    "no text": lambda _: b"\xff\xfe" * 100,
}


@pytest.mark.parametrize("fault", RECEIPTS)
def test_what_is_no_receipt_is_told_in_a_sentence(
    logged: Logged, fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is named, with what is wrong with it, in one line, and nothing of it is shown; exit code 1."""
    file = tmp_path / "r.tlog-proof"
    file.write_bytes(RECEIPTS[fault](logged))
    assert main(["evidence", "verify", str(file), "--key", logged.vkey]) == 1
    output = capsys.readouterr()
    assert output.err == ""
    assert output.out.startswith(f"{file}: ")
    assert len(output.out.split("\n")) == 2
    assert len(output.out) < 400


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        ("", "no quorum"),
        ("quorum none\n", "Nothing says whom to trust"),
        ("log {key}\n", "no quorum"),
        ("log {key}\nquorum home\n", "There is no home"),
        ("log {key}\ngroup g any\nquorum g\n", "policy"),
    ],
)
def test_policy_that_names_nobody_is_refused(
    logged: Logged, policy: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No log, no quorum, or witnesses that it does not name; exit code 1."""
    file, whom = tmp_path / "r.tlog-proof", tmp_path / "policy"
    file.write_bytes(logged.receipt().proof.data)
    whom.write_text(policy.format(key=logged.vkey))
    assert main(["evidence", "verify", str(file), "--policy", str(whom)]) == 1
    output = capsys.readouterr()
    assert (output.out, "Traceback" in output.err) == ("", False)
    assert sentence in output.err


def test_policy_without_witnesses_is_the_companys_own_word(
    logged: Logged, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may say that none is needed: then the receipt holds, and it is said what that is worth."""
    file, whom = tmp_path / "r.tlog-proof", tmp_path / "policy"
    file.write_bytes(logged.receipt().proof.data)
    whom.write_text(f"log {logged.vkey}\nquorum none\n")
    assert main(["evidence", "verify", str(file), "--policy", str(whom)]) == 0
    assert "the company's own word" in capsys.readouterr().out


@pytest.mark.sample(2)
@pytest.mark.parametrize("limit", [0, 100, 2000, 9000, 20_000])
def test_i3_disk_that_is_full_while_a_tile_is_written_loses_nothing(tmp_path: Path, limit: int) -> None:
    """I3: with a limit that the kernel itself sets to the size of files: one sentence, the log is as it was,
    calls go on, and with room again all of them are signed."""
    ledger = tmp_path / "acme.sqlite3"
    grown(ledger, 200)
    sequence(ledger)
    grown(ledger, 100)
    files_before = files(ledger)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(EvidenceError, match="cannot be used: File too large") as raised:
            sequence(ledger)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(raised.value)
    assert files_before.items() <= files(ledger).items()
    assert [name for name in files(ledger) if name.endswith(".part")] == []
    assert audited(ledger).is_sound
    grown(ledger, 1)
    assert sequence(ledger).checkpoint.size == 301
    require_one_history(ledger)
    assert audited(ledger).is_sound


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """One of 64 KiB, for the log beside a ledger."""
    disk = tmp_path / "acme.log"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode()}")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_i3_full_disk_is_signed_on_when_there_is_room(tmp_path: Path, small_disk: Path) -> None:
    """I3: a real one, that has no room for 2,000 leaves: one sentence, no record lost, and with room all of
    them are signed."""
    ledger = tmp_path / "acme.sqlite3"
    grown(ledger, 100)
    sequence(ledger)
    grown(ledger, 1900)
    with pytest.raises(EvidenceError, match="cannot be used: No space left on device") as raised:
        sequence(ledger)
    assert "\n" not in str(raised.value)
    assert audited(ledger).is_sound
    subprocess.run(["mount", "-o", "remount,size=4m", small_disk], check=True)
    assert sequence(ledger).checkpoint.size == 2000
    require_one_history(ledger)
    assert audited(ledger).is_sound


def test_clock_that_jumps_changes_no_order(tmp_path: Path) -> None:
    """Ten years ahead, thirty back, and right again: the log goes by the order of the records alone."""
    ledger = tmp_path / "acme.sqlite3"
    for size, years in enumerate((0, 10, -30, 0), 1):
        now = AT + timedelta(days=365 * years)
        with closing(SqliteStore(str(ledger))) as store:
            store.append([replace(PLAYED, pseudonym=os.urandom(32), at=now, recorded=now)])
        sequence(ledger)
        os.utime(published(ledger).folder / "checkpoint", (now.timestamp(), now.timestamp()))
        assert published(ledger).sizes() == list(range(1, size + 1))
        assert audited(ledger).is_sound
    require_one_history(ledger)


def absent(mount: Path, _older: Path) -> None:
    """It is not mounted."""
    mount.rename(mount.with_name("away"))


def older(mount: Path, older: Path) -> None:
    """Somebody restored it."""
    shutil.rmtree(mount)
    shutil.copytree(older, mount)


def tampered(mount: Path, _older: Path) -> None:
    """Somebody changed the newest checkpoint there."""
    (mount / "informativa/acme/pbx-1/1/checkpoint").write_bytes(b"x")


@pytest.mark.parametrize(
    ("fault", "publishing", "signing"),
    [
        (absent, "is not there", "nobody elsewhere answers"),
        (older, "", ""),
        (tampered, "was changed there: checkpoint", "was changed there: checkpoint"),
    ],
)
def test_target_that_is_not_as_it_was_left(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    fault: Callable[[Path, Path], None],
    publishing: str,
    signing: str,
) -> None:
    """Gone, or tampered with: publishing and signing say so, and nothing is signed. One that came back older
    is brought up to date. Calls are recorded all the same."""
    mount, file = tmp_path / "mount", folder / "informativa.yaml"
    mount.mkdir()
    acme = configured(folder, "publish: [{folder: " + str(mount) + "}]")

    def typed(command: str) -> tuple[int, str]:
        code = main(["evidence", command, "-c", str(file), "--controller", "acme"])
        output = capsys.readouterr()
        return code, " ".join((output.out + output.err).split())

    for size in (1, 2):
        record(acme)
        assert [typed(command)[0] for command in ("checkpoint", "publish")] == [0, 0]
        if size == 1:
            shutil.copytree(mount, tmp_path / "older")
    fault(mount, tmp_path / "older")
    record(acme)
    for command, sentence in (("publish", publishing), ("checkpoint", signing)):
        code, output = typed(command)
        assert (code, sentence in output, "Traceback" in output) == (1 if sentence else 0, True, False)
    with closing(storage.store(acme)) as store:
        assert len(list(store.records())) == 4
    assert published(Path(acme.ledger)).sizes() == ([2, 3] if signing else [2, 3, 4])
    if not publishing:
        assert typed("publish")[0] == 0
        newest = published(Path(acme.ledger)).checkpoint()
        assert (mount / "informativa/acme/pbx-1/1/checkpoint").read_bytes() == newest


@pytest.mark.sample(3)
@pytest.mark.parametrize("name", ["1/checkpoint", "1/checkpoints/3", "signing/1.signed"])
@pytest.mark.parametrize("data", [b"", b"no note"])
def test_damaged_checkpoint_is_named(
    folder: Path, name: str, data: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """Signing and audit name the damaged file and the place of another copy; the audit goes on."""
    acme = configured(folder)
    for _ in range(2):
        record(acme)
        sequence(Path(acme.ledger))
    damaged = Path(acme.ledger).with_name("acme.log") / name
    undamaged = damaged.read_bytes()
    damaged.write_bytes(data)
    record(acme)
    sentence = f"{damaged} is damaged: It is no signed note"
    for command, also in (
        ("checkpoint", "put a copy in its place: one is in checkpoints/"),
        ("audit", "4 whole"),
    ):
        configuration = str(folder / "informativa.yaml")
        assert main(["evidence", command, "-c", configuration, "--controller", "acme"]) == 1
        output = capsys.readouterr()
        one_line = " ".join((output.out + output.err).split())
        assert (sentence in one_line, also in one_line) == (True, True)
    damaged.write_bytes(undamaged)
    assert sequence(Path(acme.ledger)).added == 1
