"""`informativa setup`: what it does to a machine, twice, interrupted, and taken back."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import typer

from commands import run as typed
from examples import PLAYED
from informativa.cli.commands import setup as command
from informativa.config import load
from informativa.config.parsed_cache import cache_file
from informativa.model import NumberForm
from informativa.model.errors import ConfigError, InformativaError
from informativa.model.text import Text
from informativa.operations.new_company import NewCompany
from informativa.operations.setup import journal, machine, number_form, running, staging, undoing
from informativa.operations.setup.call_places import places
from informativa.operations.setup.number_form import form_of, learn
from informativa.operations.setup.plan import Request, planned
from informativa.operations.setup.report import SetupPart, SetupReport, SetupState
from informativa.process.storage import store
from informativa.system import shipped
from informativa.system.processes import CommandOutput
from lab.office import lay
from lab.ports import free_port

STEP = "GosubIf($[${DIALPLAN_EXISTS(informativa,s,1)}]?informativa,s,1(${EXTEN}))"
EXTENSIONS = "[general]\n\n[from-trunk]\nexten => 0212345678,1,Answer()  ; ours\n same => n,Queue(care)\n"
ACME = NewCompany("Acme", "+390212345678", ["it"], "IT")
DONE = CommandOutput(0, "", "")
OTHER = 54321  # a user id that is nobody's
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="root alone gives files away")
ME = pwd.getpwuid(os.geteuid()).pw_name


class Commands:
    """The system's commands: notes what is run, and lets those that begin with `broken` fail."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.broken = "-"

    def __call__(self, words: Sequence[str]) -> CommandOutput:
        self.lines.append(" ".join(words))
        broken = self.lines[-1].startswith(self.broken)
        return CommandOutput(1, "", "first\nthe last line") if broken else DONE


class Pbx:
    """A machine's folders, and setup into them."""

    def __init__(self, root: Path) -> None:
        self.root, self.commands = root, Commands()
        self.etc, self.asterisk, self.units = root / "etc", root / "asterisk", root / "units"
        self.asterisk.mkdir()
        self.units.mkdir()
        (self.asterisk / "extensions.conf").write_text(EXTENSIONS)
        self.listen = f"127.0.0.1:{free_port()}"

    def set_up(self, *, write: bool = True, overwrite: bool = False, context: str = "") -> SetupReport:
        """Set it up, or look what that would be."""
        request = Request(self.etc, ACME, NumberForm.NATIONAL, self.listen, context, overwrite)
        with planned(request, machine.find(self.asterisk, self.units, ME)) as plan:
            return running.run(plan, self.commands) if write else running.preview(plan)

    def undo(self, *, write: bool = True) -> SetupReport:
        """Take it back."""
        return undoing.undo(self.etc, write=write, execute=self.commands)

    def tree(self) -> dict[str, bytes | None]:
        """All files but the configuration's keys, with their content; folders have none."""
        return {
            str(path.relative_to(self.root)): path.read_bytes() if path.is_file() else None
            for path in sorted(self.root.rglob("*"))
            if "keys" not in path.parts and path != self.etc
        }


@pytest.fixture
def usual_mask() -> Iterator[None]:
    """Files may be read by all, where nobody says otherwise, whatever whoever runs the tests has."""
    mask = os.umask(0o022)
    yield
    os.umask(mask)


@pytest.fixture
def pbx(tmp_path: Path, short_prompts: Path, monkeypatch: pytest.MonkeyPatch) -> Pbx:
    """A machine with an Asterisk and systemd, on which nobody ran setup; with short prompts to lay."""
    few = tmp_path / "few"
    for name in ("it/short", "it/short-nokey", "it/full"):
        (few / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(short_prompts / f"{name}.wav", few / f"{name}.wav")
    original = shipped.folder
    monkeypatch.setattr(shipped, "folder", lambda name: few if name == "prompts" else original(name))
    (tmp_path / "machine").mkdir()
    return Pbx(tmp_path / "machine")


def states(report: SetupReport, state: SetupState) -> list[str]:
    """Return the names of the files in this state, and whole commands."""
    return [step.target.rpartition("/")[2] for step in report.steps if step.state is state]


def test_preview_writes_nothing(pbx: Pbx) -> None:
    """All files are shown, the token is not, nothing is written or run, and no draft is left."""
    before = pbx.tree()
    report = pbx.set_up(write=False)
    assert states(report, SetupState.PLANNED) == [
        *(
            "keys",
            "prompts",
            "informativa.yaml",
            "informativa.service",
            "informativa.conf",
            "extensions.conf",
        ),
        *("systemctl daemon-reload", "systemctl enable --now informativa", "asterisk -rx 'dialplan reload'"),
    ]
    shown = "\n".join(line for step in report.steps for line in step.difference)
    assert "callers: national" in shown
    assert f"serve -c {pbx.etc}/informativa.yaml" in shown
    assert "/notice/…" in shown
    assert f"+exten => 0212345678,1,{STEP}\n+ same => n,Answer()  ; ours\n" in shown
    assert pbx.tree() == before
    assert not pbx.etc.exists()
    assert pbx.commands.lines == []


def test_second_run_changes_nothing(pbx: Pbx) -> None:
    """What was set up is in order; the same once more writes nothing, runs nothing, and says so."""
    assert pbx.set_up().in_order
    assert [line.callers for line in load(pbx.etc / "informativa.yaml").lines] == [NumberForm.NATIONAL]
    ran, before = list(pbx.commands.lines), pbx.tree()
    again = pbx.set_up()
    assert (again.written, states(again, SetupState.PLANNED)) == (False, [])
    assert (pbx.commands.lines, pbx.tree()) == (ran, before)


def test_undo_leaves_keys_alone(pbx: Pbx) -> None:
    """What setup made is gone, what it edited is as before to the byte; the key stays, and is used again."""
    before = pbx.tree()
    pbx.set_up()
    key = (pbx.etc / "keys/acme.key").read_bytes()
    pbx.commands.lines.clear()
    report = pbx.undo()
    assert report.in_order
    assert pbx.commands.lines == [
        "asterisk -rx dialplan reload",
        "systemctl disable --now informativa",
        "systemctl daemon-reload",
    ]
    assert pbx.tree() == before
    assert [path.name for path in pbx.etc.rglob("*")] == ["keys", "acme.key"]
    pbx.set_up()
    assert (pbx.etc / "keys/acme.key").read_bytes() == key
    assert (pbx.etc / "informativa.yaml").is_file()


def test_undo_is_shown_first(pbx: Pbx) -> None:
    """Without the word to do it nothing is taken back."""
    pbx.set_up()
    before = pbx.tree()
    assert "informativa.conf" in states(pbx.undo(write=False), SetupState.PLANNED)
    assert pbx.tree() == before


def test_undo_keeps_the_configuration_of_records(pbx: Pbx) -> None:
    """A ledger with a call keeps all of its configuration; service and dialplan are gone."""
    pbx.set_up()
    configuration = load(pbx.etc / "informativa.yaml")
    ledger = store(configuration.controllers["acme"])
    ledger.append([PLAYED])
    ledger.close()
    before = {name for name in pbx.tree() if name.startswith("etc/")}
    report = pbx.undo()
    assert states(report, SetupState.STAYS) == ["etc"]
    assert {name for name in pbx.tree() if name.startswith("etc/")} == before
    assert list(pbx.units.iterdir()) == []
    assert (pbx.asterisk / "extensions.conf").read_text() == EXTENSIONS


def test_undo_leaves_what_somebody_changed(pbx: Pbx) -> None:
    """A configuration and a unit that were changed since stay; of a dialplan that grew only setup's lines
    go."""
    pbx.set_up()
    for file in (pbx.etc / "informativa.yaml", pbx.units / "informativa.service"):
        file.write_text(file.read_text() + "# mine\n")
    dialplan = pbx.asterisk / "extensions.conf"
    dialplan.write_text(f"; mine\n{dialplan.read_text()}[more]\n")
    report = pbx.undo()
    assert states(report, SetupState.STAYS) == ["informativa.service", "etc"]
    assert dialplan.read_text() == f"; mine\n{EXTENSIONS}[more]\n"


def test_undo_does_not_guess_at_changed_lines(pbx: Pbx) -> None:
    """Where somebody moved the step that calls the notice, he is told to take it out."""
    pbx.set_up()
    dialplan = pbx.asterisk / "extensions.conf"
    changed = dialplan.read_text().replace(",1,GosubIf", ",1,NoOp()\n same => n,GosubIf")
    dialplan.write_text(changed)
    assert states(pbx.undo(), SetupState.STAYS) == ["extensions.conf", "keys"]
    assert dialplan.read_text() == changed


def test_file_of_somebody_else(pbx: Pbx) -> None:
    """Another unit of this name is refused before anything is written; it is replaced if that is asked for,
    and comes back by undoing."""
    unit = pbx.units / "informativa.service"
    unit.write_text("[Service]\nExecStart=/mine\n")
    before = pbx.tree()
    with pytest.raises(InformativaError, match=r"informativa\.service is there already") as caught:
        pbx.set_up()
    assert "--overwrite" in str(caught.value.remedy)
    assert pbx.tree() == before
    assert pbx.set_up(overwrite=True).in_order
    assert "/mine" not in unit.read_text()
    assert pbx.commands.lines[2] == "systemctl restart informativa"
    pbx.undo()
    assert pbx.tree() == before


def failing_at(step: int, error: BaseException, writer: Callable[..., None]) -> Callable[..., None]:
    """Return a writer of files that raises in place of its step-th time."""
    left = [step]

    def write(*given: object, **more: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise error
        writer(*given, **more)

    return write


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()], ids=["full", "ctrl-c"]
)
@pytest.mark.parametrize("undone", [True, False])
def test_interrupted_at_a_file(
    pbx: Pbx, monkeypatch: pytest.MonkeyPatch, step: int, error: BaseException, undone: bool
) -> None:
    """A run that ends at any file is finished by the next, or taken back as a whole."""
    before = pbx.tree()
    with monkeypatch.context() as patched:
        patched.setattr(running, "write_file", failing_at(step, error, running.write_file))
        with pytest.raises((InformativaError, KeyboardInterrupt)) as caught:
            pbx.set_up()
    if isinstance(caught.value, InformativaError):
        assert sentences_of(caught.value) == (
            f"{pbx.etc} cannot be written (No space left on device).",
            "Mend that, then type the same again, which goes on from there; or take it back:"
            f" informativa setup {pbx.etc} --undo",
        )
    if undone:
        assert pbx.undo().in_order
        assert pbx.tree() == before
    else:
        assert pbx.set_up().in_order
        assert pbx.commands.lines[-1] == "asterisk -rx dialplan reload"
        assert not pbx.set_up().written
        pbx.undo()
        assert pbx.tree() == before


def test_interrupted_while_a_folder_is_filled(pbx: Pbx, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the folder is there already the configuration comes last; a half-filled one is filled again, by
    the keys that it has."""
    pbx.etc.mkdir()
    before = pbx.tree()
    with monkeypatch.context() as patched:
        failing = failing_at(3, KeyboardInterrupt(), staging._make_folders)
        patched.setattr(staging, "_make_folders", failing)
        with pytest.raises(KeyboardInterrupt):
            pbx.set_up()
    assert not (pbx.etc / "informativa.yaml").exists()
    keys = {path.name: path.read_bytes() for path in (pbx.etc / "keys").iterdir()}
    assert keys
    assert pbx.set_up().in_order
    assert {name: (pbx.etc / "keys" / name).read_bytes() for name in keys} == keys
    assert (pbx.etc / "ledger").stat().st_mode & 0o777 == 0o700
    pbx.undo()
    assert pbx.tree() == before


def test_draft_of_a_killed_run_goes(pbx: Pbx) -> None:
    """A draft has keys: the next run, or undoing, deletes that of a process that is no more, and no other;
    and what it had written of a file."""
    ended, alive = (pbx.root / f".informativa-setup-{process}-x/etc" for process in (2**22 + 1, os.getpid()))
    for draft in (ended, alive):
        draft.mkdir(parents=True)
        (draft / "acme.key").touch()
    pbx.set_up(write=False)
    assert [path.name for path in pbx.root.glob(".informativa-*")] == [alive.parent.name]
    pbx.set_up()
    ended.mkdir(parents=True)
    (pbx.asterisk / ".informativa.conf.part").touch()
    pbx.undo()
    assert [path.name for path in pbx.root.glob(".informativa-*")] == [alive.parent.name]
    assert [path.name for path in pbx.asterisk.iterdir()] == ["extensions.conf"]


def test_journal_is_whole_or_not_there(pbx: Pbx, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends while it writes the journal leaves none, and has done nothing."""
    before = pbx.tree()
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", failing_at(1, KeyboardInterrupt(), os.replace))
        with pytest.raises(KeyboardInterrupt):
            pbx.set_up()
    assert pbx.tree() == before


def test_command_that_fails(pbx: Pbx) -> None:
    """It is told with its last words, the others are run, and the next run tries all of them again."""
    pbx.commands.broken = "systemctl enable"
    report = pbx.set_up()
    assert not report.in_order
    (failed,) = [step for step in report.steps if step.state is SetupState.FAILED]
    assert (failed.target, str(failed.reason)) == (
        "systemctl enable --now informativa",
        "it failed (the last line)",
    )
    assert pbx.commands.lines[-1] == "asterisk -rx dialplan reload"
    pbx.commands.broken = "-"
    pbx.commands.lines.clear()
    assert pbx.set_up().in_order
    assert "systemctl enable --now informativa" in pbx.commands.lines


def test_command_that_fails_without_a_word_is_told_by_its_code() -> None:
    """Nothing else is known of it."""
    commands = [("false",), ("true",)]
    outputs = iter([CommandOutput(3, "", ""), DONE])
    failed, done = running.executed(SetupPart.SERVICE, commands, lambda _words: next(outputs))
    assert (failed.target, failed.state, str(failed.reason)) == ("false", SetupState.FAILED, "it failed (3)")
    assert (done.target, done.state, str(done.reason)) == ("true", SetupState.DONE, "")


def test_links_of_the_configuration_are_known_by_their_place(pbx: Pbx) -> None:
    """What they lead to is no file of setup's: only files are known by their content."""
    pbx.set_up()
    written = journal.read(pbx.etc)
    assert written is not None
    known = {entry.path: bool(entry.digest) for entry in written.entries if entry.part == "configuration"}
    links = {path: path.is_symlink() for path in known}
    assert known == {path: not is_link for path, is_link in links.items()}
    assert {*links.values()} == {True, False}


def test_journal_has_the_edits_of_what_was_there_and_the_content_of_the_rest(pbx: Pbx) -> None:
    """Somebody else's file may change meanwhile: neither its content nor its text of before is known."""
    pbx.set_up()
    written = journal.read(pbx.etc)
    assert written is not None
    entries = {entry.path: entry for entry in written.entries}
    edited, made = entries[pbx.asterisk / "extensions.conf"], entries[pbx.asterisk / "informativa.conf"]
    assert (edited.digest, edited.before, bool(edited.edits)) == ("", None, True)
    assert (made.digest, made.before, made.edits) == (journal.digest(made.path.read_bytes()), None, ())


def test_edited_files_stay_their_owners(pbx: Pbx, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has the token is for its readers alone, and belongs to whom Asterisk's folder does."""
    written, write_file = dict[str, tuple[int | None, bool]](), running.write_file

    def writing(file: Path, data: bytes, like: os.stat_result | None, *, secret: bool) -> None:
        written[file.name] = like and like.st_ino, secret
        write_file(file, data, like, secret=secret)

    edited = (pbx.asterisk / "extensions.conf").stat().st_ino
    monkeypatch.setattr(running, "write_file", writing)
    like = pbx.asterisk.stat()
    monkeypatch.setattr(running, "owner_in_asterisks_folder", lambda *_given: like)
    pbx.set_up()
    assert written == {
        "informativa.service": (None, False),
        "informativa.conf": (like.st_ino, True),
        "extensions.conf": (edited, False),
    }


def test_root_may_give_the_configuration_to_anybody(pbx: Pbx, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a user to himself; nobody else may."""
    request = Request(pbx.etc, ACME, NumberForm.NATIONAL, pbx.listen, "", False)
    with planned(request, machine.find(pbx.asterisk, pbx.units, ME)) as plan:
        user = pwd.struct_passwd(("other", "x", OTHER, OTHER, "", "/", "/"))
        given = replace(plan, machine=replace(plan.machine, user=user))
        for me, refused in ((0, False), (OTHER, False), (1, True)):
            monkeypatch.setattr(os, "geteuid", lambda me=me: me)
            if refused:
                with pytest.raises(InformativaError, match="Only root may give the configuration to other"):
                    running.require_rights(given)
            else:
                running.require_rights(given)
            owners = {step.owner for step in running.preview(given).steps if step.part == "configuration"}
            assert owners == {None if refused else f"other:{given.machine.group}"}


def test_commands_are_those_of_the_parts_that_change(pbx: Pbx) -> None:
    """A unit that is as it was is not enabled again; of a file that is in order the step says so."""
    pbx.set_up()
    (pbx.asterisk / "informativa.conf").unlink()
    steps = pbx.set_up(write=False).steps
    assert [step.target for step in steps if step.action == "run"] == ["asterisk -rx 'dialplan reload'"]
    unchanged = [step for step in steps if step.state is SetupState.UNCHANGED]
    assert [step.target for step in unchanged] == [
        f"{pbx.etc}/informativa.yaml",
        f"{pbx.units}/informativa.service",
    ]


def test_run_warns_of_what_is_mute(pbx: Pbx, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the dialplan that was just written."""
    files = list[Path]()

    def render(_configuration: object, file: Path) -> str:
        files.append(file)
        return "rendered"

    monkeypatch.setattr(running, "render", render)
    monkeypatch.setattr(
        running, "mute", lambda _configuration, text: [Text("It is mute.")] * (text == "rendered")
    )
    assert [str(text) for text in pbx.set_up().warnings] == ["It is mute."]
    assert files == [pbx.asterisk / "informativa.conf"]


@pytest.mark.parametrize(
    ("part", "change", "rights"),
    [
        (SetupPart.SERVICE, {}, "mine: 644"),
        (SetupPart.SERVICE, {"before": ""}, "mine: 757"),
        (SetupPart.SERVICE, {"edits": ("edit",)}, "mine: 644"),
        (SetupPart.SERVICE, {"before": "", "edits": ("edit",)}, "its own: 757"),
        (SetupPart.DIALPLAN, {"secret": True}, "Asterisk's: 640"),
        (SetupPart.DIALPLAN, {"before": "", "secret": True}, "Asterisk's: 640"),
    ],
)
def test_step_of_a_file_says_whose_it_will_be(
    monkeypatch: pytest.MonkeyPatch,
    part: SetupPart,
    change: dict[str, object],
    rights: str,
) -> None:
    """One that is edited stays its owner's; Asterisk's files are its folder's; others belong to whoever runs
    this. A file with the token is not for all to read. What is in order has no difference."""
    owner, mode = rights.split(": ")
    owners = {"mine": os.geteuid(), "its own": 71001, "Asterisk's": 71002}
    ids = {name: os.stat_result((0o757, 1, 1, 1, uid, uid, 0, 0, 0, 0)) for name, uid in owners.items()}
    path = SimpleNamespace(stat=lambda: ids["its own"])
    usual = {"part": part, "path": path, "before": None, "edits": (), "secret": False, "difference": ("+",)}
    file = cast("Any", SimpleNamespace(**(usual | change)))
    monkeypatch.setattr(running, "owner_in_asterisks_folder", lambda *_given: ids["Asterisk's"])
    monkeypatch.setattr(running.users, "name", str)
    monkeypatch.setattr(running.users, "group", lambda gid: "own" if gid == os.getegid() else str(gid))
    plan = cast("Any", SimpleNamespace(configuration=None))
    step = running.file_step(plan, file, SetupState.PLANNED)
    expected = f"{os.geteuid()}:own" if owner == "mine" else f"{owners[owner]}:{owners[owner]}"
    assert (step.owner, step.mode, step.difference) == (expected, mode, ("+",))
    assert running.file_step(plan, file, SetupState.UNCHANGED).difference == ()


def test_service_that_cannot_be_stopped_keeps_its_unit(pbx: Pbx) -> None:
    """So that somebody can stop it, and take the rest back then; a dialplan that nobody read anew is no
    reason to stop."""
    before = pbx.tree()
    pbx.set_up()
    pbx.commands.broken = "systemctl disable"
    assert not pbx.undo().in_order
    assert (pbx.units / "informativa.service").is_file()
    pbx.commands.broken = "asterisk"
    assert states(pbx.undo(), SetupState.FAILED) == ["asterisk -rx 'dialplan reload'"]
    assert pbx.tree() == before


def test_other_bytes_of_the_dialplan_stay(pbx: Pbx) -> None:
    """Comments in another encoding, and a last line without its break, come back as they were."""
    dialplan = pbx.asterisk / "extensions.conf"
    original = EXTENSIONS.encode() + "; città".encode("latin-1")
    dialplan.write_bytes(original)
    dialplan.chmod(0o640)
    pbx.set_up()
    assert b"; citt\xe0\n" in dialplan.read_bytes()
    assert dialplan.stat().st_mode & 0o777 == 0o640
    pbx.undo()
    assert dialplan.read_bytes() == original


def test_freepbx_has_a_file_for_it(pbx: Pbx) -> None:
    """Where FreePBX writes the dialplan only the admin's own file is edited, and the rest is said."""
    (pbx.asterisk / "extensions_additional.conf").write_text("; FreePBX\n")
    report = pbx.set_up()
    assert (pbx.asterisk / "extensions.conf").read_text() == EXTENSIONS
    assert "#tryinclude informativa.conf\n" in (pbx.asterisk / "extensions_custom.conf").read_text()
    assert "informativa-freepbx,s,1" in str(report.by_hand[0])
    pbx.undo()
    assert not (pbx.asterisk / "extensions_custom.conf").exists()


@pytest.mark.parametrize("sign", ["issabel.conf", "issabelpbx.conf", "asterisk/issabelpbx.conf"])
def test_issabel_is_not_told_of_freepbx(pbx: Pbx, sign: str) -> None:
    """Its Custom Destinations do not return, so its admin reads what is right there, and no target."""
    (pbx.asterisk / "extensions_additional.conf").write_text("; IssabelPBX\n")
    (pbx.root / sign).write_text("")
    (step,) = map(str, pbx.set_up(write=False).by_hand)
    assert step.startswith("Issabel's Custom Destinations do not return")
    assert "docs/other-pbxs.md" in step
    assert "FreePBX" not in step


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("exten => 0212345678,1,Queue(care)\n", f"exten => 0212345678,1,{STEP}\n same => n,Queue(care)\n"),
        (
            "exten => +390212345678,1(in),Answer()\nexten => +390212345678,n,Hangup()\n",
            f"exten => +390212345678,1(in),{STEP}\n same => n,Answer()\nexten => +390212345678,n,Hangup()\n",
        ),
        ("exten => 0212345678,1,Answer()\nexten => 0212345678,2,Queue(care)\n", None),
        ("exten => 0212345678,1,GotoIf($[${A}]?3)\n same => n,Queue(care)\n", None),
        ("exten => 0212345678,1,Dial(;-- old --;SIP/1)\n", None),
        (
            "exten => 0212345678,1,Answer() ; comment\n",
            f"exten => 0212345678,1,{STEP}\n same => n,Answer() ; comment\n",
        ),
    ],
)
def test_notice_comes_before_the_first_step(before: str, after: str | None) -> None:
    """The extension's first step becomes its second; where steps are numbered, or a comment is in the way,
    nothing is guessed."""
    text = f"[from-trunk]\n{before}[internal]\nexten => 1,1,Hangup()\n"
    (place,) = places({Path("extensions.conf"): text}, ["+390212345678", "0212345678"])
    edited = text.replace(place.edit.old, place.edit.new) if place.edit else None
    assert edited == (f"[from-trunk]\n{after}[internal]\nexten => 1,1,Hangup()\n" if after else None)


def test_pattern_needs_the_name_of_its_context(pbx: Pbx) -> None:
    """A pattern may be of outgoing calls: without the context's name the contexts are told, with it the step
    comes into that one alone, although both have the same line."""
    pattern = "exten => _X.,1,Answer()\n"
    text = f"[internal]\n{pattern}[from-trunk]\n{pattern}"
    (pbx.asterisk / "extensions.conf").write_text(text)
    report = pbx.set_up()
    assert str(report.by_hand[0]).startswith("Calls to the lines may come in at from-trunk, internal.")
    pbx.set_up(context="from-trunk")
    edited = (pbx.asterisk / "extensions.conf").read_text()
    inserted = f"exten => _X.,1,{STEP}\n same => n,Answer()\n"
    assert edited == f"[internal]\n{pattern}[from-trunk]\n{inserted}\n#tryinclude informativa.conf\n"
    pbx.undo()
    assert (pbx.asterisk / "extensions.conf").read_text() == text


@pytest.mark.parametrize(
    ("number", "region", "form"),
    [
        ("3331234567", "IT", NumberForm.NATIONAL),
        ("393331234567", "IT", NumberForm.INTERNATIONAL),
        ("+393331234567", "IT", NumberForm.EITHER),
        ("00393331234567", "IT", NumberForm.EITHER),
        ("0612345678", "FR", NumberForm.NATIONAL),
        ("33612345678", "FR", NumberForm.INTERNATIONAL),
        ("201", "IT", None),
        ("anonymous", "IT", None),
        ("+4915112345678", "IT", None),
    ],
)
def test_form_of_a_number(number: str, region: str, form: NumberForm | None) -> None:
    """A mobile of the country shows the form; an extension, nobody and a telephone abroad do not."""
    assert form_of(number, region) == form


def test_form_is_learned_or_not(pbx: Pbx) -> None:
    """Channels that were up before, those that Asterisk rings itself, and extensions are passed over; without
    a call there is an end, and without an Asterisk at once."""

    def channel(unique: str, caller: str, application: str = "Queue") -> str:
        return f"PJSIP/t-1!from-trunk!s!1!Up!{application}!care!{caller}!!!3!5!!{unique}"

    here, clock = machine.find(pbx.asterisk, pbx.units), iter(range(100))
    earlier = channel("1.1", "393331234567")
    later = [channel("1.2", "201"), channel("1.3", "393330000000", "AppDial")]
    looks = iter([[earlier], [earlier, *later], [earlier, *later, channel("1.4", "3331234567")]])
    arguments = {"clock": lambda: float(next(clock)), "sleep": lambda _seconds: None}

    def console(_words: Sequence[str]) -> CommandOutput:
        return CommandOutput(0, "\n".join(next(looks, [earlier])), "")

    assert learn(here, "IT", 60, console, **arguments) is NumberForm.NATIONAL
    with pytest.raises(InformativaError, match="No call from a telephone of IT came in 5 s"):
        learn(here, "IT", 5, console, **arguments)
    with pytest.raises(InformativaError, match="Asterisk does not say which calls there are"):
        learn(here, "IT", 5, lambda _words: CommandOutput(1, "", ""), **arguments)


def test_asterisk_is_found_by_asking_it(pbx: Pbx, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where asterisk.conf names no folder with a dialplan, Asterisk is asked; without one that is said."""
    nowhere = machine.AsteriskFiles(pbx.root / "nowhere")
    monkeypatch.setattr(machine.asterisk_files, "usual_files", lambda: nowhere)
    settings = f"  Configuration file:          x\n  Configuration directory:     {pbx.asterisk}\n"
    assert machine.find(run=lambda _words: CommandOutput(0, settings, "")).folder == pbx.asterisk
    with pytest.raises(InformativaError, match="There is no Asterisk: ") as caught:
        machine.find(run=lambda _words: CommandOutput(127, "", ""))
    assert "--to DIR" in str(caught.value.remedy)


def test_user_that_does_not_exist(pbx: Pbx) -> None:
    """It is said, with the option that names another."""
    with pytest.raises(InformativaError, match="There is no user nobody-of-this-name"):
        machine.find(pbx.asterisk, pbx.units, "nobody-of-this-name")


def test_port_that_is_taken(pbx: Pbx) -> None:
    """No service is set up that could not listen."""
    pbx.listen = "192.0.2.1:4588"
    with pytest.raises(InformativaError, match=r"cannot listen at 192\.0\.2\.1:4588") as caught:
        pbx.set_up()
    assert str(caught.value.remedy) == "Name another port: --listen 127.0.0.1:4589"


def test_journal_is_for_its_owner_alone(pbx: Pbx) -> None:
    """It has texts of Asterisk's; one that is damaged is refused, and names what to do."""
    pbx.set_up()
    file = journal.journal_file(pbx.etc)
    assert (file.name, file.stat().st_mode & 0o777) == ("etc-setup.json", 0o600)
    assert (pbx.etc / "keys/agi.token").read_text().strip() not in file.read_text()
    file.write_text("{}")
    with pytest.raises(InformativaError, match="is not as setup writes it"):
        pbx.undo()


def exchanged(pbx: Pbx, name: str, target: Path) -> None:
    """Have a user exchange a folder of the configuration, which is his, for a link."""
    shutil.move(pbx.etc / name, pbx.root / f"{name}.aside")
    (pbx.etc / name).symlink_to(target)
    os.chown(pbx.etc / name, OTHER, OTHER, follow_symlinks=False)


@as_root
@pytest.mark.parametrize("name", ["acme.key", ""])
def test_no_file_of_roots_becomes_a_key(pbx: Pbx, name: str) -> None:
    """A user lays a link to root's file, or root's folder, where keys were: root copies nothing for him."""
    pbx.set_up()
    pbx.undo()
    secrets = pbx.root / "root"
    secrets.mkdir()
    (secrets / "shadow").write_text("secret")
    if name:
        (pbx.etc / "keys/shadow").symlink_to(secrets / "shadow")
    else:
        exchanged(pbx, "keys", secrets)
    with pytest.raises(InformativaError, match=r"is no key of|A link of another user leads to"):
        pbx.set_up()
    assert [path for path in pbx.etc.rglob("*") if path.name == "shadow" and not path.is_symlink()] == []


@as_root
def test_root_deletes_nothing_by_another_users_link(pbx: Pbx) -> None:
    """Undoing works in the folders where setup wrote, and in no others that a link leads to."""
    pbx.set_up()
    copy = pbx.root / "copy"
    shutil.copytree(pbx.etc / "prompts", copy, symlinks=True)
    before = sorted(copy.rglob("*"))
    exchanged(pbx, "prompts", copy)
    report = pbx.undo()
    assert sorted(copy.rglob("*")) == before
    assert any("A link of another user leads to" in str(step.reason) for step in report.steps)


@as_root
def test_journal_of_another_user_is_not_followed(pbx: Pbx) -> None:
    """It names commands and files, so root takes it from root alone."""
    pbx.set_up()
    os.chown(pbx.root / "etc-setup.json", OTHER, OTHER)
    before = pbx.tree()
    pbx.commands.lines.clear()
    with pytest.raises(InformativaError, match="is not yours, nor root's"):
        pbx.undo()
    assert (pbx.tree(), pbx.commands.lines) == (before, [])


@as_root
def test_configuration_in_a_users_folder_is_not_roots_to_make(pbx: Pbx) -> None:
    """Its owner could exchange the draft, and have root give him any file."""
    os.chown(pbx.root, OTHER, OTHER)
    with pytest.raises(InformativaError, match="Another user than root may exchange what is in"):
        pbx.set_up(write=False)


@as_root
def test_edited_file_is_not_behind_another_users_link(pbx: Pbx) -> None:
    """Who owns Asterisk's folder has root write into no file of root's."""
    target = pbx.root / "profile"
    (pbx.asterisk / "extensions.conf").rename(target)
    (pbx.asterisk / "extensions.conf").symlink_to(target)
    os.chown(pbx.asterisk / "extensions.conf", OTHER, OTHER, follow_symlinks=False)
    with pytest.raises(InformativaError, match="A link of another user leads to"):
        pbx.set_up()
    assert target.read_text() == EXTENSIONS


def test_questions_at_a_terminal(pbx: Pbx, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong answer is asked again, each file is shown and may be declined, and the rest is written."""
    asked: list[str] = []
    answers = iter(
        ["Acme", "12", "+390212345678", "xx", "it", "Italy", "IT", *["no"] * 6, "no", "what", "nat"]
    )

    def prompt(question: str, **_more: object) -> str:
        asked.append(question)
        if question == "Write it?":
            return "no" if asked.count(question) == 2 else "yes"
        return next(answers)

    monkeypatch.setattr(typer, "prompt", prompt)
    monkeypatch.setattr(command, "run_command", pbx.commands)
    monkeypatch.setattr(running, "run", partial(running.run, execute=pbx.commands))
    for stream in (command.sys.stdin, command.sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    command._setup(pbx.etc, to=pbx.asterisk, units=pbx.units, user=ME, listen=pbx.listen)
    assert (
        asked.count("The number that callers dial, such as +390212345678; several with commas between") == 2
    )
    assert asked.count("Write it?") == 4
    assert list(pbx.units.iterdir()) == []
    assert [line.callers for line in load(pbx.etc / "informativa.yaml").lines] == [NumberForm.NATIONAL]
    assert (pbx.asterisk / "informativa.conf").is_file()


def test_several_numbers_of_a_company(pbx: Pbx, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a line of its own, and the notice is called where calls to each come in."""
    dialplan = pbx.asterisk / "extensions.conf"
    dialplan.write_text(f"{EXTENSIONS}exten => 0287654321,1,Hangup()\n")
    monkeypatch.setattr(running, "run", partial(running.run, execute=pbx.commands))
    words = [
        "setup",
        pbx.etc,
        "--to",
        pbx.asterisk,
        "--units",
        pbx.units,
        "--user",
        ME,
        "--listen",
        pbx.listen,
    ]
    done = typed(*words, "--company", "Acme", "--number", "+390212345678, +390287654321", "--yes")
    assert done.returncode == 0, done.stderr
    numbers = [line.number for line in load(pbx.etc / "informativa.yaml").lines]
    assert numbers == ["+390212345678", "+390287654321"]
    assert dialplan.read_text().count(STEP) == 2


def test_configuration_that_is_there_is_used(pbx: Pbx, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a configuration that somebody laid only service and dialplan are set up, and undoing leaves it; the
    form that its trunk shows is said, and not written."""
    assert typed("init", pbx.etc, "--company", "Acme", "--number", "+390212345678", "--yes").returncode == 0
    laid = (pbx.etc / "informativa.yaml").read_bytes()
    monkeypatch.setattr(running, "run", partial(running.run, execute=pbx.commands))
    monkeypatch.setattr(number_form, "learn", lambda *_given: NumberForm.NATIONAL)
    words = ["setup", pbx.etc, "--to", pbx.asterisk, "--units", pbx.units, "--user", ME, "--learn", "--yes"]
    done = typed(*words)
    assert done.returncode == 0, done.stderr
    assert f"Write it under the lines of {pbx.etc}/informativa.yaml: callers: national" in done.stderr
    assert (pbx.asterisk / "informativa.conf").is_file()
    pbx.undo()
    assert (pbx.etc / "informativa.yaml").read_bytes() == laid
    assert not (pbx.etc / "informativa.yaml.agi").is_symlink()


def test_i10_mistake_of_one_company_leaves_it_out(pbx: Pbx, short_prompts: Path) -> None:
    """What all share is set up, and the calls of all come to it; the company is named, and nothing of its
    texts is in the dialplan; after it was mended the same again completes it."""
    lay(pbx.etc, short_prompts)
    number, key = "+493012345678", "key: keys/borealis.key"
    second = "exten => 03012345678,1,Queue(b)\n same => n,Hangup()\n"
    (pbx.asterisk / "extensions.conf").write_text(EXTENSIONS + second)
    file = pbx.etc / "informativa.yaml"
    configured = file.read_text()
    assert number in configured
    file.write_text(configured.replace(key, "cay: keys/borealis.key"))
    (early,) = [str(text) for text in pbx.set_up(write=False).warnings if "borealis" in str(text)]
    report = pbx.set_up()
    (warning,) = [str(text) for text in report.warnings if "borealis" in str(text)]
    assert early == warning
    assert warning.startswith("borealis is left out until this is mended; then type the same again: ")
    assert report.next[0] == f"informativa ledger show --controller acme -c {file}"
    assert "informativa.service" in states(report, SetupState.DONE)
    assert (pbx.asterisk / "extensions.conf").read_text().count(STEP) == 2
    assert f"exten => {number},1," not in (pbx.asterisk / "informativa.conf").read_text()
    file.write_text(configured)
    again = pbx.set_up()
    assert not [text for text in again.warnings if "borealis is left out" in str(text)]
    assert f"exten => {number},1," in (pbx.asterisk / "informativa.conf").read_text()


def test_mistake_that_is_no_companys_stops_setup(pbx: Pbx, short_prompts: Path) -> None:
    """A token that cannot be read concerns all calls: nothing is written."""
    lay(pbx.etc, short_prompts)
    (pbx.etc / "keys/agi.token").unlink()
    before = pbx.tree()
    with pytest.raises(ConfigError, match=r"agi\.token"):
        pbx.set_up()
    assert pbx.tree() == before


def test_command_line(pbx: Pbx) -> None:
    """Without the word to do it the command shows all, writes nothing, and ends well."""
    words = [
        "setup",
        pbx.etc,
        "--to",
        pbx.asterisk,
        "--units",
        pbx.units,
        "--user",
        ME,
        "--listen",
        pbx.listen,
    ]
    shown = typed(*words, "--company", "Acme", "--number", "+390212345678")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "Nothing was written; to do all that, add --yes." in shown.stdout
    assert sorted(path.name for path in pbx.root.iterdir()) == ["asterisk", "units"]


def shown(pbx: Pbx, report: SetupReport) -> list[tuple[object, ...]]:
    """All of a report's steps but their differences, with paths from the machine's folders on."""
    return [
        (
            step.part,
            step.action,
            step.target.removeprefix(f"{pbx.root}/"),
            str(step.reason),
            step.owner,
            step.mode,
        )
        for step in report.steps
    ]


@pytest.mark.usefixtures("usual_mask")
def test_report_of_a_run_says_all(pbx: Pbx) -> None:
    """Each file with its owner, its rights and its change, each command, and what to type then; of a run that
    finds all in order no change is shown."""
    mine = f"{ME}:{grp.getgrgid(os.getegid()).gr_name}"
    files = [
        ("configuration", "write", "etc/keys", "", mine, "700"),
        ("configuration", "write", "etc/prompts", "", mine, "755"),
        ("configuration", "write", "etc/informativa.yaml", "", mine, "644"),
        ("service", "write", "units/informativa.service", "", mine, "644"),
        ("dialplan", "write", "asterisk/informativa.conf", "", mine, "640"),
        ("dialplan", "write", "asterisk/extensions.conf", "", mine, "644"),
    ]
    commands = [
        ("service", "run", "systemctl daemon-reload", "", None, None),
        ("service", "run", "systemctl enable --now informativa", "", None, None),
        ("dialplan", "run", "asterisk -rx 'dialplan reload'", "", None, None),
    ]
    preview, done, again = pbx.set_up(write=False), pbx.set_up(), pbx.set_up()
    assert shown(pbx, preview) == shown(pbx, done) == files + commands
    in_order = [("configuration", "write", "etc/informativa.yaml", "", None, None), *files[3:5]]
    assert shown(pbx, again) == in_order
    differences = [[bool(step.difference) for step in report.steps] for report in (done, again)]
    assert differences == [[False, False, *[True] * 4, *[False] * 3], [False] * 3]
    file = pbx.etc / "informativa.yaml"
    for report, written in ((preview, False), (done, True), (again, False)):
        assert (report.configuration, report.asterisk, report.user) == (file, pbx.asterisk, ME)
        assert (report.undo, report.written, report.in_order, report.warnings) == (False, written, True, ())
        assert report.next == (
            f"informativa ledger show --controller acme -c {file}",
            f"informativa doctor -c {file}",
        )


def test_report_of_undoing_says_all(pbx: Pbx) -> None:
    """In the order in which it is done, with why something stays; and nothing is to be typed then."""
    pbx.set_up()
    steps = [
        ("dialplan", "restore", "asterisk/extensions.conf", "", None, None),
        ("dialplan", "delete", "asterisk/informativa.conf", "", None, None),
        ("dialplan", "run", "asterisk -rx 'dialplan reload'", "", None, None),
        ("service", "run", "systemctl disable --now informativa", "", None, None),
        ("service", "delete", "units/informativa.service", "", None, None),
        ("service", "run", "systemctl daemon-reload", "", None, None),
        ("configuration", "delete", "etc/informativa.yaml", "", None, None),
        ("configuration", "delete", "etc/keys", "keys and ledgers are never deleted", None, None),
    ]
    for written, state in ((False, SetupState.PLANNED), (True, SetupState.DONE)):
        report = pbx.undo(write=written)
        assert shown(pbx, report) == steps
        assert [step.state for step in report.steps] == [state] * 7 + [SetupState.STAYS]
        assert (report.configuration, report.asterisk, report.user) == (
            pbx.etc / "informativa.yaml",
            None,
            None,
        )
        assert (report.undo, report.written, report.in_order, report.next) == (True, written, True, ())


def test_undoing_of_nothing_is_refused(pbx: Pbx) -> None:
    """Where setup did nothing there is no journal, also once all was taken back."""
    pbx.set_up()
    pbx.undo()
    with pytest.raises(InformativaError) as caught:
        pbx.undo()
    assert sentences_of(caught.value) == (
        f"Setup did nothing for {pbx.etc}: there is no {pbx.root}/etc-setup.json.",
        "Name the folder of its configuration: informativa setup DIR --undo",
    )


def test_reasons_to_stay_are_told(pbx: Pbx) -> None:
    """A unit that somebody changed, a dialplan that another one calls, setup's lines that somebody moved, and
    a configuration of which the ledger has calls."""
    pbx.set_up()
    unit, dialplan = pbx.units / "informativa.service", pbx.asterisk / "extensions.conf"
    unit.write_text(f"{unit.read_text()}# mine\n")
    dialplan.write_text(f"[mine]\nexten => 1,1,Gosub(informativa,s,1)\n{dialplan.read_text()}")
    ledger = store(load(pbx.etc / "informativa.yaml").controllers["acme"])
    ledger.append([PLAYED])
    ledger.close()
    report = pbx.undo(write=False)
    staying = [step for step in report.steps if step.state is SetupState.STAYS]
    assert [(step.part, step.action) for step in staying] == [
        ("dialplan", "delete"),
        ("service", "delete"),
        ("configuration", "delete"),
    ]
    assert {step.target: str(step.reason) for step in staying} == {
        str(pbx.asterisk / "informativa.conf"): (f"{dialplan}:2 calls it, and would end calls without it"),
        str(unit): "it was changed since",
        str(pbx.etc): "the ledger of acme holds records of calls, which prove little without it",
    }
    dialplan.write_text(dialplan.read_text().replace("GosubIf", " GosubIf"))
    (moved,) = [step for step in pbx.undo(write=False).steps if step.target == str(dialplan)]
    assert (moved.state, str(moved.reason)) == (
        SetupState.STAYS,
        "its lines about informativa were changed since: take them out",
    )


def test_ledger_without_calls_keeps_no_configuration(pbx: Pbx) -> None:
    """What the program itself notes in it is no record of a call; one that cannot be read may have some."""
    pbx.set_up()
    ledger = Path(load(pbx.etc / "informativa.yaml").controllers["acme"].ledger)
    store(load(pbx.etc / "informativa.yaml").controllers["acme"]).close()
    assert states(pbx.undo(write=False), SetupState.STAYS) == ["keys", "ledger"]
    ledger.write_bytes(b"no database" * 1000)
    assert states(pbx.undo(write=False), SetupState.STAYS) == ["etc"]


def test_file_that_cannot_be_written_is_named(pbx: Pbx, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system says which it is."""
    refused = OSError(errno.EROFS, "Read-only file system", "/units/x")
    monkeypatch.setattr(running, "write_file", failing_at(1, refused, running.write_file))
    with pytest.raises(InformativaError) as caught:
        pbx.set_up()
    assert str(caught.value.message) == "/units/x cannot be written (Read-only file system)."


def test_notice_that_lacks_something_is_named_with_its_command(pbx: Pbx) -> None:
    """The rest is set up without it."""
    request = Request(
        pbx.etc, replace(ACME, notices=["country-outside-eu"]), NumberForm.NATIONAL, pbx.listen, "", False
    )
    with planned(request, machine.find(pbx.asterisk, pbx.units, ME)) as plan:
        report = running.preview(plan)
        (reasons,) = [notice.reasons for notice in plan.staging.laid.left_out] if plan.staging else []
    (text,) = map(str, report.by_hand)
    assert text.startswith(
        f"The notice country-outside-eu lacks something ({' '.join(map(str, reasons))}): informativa "
    )
    assert "notices add" in text


def test_folders_that_are_missing_are_made(pbx: Pbx) -> None:
    """Those of units may not be there yet."""
    pbx.units.rmdir()
    pbx.units = pbx.root / "lib/systemd/units"
    assert pbx.set_up().in_order
    assert (pbx.units / "informativa.service").is_file()


def test_step_that_somebody_took_out_is_gone(pbx: Pbx) -> None:
    """Of a dialplan from which he took the step himself only the include is left to take out."""
    pbx.set_up()
    dialplan = pbx.asterisk / "extensions.conf"
    step = f"exten => 0212345678,1,{STEP}\n same => n,Answer()"
    assert step in dialplan.read_text()
    dialplan.write_text(dialplan.read_text().replace(step, "exten => 0212345678,1,Answer()"))
    assert states(pbx.undo(), SetupState.STAYS) == ["keys"]
    assert dialplan.read_text() == EXTENSIONS


@pytest.mark.parametrize("mine", [b"# mine\n", b""])
def test_parsed_configuration_goes_with_it(pbx: Pbx, mine: bytes) -> None:
    """It was made of the configuration, and stays where that stays."""
    pbx.set_up()
    file = pbx.etc / "informativa.yaml"
    file.write_bytes(file.read_bytes() + mine)
    load(file, keep=True)
    assert cache_file(file).exists()
    pbx.undo()
    assert (file.exists(), cache_file(file).exists()) == (bool(mine), bool(mine))


def test_empty_file_of_somebody_comes_back_empty(pbx: Pbx) -> None:
    """To the byte, as any other that setup replaced."""
    unit = pbx.units / "informativa.service"
    unit.touch()
    pbx.set_up(overwrite=True)
    assert unit.read_bytes()
    pbx.undo()
    assert unit.read_bytes() == b""


def test_file_that_does_not_come_back_is_told(pbx: Pbx, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the system's words; the journal stays, and the rest is taken back."""
    pbx.set_up()
    full = OSError(errno.ENOSPC, "No space left on device")
    with monkeypatch.context() as patched:
        patched.setattr(undoing, "write_file", failing_at(1, full, undoing.write_file))
        report = pbx.undo()
    (failed,) = [step for step in report.steps if step.state is SetupState.FAILED]
    assert (failed.target, failed.action, str(failed.reason)) == (
        str(pbx.asterisk / "extensions.conf"),
        "restore",
        "it failed (No space left on device)",
    )
    assert not report.in_order
    assert pbx.undo().in_order
    assert (pbx.asterisk / "extensions.conf").read_text() == EXTENSIONS


def test_rights_are_asked_for_before_anything_is_done(pbx: Pbx, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may not write somewhere, not give files to the service's user, or not replace somebody's file, is
    told what to do."""
    before = pbx.tree()
    with monkeypatch.context() as patched:
        patched.setattr(os, "access", lambda place, mode: (Path(place), mode) != (pbx.units, 3))
        with pytest.raises(InformativaError) as caught:
            pbx.set_up()
    assert sentences_of(caught.value) == (
        f"{pbx.units} cannot be written.",
        "Be root, or type `sudo` before it.",
    )
    with monkeypatch.context() as patched:
        patched.setattr(os, "geteuid", lambda: OTHER)
        with pytest.raises(InformativaError) as caught:
            pbx.set_up()
    assert sentences_of(caught.value) == (
        f"Only root may give the configuration to {ME}.",
        "Be root, or type `sudo` before it.",
    )
    assert pbx.tree() == before
    unit = pbx.units / "informativa.service"
    unit.write_text("[Service]\nExecStart=/mine\n")
    with pytest.raises(InformativaError) as caught:
        pbx.set_up()
    assert sentences_of(caught.value) == (
        f"{unit} is there already, and setup did not write it so.",
        "To see the difference, leave --yes out; to replace it, add --overwrite.",
    )


def sentences_of(error: InformativaError) -> tuple[str, str]:
    """Return the message and the remedy."""
    return str(error.message), str(error.remedy)
