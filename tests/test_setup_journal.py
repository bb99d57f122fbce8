"""The journal of `informativa setup`: what it holds after several runs, and what is said of one that cannot
be used."""

from __future__ import annotations

import errno
import json
import os
import pwd
from pathlib import Path

import pytest

from informativa.model.errors import InformativaError
from informativa.operations.setup import journal
from informativa.operations.setup.call_places import Edit
from informativa.operations.setup.journal import Journal, JournalEntry
from informativa.operations.setup.report import SetupPart

UNIT = JournalEntry(SetupPart.SERVICE, Path("/etc/unit"), "d1", before="old unit")
FIRST, SECOND = Edit("Queue(care)", "Gosub()"), Edit("Dial(1)", "Gosub()")
PLAN = JournalEntry(SetupPart.DIALPLAN, Path("/etc/extensions.conf"), "", edits=(FIRST,))
WHOLE = Journal(complete=False, asterisk=("asterisk", "-rx"), entries=(UNIT, PLAN))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a configuration, which is not there yet."""
    return tmp_path / "srv" / "informativa" / "etc"


def sentences_of(error: InformativaError) -> tuple[str, str]:
    """Return the message and the remedy."""
    return str(error.message), str(error.remedy)


def test_what_is_written_is_read_again(folder: Path) -> None:
    """Its file stands beside the folder, for its owner alone, and is gone once it is deleted; deleting it
    again is no harm."""
    assert journal.read(folder) is None
    journal.write(folder, WHOLE)
    file = folder.parent / "etc-setup.json"
    assert (file.stat().st_mode & 0o777, journal.read(folder)) == (0o600, WHOLE)
    journal.write(folder, Journal())
    assert journal.read(folder) == Journal(complete=True)
    file.chmod(0o777)
    journal.write(folder, WHOLE)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().startswith('{\n "format": 1,\n "complete": false,\n')
    for _ in range(2):
        journal.delete(folder)
        assert list(folder.parent.iterdir()) == []


def test_first_text_and_all_edits_stay() -> None:
    """A file that a later run writes again keeps the text from before the first run, and edits are not
    doubled; it comes last, and the others stay as they are."""
    later = WHOLE.adding(
        [
            JournalEntry(SetupPart.SERVICE, Path("/etc/unit"), "d2", before="unit of the first run"),
            JournalEntry(SetupPart.DIALPLAN, PLAN.path, "", edits=(SECOND, FIRST)),
        ]
    )
    assert later.entries == (
        JournalEntry(SetupPart.SERVICE, Path("/etc/unit"), "d2", before="old unit"),
        JournalEntry(SetupPart.DIALPLAN, PLAN.path, "", edits=(FIRST, SECOND)),
    )
    assert (later.complete, later.asterisk) == (False, ("asterisk", "-rx"))
    other = JournalEntry(SetupPart.SERVICE, Path("/etc/other"), "d3")
    again = WHOLE.adding([UNIT, other])
    assert again.entries == (PLAN, UNIT, other)
    assert (again.entry(Path("/etc/other")), again.entry(Path("/etc/none"))) == (other, None)


def test_digest_is_sha_256() -> None:
    """A file is known again by it."""
    assert journal.digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    "change",
    [{"format": 2}, {"entries": [{}]}, {"entries": None}, {"asterisk": None}],
)
def test_journal_of_another_form(folder: Path, change: dict[str, object]) -> None:
    """One of a later format, or whose parts are missing, is refused with what to do."""
    journal.write(folder, WHOLE)
    file = folder.parent / "etc-setup.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(InformativaError) as caught:
        journal.read(folder)
    assert sentences_of(caught.value) == (
        f"{file} is not as setup writes it.",
        f"Type: mv {file} {file}.aside; the steps by hand are in docs/by-hand.md",
    )


def test_journal_that_is_no_file(folder: Path) -> None:
    """A folder is nobody's journal, and a link is not followed; neither is lost in silence."""
    file = folder.parent / "etc-setup.json"
    file.mkdir(parents=True)
    with pytest.raises(InformativaError) as caught:
        journal.read(folder)
    assert sentences_of(caught.value) == (
        f"{file} is not yours, nor root's, so nothing of it is done.",
        f"Type the same as the user who ran setup: ls -l {file}",
    )
    with pytest.raises(InformativaError) as caught:
        journal.write(folder, WHOLE)
    assert sentences_of(caught.value) == (
        f"{file} cannot be written (Is a directory).",
        "Make room on that disk, or be root.",
    )
    with pytest.raises(InformativaError) as caught:
        journal.delete(folder)
    assert sentences_of(caught.value) == (f"{file} cannot be deleted (Is a directory).", "Be root.")
    file.rmdir()
    file.symlink_to("elsewhere.json")
    with pytest.raises(InformativaError) as caught:
        journal.read(folder)
    assert sentences_of(caught.value) == (
        f"{file} cannot be read (Too many levels of symbolic links).",
        f"See what it is: ls -l {file}",
    )


def test_journal_that_may_not_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to 64 MB are read, of root's or of one's own file; where that is refused, it is named, and who may
    read it."""

    def refuse(*arguments: object) -> None:
        assert arguments == (folder.parent / "etc-setup.json", 67_108_864, 0, os.geteuid())
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(journal, "read_foreign", refuse)
    with pytest.raises(InformativaError) as caught:
        journal.read(folder)
    message, remedy = sentences_of(caught.value)
    user = pwd.getpwuid(os.geteuid()).pw_name
    assert message == f"{user} may not look at {folder.parent / 'etc-setup.json'}."
    assert ("ls -ld" if os.geteuid() == 0 else "`sudo`") in remedy
