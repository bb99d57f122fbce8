"""Approvals that come back: by `evidence approval`, and from a witness that serves them; and all that is
refused."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from commands import PROGRAM, typed
from evidence.logs import key, written
from evidence.monitored import APPROVER, WITNESS, Clock, monitor, now
from evidence.serving import Asked, Reply, answering, nowhere
from examples import PLAYED
from informativa.config import Configuration, load
from informativa.evidence.approval import Approval, LeafIdentity, log_digest, sign
from informativa.evidence.cosignature import WitnessVerifier
from informativa.evidence.note import Note, Signature, Signer, parse
from informativa.evidence.note import sign as sign_note
from informativa.evidence.note_standing import NoteVerdict
from informativa.evidence.note_values import NoteSource
from informativa.evidence.notes import ApprovalNote, ErasureNote, LogNote, LostNote, NoteContent, RuleNote
from informativa.evidence.read_log import ReadLog
from informativa.evidence.received_approval import own_standings, received
from informativa.evidence.settings import WitnessAddress
from informativa.evidence.witness_store import WitnessFolder
from informativa.ledgers import note_leaves, own_logs
from informativa.model import Controller
from informativa.model.errors import EvidenceError
from informativa.model.plan import Period
from informativa.operations.doctor import evidence as doctor
from informativa.operations.doctor.findings import State
from informativa.operations.doctor.system import System
from informativa.operations.evidence import logs, publishing
from informativa.operations.evidence.monitor import MonitorSettings
from informativa.process import log_storage, storage
from informativa.process.approval_collection import ApprovalCollection
from informativa.process.regular_work import RegularWork
from lab.process import until

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
STRANGER = Signer("acme.example/somebody", bytes([8]) * 32)
ERASURE = ErasureNote("ab" * 32, 10, "dpo-1")


@pytest.fixture
def configuration(folder: Path) -> Configuration:
    """Two companies with the same approver, each with a rule, 3 records, and an erasure that waits."""
    file = written(folder, "domain: acme.example", "box: pbx-1")
    text = file.read_text()
    for ledger in ("acme", "borealis"):
        line = f"    ledger: ledger/{ledger}.sqlite3\n"
        text = text.replace(line, f"{line}    approver: {APPROVER.verifier}\n")
    file.write_text(text)
    loaded = load(file)
    for controller in loaded.controllers.values():
        with closing(storage.store(controller)) as store:
            store.append([PLAYED] * 3)
        noted(controller, ERASURE)
    return loaded


@pytest.fixture
def acme(configuration: Configuration) -> Controller:
    """The first of them."""
    return configuration.controllers["acme"]


def noted(controller: Controller, content: NoteContent) -> LogNote:
    """Write a note into the log of a ledger."""
    with (
        closing(storage.store(controller)) as store,
        store.transaction() as transaction,
        store.connected() as connection,
    ):
        return note_leaves.append(transaction, connection, content, NOW, NoteSource.COMMAND)[0]


def read(controller: Controller) -> dict[str, ReadLog]:
    """The logs of a ledger."""
    with closing(storage.store(controller, read_only=True)) as store, store.connected() as connection:
        return own_logs.read(connection)


def leaf(controller: Controller, index: int) -> LeafIdentity:
    """A leaf of its log."""
    with closing(storage.store(controller, read_only=True)) as store:
        (entry,) = store.entries(index, 1)
        return LeafIdentity.of(store.log().origin, index, entry)


def verdict(controller: Controller, index: int = 4) -> NoteVerdict:
    """The standing of a note, as the log itself says."""
    (notes,) = own_standings(read(controller), None).values()
    return next(note.standing for note in notes if note.entry.leaf.index == index)


def approved(*leaves: LeafIdentity, by: Signer = APPROVER, at: int = 1_795_608_060) -> bytes:
    """An approval."""
    return sign(Approval.of(at, leaves), by)


def sent(controller: Controller, data: bytes, *more: object) -> tuple[int, str, str]:
    """`evidence approval`, with a file of that content."""
    folder = Path(controller.ledger).parent.parent
    (folder / "sent").write_bytes(data)
    return typed("evidence", "approval", folder / "sent", "-c", folder / "informativa.yaml", *more)


def test_an_approval_counts_once(acme: Controller) -> None:
    """It is written as a leaf, said in words, and not written a second time."""
    data = approved(leaf(acme, 4))
    assert verdict(acme) is NoteVerdict.WAITS
    code, out, err = sent(acme, data)
    assert (code, err) == (0, "")
    origin = leaf(acme, 4).origin
    words, place = out.splitlines()
    assert words.startswith(f"{origin} 4: 2")
    assert words.partition("Z: ")[2] == (
        "A caller is erased, from 10 records at most. Instruction dpo-1. It is approved by"
        " acme.example/approver, as the log itself says who may. The service erases the caller within a"
        " minute."
    )
    assert place.endswith(f"/sent: now stands in {origin}")
    assert verdict(acme) is NoteVerdict.APPROVED
    content = read(acme)[origin].entries[-1].note
    assert content is not None
    assert (content.index, content.by, content.content) == (5, NoteSource.COMMAND, ApprovalNote(data))
    code, out, _err = sent(acme, data)
    assert (code, out.splitlines()[-1].endswith("/sent: stood in the log already")) == (0, True)
    assert read(acme)[origin].size == 6


def test_one_for_two_companies_and_another_box(configuration: Configuration) -> None:
    """It is written into each log that is here, and says which others need it."""
    acme, borealis = configuration.controllers.values()
    other = LeafIdentity("acme.example/informativa/acme/pbx-2/1", 7, bytes(32))
    data = approved(leaf(acme, 4), leaf(borealis, 4), other)
    code, out, _err = sent(acme, data, "--json")
    (document,) = json.loads(out)["approvals"]
    assert (code, document["problem"]) == (0, None)
    assert document["written"] == [leaf(acme, 4).origin, leaf(borealis, 4).origin]
    assert document["elsewhere"] == [other.origin]
    assert [(note["controller"], note["index"], note["note"]) for note in document["notes"]] == [
        ("acme", 4, "erasure"),
        ("borealis", 4, "erasure"),
    ]
    assert {verdict(acme), verdict(borealis)} == {NoteVerdict.APPROVED}


def test_only_the_named_company(configuration: Configuration) -> None:
    """Nothing is written into the log of one that the command does not name."""
    acme, borealis = configuration.controllers.values()
    code, out, _err = sent(acme, approved(leaf(acme, 4), leaf(borealis, 4)), "--controller", "acme")
    assert (code, f"not kept here: {leaf(borealis, 4).origin}" in out) == (0, True)
    assert (verdict(acme), verdict(borealis)) == (NoteVerdict.APPROVED, NoteVerdict.WAITS)
    code, _out, err = sent(acme, approved(leaf(acme, 4)), "--controller", "borealis")
    assert (code, "It is not for a log here, but for: acme.example" in err) == (1, True)


def _extra_line(data: bytes) -> bytes:
    return data.replace(b"\n\n", b"\nand more\n\n", 1)


def _signed_extra_line(data: bytes) -> bytes:
    text = parse(data).text + "and more\n"
    return sign_note(text, APPROVER)


def _resigned(data: bytes) -> bytes:
    note = parse(data)
    wrong = Signature(note.signatures[0].name, note.signatures[0].key_id, bytes(64))
    return Note(note.text, (wrong,)).data


Change = Callable[[Controller], bytes]
HOSTILE: dict[str, tuple[Change, str]] = {
    "nothing": (lambda _acme: b"", "It is no signed note"),
    "binary": (lambda _acme: bytes(range(256)), "not UTF-8"),
    "too large": (
        lambda acme: approved(leaf(acme, 4)) + "— x.example ".encode() + b"A" * 16_000,
        "It has 15001 bytes",
    ),
    "no signature": (lambda acme: parse(approved(leaf(acme, 4))).text.encode(), "It is no signed note"),
    "an extra line": (lambda acme: _extra_line(approved(leaf(acme, 4))), "It is no approval"),
    "an extra line, signed": (
        lambda acme: _signed_extra_line(approved(leaf(acme, 4))),
        "It is no approval",
    ),
    "a false signature": (lambda acme: _resigned(approved(leaf(acme, 4))), "does not fit"),
    "a stranger": (lambda acme: approved(leaf(acme, 4), by=STRANGER), "No key that is known here signed it"),
    "a namesake": (
        lambda acme: approved(leaf(acme, 4), by=Signer(APPROVER.name, bytes([8]) * 32)),
        "No key that is known here signed it",
    ),
    "the log's own key": (
        lambda acme: approved(leaf(acme, 4), by=Signer(leaf(acme, 4).origin, bytes([1]) * 32)),
        "No key that is known here signed it",
    ),
    "another leaf's hash": (
        lambda acme: approved(replace(leaf(acme, 4), hash=leaf(acme, 0).hash)),
        "Leaf 4 of acme.example/informativa/acme/pbx-1/1 is another one than was approved.",
    ),
    "replayed to another log": (
        lambda acme: approved(
            replace(leaf(acme, 4), origin=leaf(acme, 4).origin.replace("/acme/", "/borealis/"))
        ),
        "Leaf 4 of acme.example/informativa/borealis/pbx-1/1 is another one than was approved.",
    ),
    "a log of nobody": (
        lambda acme: approved(replace(leaf(acme, 4), origin="acme.example/informativa/acme/pbx-2/1")),
        "It is not for a log here, but for: acme.example/informativa/acme/pbx-2/1.",
    ),
    "a record": (lambda acme: approved(leaf(acme, 2)), "is a record: only notes are approved."),
    "a record beside a note": (
        lambda acme: approved(leaf(acme, 2), leaf(acme, 4)),
        "is a record: only notes are approved.",
    ),
    "no leaf": (
        lambda acme: approved(replace(leaf(acme, 4), index=5)),
        "has 5 leaves, and no leaf 5.",
    ),
    "a huge index": (
        lambda acme: approved(replace(leaf(acme, 4), index=2**53 - 1)),
        "and no leaf 9007199254740991.",
    ),
    "a note that needs none": (lambda acme: approved(leaf(acme, 0)), "needs no approval."),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_refused(configuration: Configuration, name: str) -> None:
    """One sentence each, exit code 1, and nothing is written, in no log."""
    acme, borealis = configuration.controllers.values()
    change, sentence = HOSTILE[name]
    code, out, err = sent(acme, change(acme))
    assert (code, out, "Traceback" in err) == (1, "", False)
    assert sentence in err
    assert len(err.splitlines()) == 1
    assert [log.size for controller in (acme, borealis) for log in read(controller).values()] == [5, 5]


def test_files_beside_a_good_one(acme: Controller) -> None:
    """One that is missing, or no file, does not hinder the others."""
    folder = Path(acme.ledger).parent.parent
    code, out, err = sent(acme, approved(leaf(acme, 4)), folder / "none", folder)
    assert (code, out.count("now stands in")) == (1, 1)
    assert "No such file" in err
    assert "It is no file." in err


def test_a_second_one_changes_nothing(acme: Controller) -> None:
    """A note that is approved already is not approved again."""
    assert sent(acme, approved(leaf(acme, 4)))[0] == 0
    code, _out, err = sent(acme, approved(leaf(acme, 4), at=1_795_608_061))
    assert (code, "is approved already, by acme.example/approver." in err) == (1, True)


def test_other_signatures_do_not_get_into_the_log(acme: Controller) -> None:
    """They prove nothing, and could say anything for ever."""
    data = approved(leaf(acme, 4))
    more = sign_note(parse(data).text, APPROVER, Signer("call-me-on-39333", bytes([3]) * 32))
    assert sent(acme, more)[0] == 0
    assert read(acme)[leaf(acme, 4).origin].entries[-1].note.content == ApprovalNote(data)  # type: ignore[union-attr]
    assert sent(acme, more)[0] == sent(acme, data)[0] == 0
    assert read(acme)[leaf(acme, 4).origin].size == 6


def test_another_approver_needs_the_word_of_the_one_before(acme: Controller) -> None:
    """Whoever comes with a rule cannot approve it himself."""
    (log,) = read(acme).values()
    rule = log.entries[0].note.content  # type: ignore[union-attr]
    assert isinstance(rule, RuleNote)
    new = noted(acme, replace(rule, approver=STRANGER.verifier, retention=Period(days=8)))
    code, _out, err = sent(acme, approved(new.leaf, by=STRANGER))
    assert "waits for the word of acme.example/approver, and acme.example/somebody signed." in err
    assert code == 1
    code, out, _err = sent(acme, approved(new.leaf, at=int(NOW.timestamp())))
    assert code == 0
    assert "  retention: P8D instead of P60M\n" in out
    assert f"  approver: {STRANGER.verifier} instead of {APPROVER.verifier}\n" in out
    assert "It is in effect from now on." in out
    erasure = noted(acme, ERASURE)
    assert "waits for the word of" in sent(acme, approved(erasure.leaf))[2]
    assert sent(acme, approved(erasure.leaf, by=STRANGER))[0] == 0


def test_the_first_approver_is_believed_by_the_configuration(acme: Controller) -> None:
    """Where the log names nobody, the key in the configuration may approve; elsewhere it may not."""
    logs_of_acme = read(acme)
    (log,) = logs_of_acme.values()
    assert log.entries[0].note is not None
    first = replace(log.entries[0].note, content=replace(log.entries[0].note.content, approver=None))  # type: ignore[arg-type]
    entry = type(log.entries[0]).read(first.entry, log.key.name, 0)
    silent = {log.key.name: replace(log, entries=(entry, *log.entries[1:]))}
    data = approved(leaf(acme, 4), by=STRANGER)
    with pytest.raises(EvidenceError, match="names anybody who approves"):
        received(data, silent, None)
    judged = received(data, silent, STRANGER.verifier)
    assert judged is not None
    assert judged.notes[0].standing is NoteVerdict.APPROVED
    with pytest.raises(EvidenceError, match="waits for the word of"):
        received(data, logs_of_acme, STRANGER.verifier)


def test_the_doctor_names_what_waits(configuration: Configuration, acme: Controller) -> None:
    """Each note with its place and what to do; nothing once they are approved."""
    noted(acme, LostNote(leaf(acme, 4).origin, 1, 2, "dpo-2"))
    for _number in range(5):
        noted(acme, ERASURE)
    findings = list(doctor.approvals(System(configuration.file, configuration, ())))
    texts = [str(finding.sentence) for finding in findings]
    origin = leaf(acme, 4).origin
    assert texts[0].startswith(f"the erasure in leaf 4 of {origin} waits for the controller's approval; Give")
    assert f"{acme.ledger.removesuffix('.sqlite3')}.log/private/1-4 to whoever approves" in texts[0]
    assert texts[1].startswith(f"the loss in leaf 5 of {origin} waits for the controller's approval; Tell")
    assert texts[5] == "2 more notes of acme wait for an approval"
    assert "/borealis/pbx-1/1 waits" in texts[6]
    assert len(texts) == 7
    _code, out, err = typed("status", "-c", configuration.file)
    assert f"the erasure in leaf 4 of {origin} waits" in out + err
    for controller in configuration.controllers.values():
        waiting, _noted = log_storage.waiting_notes(controller)
        assert sent(controller, approved(*(standing.entry.leaf for standing in waiting)))[0] == 0
    assert list(doctor.approvals(System(configuration.file, configuration, ()))) == []


def test_the_doctor_misses_an_approver_before_anything_is_deleted(configuration: Configuration) -> None:
    """Where somebody else answers the calls, and nowhere else."""
    rules = {
        name: replace(controller, rule=replace(controller.rule, approver=""))
        for name, controller in configuration.controllers.items()
        if controller.rule
    }
    (finding,) = doctor.approvers(System(configuration.file, replace(configuration, controllers=rules), ()))
    assert finding.state is State.WARNING
    assert str(finding.sentence) == (
        "Acme S.p.A. answers the calls of borealis: what a shortened retention deletes, or a backup loses,"
        " counts as a gap in an audit, unless somebody approves it; Nobody is named who approves: put the key"
        " that the controller gives you into controllers.borealis.approver"
    )
    assert list(doctor.approvers(System(configuration.file, configuration, ()))) == []


# -- fetched from a witness --


def fetch(
    configuration: Configuration,
    url: str,
    collection: ApprovalCollection,
    key: WitnessVerifier = WITNESS.verifier,
) -> None:
    """Ask a witness for the approvals of all companies, as the service does every hour."""
    settings = replace(configuration.evidence, witnesses=(WitnessAddress(str(key), url),))

    async def collect() -> None:
        for controller in configuration.controllers.values():
            await collection.collect(controller, settings)

    asyncio.run(collect())


def serving(*served: bytes, asked: list[str] | None = None) -> Callable[[Asked], Reply]:
    """The answers of a witness that has these approvals, whatever the log."""

    def reply(request: Asked) -> Reply:
        if asked is not None:
            asked.append(request.path)
        number = int(request.path.rpartition("/")[2])
        return (200, "text/plain", served[number]) if number < len(served) else (404, "text/plain", b"no\n")

    return reply


def test_fetched_approvals_are_noted(configuration: Configuration, acme: Controller) -> None:
    """From the last number on, as long as something waits; what is refused is logged once."""
    strange = approved(leaf(acme, 4), by=STRANGER, at=1_795_608_062)
    configuration = replace(configuration, controllers={"acme": acme})
    collection, asked = ApprovalCollection(), list[str]()
    with capture_logs() as logged:
        with answering(serving(strange, asked=asked)) as server:
            fetch(configuration, server.url, collection)
            fetch(configuration, server.url, collection)
        with answering(serving(strange, approved(leaf(acme, 4)), asked=asked)) as server:
            fetch(configuration, server.url, collection)
            fetch(configuration, server.url, collection)
    assert verdict(acme) is NoteVerdict.APPROVED
    assert [path.rpartition("/")[2] for path in asked] == ["0", "1", "1", "1", "2"]
    assert [entry["event"] for entry in logged] == ["an approval was refused", "an approval was noted"]


@pytest.mark.parametrize(
    "answer",
    [
        (200, "text/html", b"<html>hello</html>"),
        (200, "text/plain", b"x" * 16_001),
        (200, "text/plain", approved(LeafIdentity("acme.example/informativa/zeta/pbx-1/1", 4, bytes(32)))),
        (500, "text/plain", b""),
        (302, "text/plain", b""),
    ],
)
def test_wrong_answers_are_logged_once(configuration: Configuration, acme: Controller, answer: Reply) -> None:
    """And the same is asked again an hour later."""
    configuration = replace(configuration, controllers={"acme": acme})
    collection = ApprovalCollection()
    with capture_logs() as logged:
        with answering(lambda _request: answer) as server:
            fetch(configuration, server.url, collection)
            fetch(configuration, server.url, collection)
        assert [entry["event"] for entry in logged] == ["no approvals were fetched"]
        assert "home.example" in logged[0]["error"]
        fetch(configuration, nowhere(), collection)
        assert len(logged) == 2
        with answering(serving(approved(leaf(acme, 4)))) as server:
            fetch(configuration, server.url, collection)
    assert verdict(acme) is NoteVerdict.APPROVED


@contextmanager
def witness(folder: Path, policy: Path) -> Iterator[str]:
    """`witness serve --approvals` in a process of its own; its address."""
    command = [PROGRAM, "witness", "serve", folder, "--policy", policy, "--listen", "127.0.0.1:0"]
    command += ["--approvals", folder.parent / "approvals", "--log-format", "json"]
    with subprocess.Popen(command, stdout=-1, stderr=-2, text=True) as served:
        try:
            assert served.stdout is not None
            port = re.search(r"127\.0\.0\.1:(\d+)", served.stdout.readline())
            assert port is not None
            yield f"http://127.0.0.1:{port[1]}"
        finally:
            served.send_signal(signal.SIGTERM)
            served.communicate(timeout=30)


@pytest.mark.slow
def test_the_round_trip(configuration: Configuration, tmp_path: Path) -> None:
    """From the note of two companies to the monitor, the person, the witness and back into both logs, and
    then the monitor says so."""
    home = WitnessFolder(tmp_path / "home").make("home.example").verifier
    controllers = list(configuration.controllers.values())
    for controller in controllers:
        logs.checkpoint(controller)
    keys = [f"log {key(controller)}" for controller in controllers]
    policy = tmp_path / "policy"
    policy.write_text("\n".join([*keys, f"witness home {home}", "quorum home", ""]))
    for name in ("web", "approvals"):
        (tmp_path / name).mkdir()
    (tmp_path / "key").write_text(f"{APPROVER.secret}\n")
    (tmp_path / "key").chmod(0o600)
    with witness(tmp_path / "home", policy) as url:
        file = configuration.file
        places = f"  publish: [{{folder: {tmp_path / 'web'}}}]\n  witness: [{{key: {home}, url: '{url}'}}]\n"
        file.write_text(file.read_text().replace("  box: pbx-1\n", f"  box: pbx-1\n{places}", 1))
        configuration = load(file)

        settings = MonitorSettings(
            policy, tmp_path / "state", (APPROVER.verifier,), published=str(tmp_path / "web")
        )
        clock = Clock()
        watching = monitor(settings, clock)

        def look() -> list[str | None]:
            """Publish both logs, and look at them; the standings of the erasures."""
            for controller in controllers:
                logs.checkpoint(controller)
            published = publishing.publish(controllers, configuration.evidence, datetime.now(UTC))
            assert published.complete
            clock.now = now()
            return [finding.standing for finding in watching.look().findings if finding.index == 4]

        assert look() == [NoteVerdict.WAITS] * 2
        places = [word for controller in controllers for word in (leaf(controller, 4).origin, 4)]
        code, out, _err = typed(
            *("evidence", "approve", tmp_path / "state", *places, "--key", tmp_path / "key", "--yes"),
            *("--to", tmp_path / "approvals"),
        )
        assert (code, "informativa evidence approval FILE" in out) == (0, True)
        collection = ApprovalCollection()

        def arrived() -> bool:
            """Ask the witness, which looks into its folder now and then."""
            fetch(configuration, url, collection, home)
            return NoteVerdict.WAITS not in map(verdict, controllers)

        until(arrived, 60, lambda: "The witness has no approval.")
        assert look() == [NoteVerdict.APPROVED] * 2


def test_the_service_asks_beside_its_other_work(configuration: Configuration, acme: Controller) -> None:
    """One of its regular works does it for each company, and goes on."""
    with answering(serving(approved(leaf(acme, 4)))) as server:
        witness = WitnessAddress(str(WITNESS.verifier), server.url, ("acme",))
        settings = replace(configuration.evidence, witnesses=(witness,))
        newest = SimpleNamespace(configuration=replace(configuration, evidence=settings))
        generations: Any = SimpleNamespace(newest=newest)
        metrics: Any = None
        regular = RegularWork(generations, metrics)

        async def serve() -> None:
            regular._ledgers_opened.set()
            asking = asyncio.create_task(regular._fetch_approvals())
            async with asyncio.timeout(60):
                while verdict(acme) is NoteVerdict.WAITS:
                    await asyncio.sleep(0.05)
            assert not asking.done()
            asking.cancel()

        asyncio.run(serve())
        assert {request.path.split("/")[2] for request in server.asked} == {log_digest(leaf(acme, 4).origin)}
