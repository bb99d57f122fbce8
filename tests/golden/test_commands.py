"""Golden files of all that commands print, for people in English and in Italian, and for programs.

`pytest tests/golden --snapshot-update` renews the files in `__snapshots__/`; git then shows what readers will
notice of a change.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from golden.cases import CASES, EXCEPTIONS, FAILURES, Case
from golden.installation import CommandResult, Installation, masked, process
from golden.results_by_hand import RESULTS, SAME_OUTPUT
from golden.snapshots import expected_names, snapshot_names
from golden.stopped_clock import TUESDAY
from informativa.cli.main import app
from informativa.cli.tree import Command, tree
from informativa.config import load
from informativa.model import Role
from informativa.operations.accounts.store import AccountFile
from informativa.views.documents import document
from informativa.views.messages import ENGLISH, Language, language

ALL = CASES | {f"failure-{name}": case for name, case in FAILURES.items()}
WITH_JSON = [name for name, case in ALL.items() if case.json]
RESULTS_WITH_JSON = [name for name, result in RESULTS.items() if result.json]
LANGUAGES = {"english": ENGLISH, "italian": language("it")}
COMMANDS = {"-".join(command.path): command for command in tree(app()).walk()}
InstallationFor = Callable[[Case], Installation]


def run(case: Case, installation: Installation, *options: str, language: str = "en") -> CommandResult:
    """Prepare a case and run its command."""
    installation.edit(case.changes)
    for file in case.missing:
        (installation.root / file).unlink()
    for line in case.setup:
        set_up(line, installation)
    lines = case.lines if case.lines is None or not options else case.lines - 1  # JSON has no headings
    return installation.run(" ".join([case.line, *options]), language, lines)


def set_up(line: str, installation: Installation) -> None:
    """Do one preparation of a case: a command, or after a `!` a change of a file."""
    folder = installation.file.parent
    match line.split(maxsplit=3):
        case ["!", "cp", source, target]:
            shutil.copyfile(folder / source, folder / target)
        case ["!", "sqlite", file, statement]:
            with closing(sqlite3.connect(folder / file)) as connection, connection:
                connection.execute(statement)
        case ["!", "account", name, role]:
            accounts = AccountFile(Path(load(installation.file).web.folder))
            token = accounts.invite(name, {"acme": Role(role)}, TUESDAY + timedelta(hours=1))
            accounts.accept(token, "correct horse battery staple", TUESDAY)
        case _:
            result = installation.run(line)
            assert result.code in (0, 4), result


def transcript(case: Case, installation: Installation, language: str = "en") -> str:
    """Return all that a person sees who types the command of a case, and the files that it writes."""
    result = run(case, installation, language=language)
    parts = [f"$ informativa {case.line}\n", result.output]
    parts += [f"\n--- standard error\n{result.errors}"] if result.errors else []
    for name in case.files:
        parts.append(f"\n--- {name}\n{masked(text_of(installation.root, name))}")
    return "".join([*parts, f"\n--- exit code {result.code}\n"])


def text_of(folder: Path, name: str) -> str:
    """Return the text of a file, or of ARCHIVE!FILE; of a page without styles and scripts, which all pages
    share."""
    archive, _mark, member = name.partition("!")
    if not member:
        return re.sub(r"(?s)<(style|script)\b.*?</\1>", r"<\1>…</\1>", (folder / name).read_text())
    with zipfile.ZipFile(folder / archive) as opened:
        (path,) = [path for path in opened.namelist() if path.endswith(f"/{member}")]
        return opened.read(path).decode()


@pytest.mark.parametrize("name", ALL)
def test_english(name: str, installation_for: InstallationFor, text_file: SnapshotAssertion) -> None:
    """Output of a command in English."""
    case = ALL[name]
    assert transcript(case, installation_for(case)) == text_file


@pytest.mark.parametrize("name", ALL)
def test_italian(name: str, installation_for: InstallationFor, text_file: SnapshotAssertion) -> None:
    """Output of a command in Italian."""
    case = ALL[name]
    assert transcript(case, installation_for(case), "it") == text_file


@pytest.mark.parametrize("name", WITH_JSON)
def test_json(name: str, installation_for: InstallationFor, json_file: SnapshotAssertion) -> None:
    """JSON of a command, which is in English although the reader's language is Italian."""
    case = ALL[name]
    output = run(case, installation_for(case), "--json", language="it").output
    assert output == json_file


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_help_in_italian(command: Command, original: Installation, text_file: SnapshotAssertion) -> None:
    """Help of each command and group in Italian; in English it is in the reference."""
    result = original.run(" ".join([*command.path[1:], "--help"]), "it")
    assert (result.code, result.errors) == (0, "")
    assert result.output == text_file


@pytest.mark.parametrize("reader", LANGUAGES.values(), ids=LANGUAGES)
@pytest.mark.parametrize("name", RESULTS)
def test_made_by_hand(
    name: str, reader: Language, original: Installation, text_file: SnapshotAssertion
) -> None:
    """Output for a result that needs another part of a machine."""
    with process(original.root):
        text = RESULTS[name].text(load(original.file), reader)
    assert masked(text) == text_file


@pytest.mark.parametrize("name", RESULTS_WITH_JSON)
def test_made_by_hand_as_json(name: str, original: Installation, json_file: SnapshotAssertion) -> None:
    """JSON of a result that needs another part of a machine."""
    with process(original.root):
        text = document(RESULTS[name].build(load(original.file)))
    assert f"{masked(text)}\n" == json_file


def command_of(line: str) -> str:
    """Return the command of a command line: the longest one that its first words are."""
    return max((command for command in LEAVES if f"{line} ".startswith(f"{command} ")), key=len, default="")


LEAVES = [" ".join(leaf.path[1:]) for leaf in COMMANDS["informativa"].leaves()]


def test_every_command_is_there() -> None:
    """Every command is typed in a case or is an exception with its reason, and not both."""
    assert set(LEAVES) - {command_of(case.line) for case in CASES.values()} == set(EXCEPTIONS)
    assert set(SAME_OUTPUT.values()) <= set(RESULTS)


def test_every_document_is_there() -> None:
    """The JSON of every command has a case, and so has that of a failure."""
    by_case = {command_of(case.line) for case in CASES.values() if case.json}
    by_hand = {name.partition(",")[0] for name in RESULTS_WITH_JSON} | set(SAME_OUTPUT)
    with_json = {
        " ".join(leaf.path[1:])
        for leaf in COMMANDS["informativa"].leaves()
        if any("--json" in parameter.names for parameter in leaf.parameters)
    }
    assert with_json - by_case - by_hand == set()
    assert any(case.json for case in FAILURES.values())


def test_every_file_is_of_a_case() -> None:
    """Every snapshot file belongs to a case."""
    cases = {
        "test_english": ALL,
        "test_italian": ALL,
        "test_json": WITH_JSON,
        "test_help_in_italian": COMMANDS,
        "test_made_by_hand": [f"{name}-{reader}" for name in RESULTS for reader in LANGUAGES],
        "test_made_by_hand_as_json": RESULTS_WITH_JSON,
    }
    expected = [name for test, names in cases.items() for name in expected_names(test, names)]
    assert snapshot_names(__file__) == sorted(expected)
