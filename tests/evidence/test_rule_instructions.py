"""The controller's instruction in a rule that a command states because the configuration says another one."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from commands import typed
from evidence.monitored import APPROVER
from examples import PLAYED
from informativa.config import load
from informativa.evidence.note_values import NoteSource
from informativa.evidence.notes import LogNote, RuleNote
from informativa.model import Controller
from informativa.process import log_storage, storage

NOW = datetime.now(UTC)
PURGE, ROTATE = ("purge", "--controller={name}"), ("keys", "rotate", "{name}")
COMMANDS = (PURGE, ROTATE)
SHORTER = ("retention: 5 years", "retention: 4 years")
LONGER = ("retention: 5 years", "retention: 6 years")
NEW_ZONE = ("time_zone: Europe/Berlin", "time_zone: Europe/Vienna")


@pytest.fixture
def file(folder: Path) -> Path:
    """The configuration; both companies, of which somebody else answers the calls of one, have a record from
    before their retention."""
    configuration = folder / "informativa.yaml"
    for controller in load(configuration).controllers.values():
        with closing(storage.store(controller)) as store:
            store.append([replace(PLAYED, at=datetime(2019, 1, 1, tzinfo=UTC))])
        log_storage.keep_rule(controller, NOW, NoteSource.SERVICE)
    return configuration


def change(file: Path, *changes: tuple[str, str]) -> None:
    """Have the configuration say another rule."""
    text = file.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)


def company(file: Path, name: str) -> Controller:
    """The controller, as the configuration has it now."""
    return load(file).controllers[name]


def rules(file: Path, name: str) -> list[LogNote]:
    """The rules in its log."""
    with closing(storage.store(company(file, name), read_only=True)) as store:
        return [note for note in store.log_notes() if isinstance(note.content, RuleNote)]


def instructions(file: Path, name: str) -> list[str]:
    """The instructions in them."""
    return [note.content.instruction for note in rules(file, name)]  # type: ignore[union-attr]


def do(file: Path, command: tuple[str, ...], name: str, *options: str) -> tuple[int, str, str]:
    """Run a command for a company."""
    return typed(*(part.format(name=name) for part in command), "-c", file, *options)


@pytest.mark.sample(3)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize(
    ("name", "changed", "is_asked"),
    [
        ("borealis", [], False),
        ("borealis", [LONGER], False),
        ("borealis", [NEW_ZONE], False),
        ("borealis", [SHORTER], True),
        ("acme", [SHORTER], False),
        (
            "acme",
            [("    key: keys/acme.key", f"    approver: {APPROVER.verifier}\n    key: keys/acme.key")],
            True,
        ),
    ],
)
def test_an_instruction_is_asked_for_where_a_rule_needs_approval(
    file: Path, command: tuple[str, ...], name: str, changed: list[tuple[str, str]], is_asked: bool
) -> None:
    """Where somebody else answers the calls, or approves, and the rule changes so that it needs that word:
    without one nothing is done, and a preview asks for none."""
    change(file, *changed)
    before = [(key, key.read_text()) for key in sorted((file.parent / "keys").iterdir())]
    assert do(file, command, name)[0] == 0
    assert len(rules(file, name)) == 1
    code, _out, err = do(file, command, name, "--yes")
    if not is_asked:
        assert code == 0
        assert len(rules(file, name)) == (2 if changed else 1)
        return
    assert (code, err) == (
        2,
        "informativa: The controller's instruction is missing: the log's rule changes, and needs an approval."
        " Give the id of the ticket: --instruction TICKET. Nothing was changed.\n",
    )
    assert len(rules(file, name)) == 1
    assert [(key, key.read_text()) for key in sorted((file.parent / "keys").iterdir())] == before
    code, out, err = do(file, command, name, "--instruction=OPS/17", "--yes")
    assert (code, err) == (0, "")
    assert "the log states its rule anew, by the instruction OPS/17" in out
    assert instructions(file, name) == ["", "OPS/17"]
    assert rules(file, name)[-1].by is NoteSource.COMMAND


def test_the_instruction_of_the_configuration_counts(file: Path) -> None:
    """It is asked for once only, and the command's own stands in its place for this act alone."""
    named = ("    key: keys/borealis.key", "    instruction: DPO-1\n    key: keys/borealis.key")
    change(file, named)
    assert do(file, PURGE, "borealis", "--yes")[0] == 0
    change(file, SHORTER)
    assert do(file, PURGE, "borealis", "--yes", "--instruction=OPS/17")[0] == 0
    log_storage.keep_rule(company(file, "borealis"), NOW, NoteSource.SERVICE)
    assert instructions(file, "borealis") == ["", "DPO-1", "OPS/17"]
    change(file, ("retention: 4 years", "retention: 3 years"))
    assert do(file, PURGE, "borealis", "--yes")[0] == 0
    change(file, ("instruction: DPO-1", "instruction: DPO-2"))
    log_storage.keep_rule(company(file, "borealis"), NOW, NoteSource.SERVICE)
    assert instructions(file, "borealis") == ["", "DPO-1", "OPS/17", "DPO-1", "DPO-2"]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_the_service_states_no_rule_again_for_the_instruction_of_a_command(
    file: Path, command: tuple[str, ...]
) -> None:
    """A rule that only lacks the ticket that a command was given is the same."""
    change(file, SHORTER)
    assert do(file, command, "borealis", "--yes", "--instruction=OPS/17")[0] == 0
    log_storage.keep_rule(company(file, "borealis"), NOW, NoteSource.SERVICE)
    assert instructions(file, "borealis") == ["", "OPS/17"]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_an_instruction_that_is_noted_nowhere_is_told(file: Path, command: tuple[str, ...]) -> None:
    """No rule changed; and one that is none is refused, also in a preview."""
    code, _out, err = do(file, command, "borealis", "--yes", "--instruction=OPS/17")
    assert (code, err) == (0, "warning: The instruction OPS/17 is noted nowhere: no rule changed.\n")
    assert instructions(file, "borealis") == [""]
    code, _out, err = do(file, command, "borealis", "--instruction=+393331234567")
    assert (code, "An instruction is" in err) == (2, True)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_the_document_names_the_instruction(file: Path, command: tuple[str, ...]) -> None:
    """Of the rule that the log states, or would."""
    change(file, SHORTER)
    for options in ((), ("--yes",)):
        _code, out, _err = do(file, command, "borealis", "--json", "--instruction=OPS/17", *options)
        document = json.loads(out)
        assert document.get("controllers", [document])[0]["instruction"] == "OPS/17"


def test_a_key_is_rotated_though_the_ledger_cannot_be_read(file: Path) -> None:
    """Somebody may know it; an instruction that cannot be noted is another thing."""
    Path(company(file, "borealis").ledger).write_bytes(b"no ledger" * 1000)
    assert do(file, ROTATE, "borealis", "--yes", "--instruction=OPS/17")[0] == 1
    assert not list((file.parent / "keys").glob("borealis.key.*"))
    assert do(file, ROTATE, "borealis", "--yes")[0] == 0
    assert list((file.parent / "keys").glob("borealis.key.*"))


def test_of_several_companies_none_is_purged_before_all_have_what_they_need(file: Path) -> None:
    """The one that comes first stays as it is, too."""
    change(file, SHORTER)
    both = ("--controller=acme", "--controller=borealis")
    assert typed("purge", *both, "-c", file, "--yes")[0] == 2
    assert [len(rules(file, name)) for name in ("acme", "borealis")] == [1, 1]
