"""Golden files: all that commands say, to people in English and in Italian, and to programs.

`pytest tests/golden --snapshot-update` renews the files in `__snapshots__/`; what git then shows is what a
reader will notice of a change.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from golden.cases import CASES, EXCEPTIONS, FAILURES, Case
from golden.installation import Installation, Ran, elsewhere, masked
from golden.results_by_hand import RESULTS, SAME_OUTPUT
from informativa.cli.main import app
from informativa.cli.schemas import DOCUMENTS
from informativa.cli.tree import Command, tree
from informativa.config import load
from informativa.views.documents import document as json_document
from informativa.views.messages import ENGLISH, Language, language

ALL = CASES | {f"failure-{name}": case for name, case in FAILURES.items()}
ROOT = tree(app())
Installing = Callable[[Case], Installation]


def typed(case: Case, installed: Installation, *more: str, language: str = "en") -> Ran:
    """What a case comes to."""
    installed.edit(case.changed)
    for file in case.missing:
        (installed.root / file).unlink()
    for words in case.before:
        prepared(words, installed)
    lines = case.lines if case.lines is None or not more else case.lines - 1  # without headings
    return installed.run(" ".join([case.typed, *more]), language, lines)


def prepared(words: str, installed: Installation) -> None:
    """Do what a case needs before; after a `!` it is no command of ours."""
    folder = installed.file.parent
    match words.split(maxsplit=3):
        case ["!", "cp", source, target]:
            shutil.copy2(folder / source, folder / target)
        case ["!", "sqlite", file, statement]:
            with closing(sqlite3.connect(folder / file)) as connection, connection:
                connection.execute(statement)
        case _:
            ran = installed.run(words)
            assert ran.code in (0, 4), ran


def shown(case: Case, installed: Installation, language: str = "en") -> str:
    """All that somebody sees who types it."""
    ran = typed(case, installed, language=language)
    parts = [f"$ informativa {case.typed}\n", ran.output]
    parts += [f"\n--- standard error\n{ran.errors}"] if ran.errors else []
    for name in case.written:
        parts.append(f"\n--- {name}\n{masked(text_of(installed.root, name))}")
    return "".join([*parts, f"\n--- exit code {ran.code}\n"])


def text_of(folder: Path, name: str) -> str:
    """What stands in a file, or in ARCHIVE!FILE; of a page without what is the same in all."""
    archive, _mark, member = name.partition("!")
    if not member:
        return re.sub(r"(?s)<(style|script)\b.*?</\1>", r"<\1>…</\1>", (folder / name).read_text())
    with zipfile.ZipFile(folder / archive) as opened:
        (found,) = [each for each in opened.namelist() if each.endswith(f"/{member}")]
        return opened.read(found).decode()


@pytest.mark.parametrize("name", ALL)
def test_english(name: str, install: Installing, said: SnapshotAssertion) -> None:
    """What a command says in English."""
    case = ALL[name]
    assert shown(case, install(case)) == said


@pytest.mark.parametrize("name", ALL)
def test_italian(name: str, install: Installing, said: SnapshotAssertion) -> None:
    """What a command says in Italian."""
    case = ALL[name]
    assert shown(case, install(case), "it") == said


@pytest.mark.parametrize("name", [name for name, case in ALL.items() if case.json])
def test_json(name: str, install: Installing, document: SnapshotAssertion) -> None:
    """What a command says to programs; in another language than English, it is the same."""
    case = ALL[name]
    assert typed(case, install(case), "--json", language="it").output == document


@pytest.mark.parametrize("command", [*ROOT.walk()], ids=lambda each: "-".join(each.path))
def test_help_in_italian(command: Command, laid: Installation, said: SnapshotAssertion) -> None:
    """The help of each command and group; in English it is in the reference."""
    ran = laid.run(" ".join([*command.path[1:], "--help"]), "it")
    assert (ran.code, ran.errors) == (0, "")
    assert ran.output == said


@pytest.mark.parametrize("reader", [ENGLISH, language("it")], ids=["english", "italian"])
@pytest.mark.parametrize("name", RESULTS)
def test_made_by_hand(name: str, reader: Language, laid: Installation, said: SnapshotAssertion) -> None:
    """What a command says of a result that needs another machine part."""
    with elsewhere(laid.root):
        text = RESULTS[name].text(load(laid.file), reader)
    assert masked(text) == said


@pytest.mark.parametrize("name", [name for name, result in RESULTS.items() if result.json])
def test_made_by_hand_as_json(name: str, laid: Installation, document: SnapshotAssertion) -> None:
    """The same, to programs."""
    with elsewhere(laid.root):
        text = json_document(RESULTS[name].build(load(laid.file)))
    assert f"{masked(text)}\n" == document


def command_of(words: str) -> str:
    """Which command is typed: the longest that its first words are."""
    return max((each for each in LEAVES if f"{words} ".startswith(f"{each} ")), key=len, default="")


LEAVES = [" ".join(each.path[1:]) for each in ROOT.leaves()]
TYPED = {command_of(case.typed) for case in CASES.values()}


def test_every_command_is_there() -> None:
    """A new command is typed, or an exception with its reason, which no command is that is typed or gone."""
    assert set(LEAVES) - TYPED == set(EXCEPTIONS)
    assert set(SAME_OUTPUT.values()) <= set(RESULTS)


def test_every_document_is_there() -> None:
    """Each shape that a program gets is pinned: of each command, and of one that fails."""
    typed_with_json = {command_of(case.typed) for case in CASES.values() if case.json}
    by_hand = {name.partition(",")[0] for name, result in RESULTS.items() if result.json} | set(SAME_OUTPUT)
    failures = {"any command that fails"} if any(case.json for case in FAILURES.values()) else set()
    assert set(DOCUMENTS) - typed_with_json - by_hand == failures
