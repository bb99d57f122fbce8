"""The commands in the reader's language: the catalogue is whole, and programs are told the same in each."""

from __future__ import annotations

import ast
import gettext
import inspect
import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import yaml

import informativa
from commands import run, started
from informativa.model.errors import ConfigError, ConfigProblem, EvidenceError, LedgerError
from informativa.model.text import Foreign, Text, clause, joined
from informativa.views import messages as words
from lab import messages

ITALIAN = {"LANG": "it_IT.UTF-8"}
CATALOGUES = pytest.mark.parametrize("po", messages.catalogues(), ids=lambda po: po.parts[-3])
WHOLE = pytest.mark.parametrize(
    "po", [po for po in messages.catalogues() if po.stem == words.DOMAIN], ids=lambda po: po.parts[-3]
)
UNKNOWN = ("check", "-c", "/nowhere")


def placeholders(text: str) -> set[str]:
    """The names that are filled in; a translation may write a date in another order."""
    return set(re.findall(r"\{[\w.]*", text))


@pytest.mark.sample(2)
@CATALOGUES
@pytest.mark.slow
def test_catalogue_holds_every_message(po: Path) -> None:
    """The catalogue has every message that the source marks, and none that is gone: else `make messages`."""
    catalog = messages.read(po)
    before = messages.text(catalog)
    messages.update(catalog)
    same = messages.text(catalog) == before == po.read_bytes()
    assert same, "Type: make messages"  # pytest compares two catalogues for a quarter of an hour


@CATALOGUES
def test_catalogue_is_translated(po: Path) -> None:
    """No message is left empty or guessed."""
    assert [message.id for message in messages.untranslated(messages.read(po))] == []


@WHOLE
def test_all_that_the_reader_of_yaml_says_is_translated(po: Path) -> None:
    """Whatever PyYAML may find wrong with a file is told in the reader's language, all of it."""
    say = words.Language(gettext.GNUTranslations(po.with_suffix(".mo").open("rb")))
    texts = {text for module in (yaml.scanner, yaml.parser, yaml.composer) for text in problems(module)}
    assert len(texts) > 25
    left = [text for text in texts if say.foreign(text) == text or "expected" in say.foreign(text)]
    assert left == []


def problems(module: ModuleType) -> Iterator[str]:
    """Yield what `module` of PyYAML says is wrong, with something for what it fills in."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and len(node.exc.args) > 2):
            continue
        problem = node.exc.args[2]
        text = problem.left if isinstance(problem, ast.BinOp) else problem
        if isinstance(text, ast.Constant):
            yield str(text.value).replace("%r", "'x'").replace("%d", "4")


@CATALOGUES
def test_translations_fill_in_the_same(po: Path) -> None:
    """A translation has the placeholders of its message, and its line breaks at the ends."""
    for message in messages.read(po):
        first = message.id if isinstance(message.id, str) else message.id[-1]
        for translation in messages.strings(message) if first else ():
            assert placeholders(translation) == placeholders(first), first
            assert translation.endswith("\n") == first.endswith("\n"), first


@CATALOGUES
def test_compiled_catalogue_is_that_catalogue(po: Path) -> None:
    """What the program reads is what the translator wrote."""
    assert po.with_suffix(".mo").read_bytes() == messages.compiled(messages.read(po))
    installed = Path(informativa.__file__).parent / po.relative_to(messages.SOURCE).with_suffix(".mo")
    assert installed.read_bytes() == po.with_suffix(".mo").read_bytes()


@pytest.mark.parametrize(
    ("environment", "italian"),
    [
        ({"LANG": "it_IT.UTF-8"}, True),
        ({"LANG": "it_CH.UTF-8"}, True),
        ({"LC_ALL": "it_IT.UTF-8", "LANG": "en_US.UTF-8"}, True),
        ({"LANGUAGE": "it:en"}, True),
        ({"LANGUAGE": "de:it:en", "LANG": "de_DE.UTF-8"}, True),
        ({"LANGUAGE": "en:it", "LANG": "it_IT.UTF-8"}, False),
        ({"LANGUAGE": "it", "LC_ALL": "C"}, False),
        ({"LC_ALL": "C", "LANG": "it_IT.UTF-8"}, False),
        ({"LANG": "C"}, False),
        ({"LANG": "C.UTF-8"}, False),
        ({"LANG": "de_DE.UTF-8"}, False),
        ({}, False),
    ],
)
def test_language_follows_the_locale(environment: dict[str, str], italian: bool) -> None:
    """The installed command speaks the locale's language, generated on this system or not, or English."""
    output = run(*UNKNOWN, **(dict.fromkeys(("LANG",), "") | environment)).stderr
    assert ("il file non esiste" in output, "there is no such file" in output) == (italian, not italian)


@pytest.mark.slow
def test_commands_speak_italian(folder: Path) -> None:
    """Results, findings and wrong input are told in Italian, with the exit codes of English."""
    file = folder / "informativa.yaml"
    broken = folder / "broken.yaml"
    broken.write_text(file.read_text().replace("operator:", "operatore:").replace("region: IT", "region: it"))
    call = ("--from", "+393331234567", "--to", "+390212345678", "-c", file)
    expected_by_command = {
        ("check", "-c", broken): ["qui non è un'impostazione; forse operator?", "manca;", "due maiuscole"],
        ("check", "-c", file): ["è a posto: 2 titolari"],
        ("explain", *call): ["regola: not-informed: nessuno ha ancora informato", "farebbe: riprodurre"],
        ("explain", "--from", "x", "--to", "y", "-c", file): ["La linea y non esiste", "Ci sono: +39"],
        ("ledger", "show", "--controller=acme", "-c", file): ["ora (Europe/Rome)", "ascoltato"],
        ("ledger", "show", "--lost"): ["L'opzione --lost non esiste", "Digitare: informativa ledger show"],
        ("ledger", "show", "--last", "0"): ["Valore non valido per '--last': Deve essere maggiore"],
        ("explian",): ["Il comando 'explian' non esiste. Forse 'explain'?"],
        ("explain",): ["Manca l'opzione '--from'."],
        ("init", folder): ["non è vuota. Indicare una cartella nuova"],
    }
    options = ("--controller", "acme", "--by", "website", "--reference", "form 7")
    assert run("record", "+393331234568", *options, "-c", file).returncode == 0  # makes the ledger
    for arguments, expected in expected_by_command.items():
        ran, english = run(*arguments, **ITALIAN), run(*arguments, LANG="C")
        assert ran.returncode == english.returncode, arguments
        assert [text for text in expected if text not in ran.stdout + ran.stderr] == [], ran
        assert ran.stdout + ran.stderr != english.stdout + english.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("explain", "--from", "+393331234567", "--to", "+390212345678", "--at", "2026-12-01", "--json"),
        ("explain", "--from", "withheld", "--to", "+390212345678", "--at", "2026-12-01", "--json"),
        ("controllers", "--json"),
        ("caller", "show", "+393331234567", "--controller=acme", "--json"),
    ],
    ids=" ".join,
)
def test_json_is_the_same_in_every_language(folder: Path, command: tuple[str, ...]) -> None:
    """What a program reads does not depend on who started it."""
    file = folder / "informativa.yaml"
    elsewhere = ("--controller", "acme", "--by", "website", "--reference", "form 7", "--on", "2026-11-20")
    assert run("record", "+393331234567", *elsewhere, "-c", file).returncode == 0
    italian, english = (run(*command, "-c", file, LANG=lang).stdout for lang in ("it_IT.UTF-8", "C"))
    assert italian == english
    assert json.loads(english)


def test_log_stays_english(folder: Path) -> None:
    """The service's own words can be searched for, whoever's locale it was started with."""
    file = folder / "informativa.yaml"
    file.write_text(file.read_text().replace("operator:", "operatore:"))
    output = run("serve", "-c", file, **ITALIAN).stderr
    assert "is not a setting here; did you mean operator?" in output


def test_every_page_of_help_is_italian() -> None:
    """All that the commands' help says is translated where the tree of commands is built."""
    output = started("record", "--help", **ITALIAN).stdout
    assert not re.search(r"Usage|Options|Arguments|required|default|Show this|Who told", output)
    assert [
        word
        for word in ("Uso: informativa record [OPZIONI]", "Opzioni", "[obbligatorio]", "-h")
        if word not in output
    ] == []
    assert "Chi lo ha informato" in output


def test_a_script_starts_without_gettext() -> None:
    """What translates is loaded by a command that translates; a call does not wait for it."""
    code = "import sys, informativa.process.script; sys.exit('gettext' in sys.modules)"
    assert subprocess.run([sys.executable, "-I", "-c", code], check=False).returncode == 0


def test_one_process_speaks_several_languages() -> None:
    """A text is data: the same one is told in Italian to one reader and in English to the next."""
    text = Text("There is no folder {folder}.", folder="/x")
    assert [words.language("it_IT")(text), words.ENGLISH(text), str(text)] == [
        "La cartella /x non esiste.",
        "There is no folder /x.",
        "There is no folder /x.",
    ]
    assert words.language("tlh", "it") is words.language("tlh", "it")
    assert words.language("tlh")(text) == str(text)


def test_texts_are_made_of_texts() -> None:
    """Arguments, parts in a row, a clause, a number and an advice are each put into the reader's words."""
    italian = words.language("it")
    unreadable = Text("{file} cannot be read ({why}).", file="a", why=Foreign("Permission denied"))
    assert italian(unreadable) == "a non si può leggere (Permesso negato)."
    assert italian(joined("; ", clause(unreadable), "rm a", Text(""))) == (
        "a non si può leggere (Permesso negato); rm a"
    )
    assert italian.counted("{calls} call", "{calls} calls", 2, calls=2) == "2 chiamate"
    assert italian.counted("{count} line", "{count} lines", 2) == "2 linee"
    advised = Text("stands here {times}", "keep {times}", times="twice")
    assert (str(advised), str(advised.statement), str(advised.advice)) == (
        "stands here twice; keep twice",
        "stands here twice",
        "keep twice",
    )
    assert [bool(Text("")), bool(joined(" ", "", Text(""))), bool(advised)] == [False, False, True]


def test_a_text_is_no_part_of_a_string() -> None:
    """A text that would be frozen into English unseen is a defect that shows at once."""
    with pytest.raises(TypeError, match="an argument of another text"):
        f"{Text('warning')}"
    assert str(Text("{{as it stands}}")) == "{{as it stands}}"


def test_words_of_others_are_translated() -> None:
    """What the system and libraries say is told in the reader's language as far as it is known."""
    say = words.of_environment(ITALIAN)
    assert say.foreign("Permission denied") == "Permesso negato"
    assert say.foreign("permission denied") == "permesso negato"
    assert say.foreign("Invalid value for '-x': Value error, 'a' is not one of 'b'.") == (
        "Valore non valido per '-x': 'a' non è fra 'b'."
    )
    assert say.foreign("never heard of") == "never heard of"
    for number in words.SYSTEM:
        assert say.foreign(os.strerror(number)) != os.strerror(number)
    assert words.of_environment({"LANG": "C"}).foreign("Permission denied") == "Permission denied"


class Unspoken:
    """An argument that must not be put into words."""

    def __str__(self) -> str:
        raise AssertionError("nobody has asked for it")


def test_errors_are_put_into_words_when_somebody_asks() -> None:
    """A call makes some that nobody reads; one from another process says in each language the same."""
    error = LedgerError(Text("{file} is gone", "look for it", file=Unspoken()))
    assert (error.code, error.message.template, error.remedy.template) == (
        "ledger",
        "{file} is gone",
        "look for it",
    )
    for made in (
        EvidenceError(Text("The published file {path} is not there.", path="x"), code="gone"),
        ConfigError([ConfigProblem("x.yaml", 3, "lines", Text("there are no calls here", "write some"))]),
    ):
        again = pickle.loads(pickle.dumps(made))
        assert (type(again), str(again), again.code) == (type(made), str(made), made.code)
        assert words.language("it_IT")(again.text) == words.language("it_IT")(made.text)


def test_a_started_command_speaks_the_locale_s_language() -> None:
    """Whoever really starts it in an Italian locale is answered in Italian, the system's words included."""
    assert "il file non esiste" in started(*UNKNOWN, LANG="it_IT.UTF-8").stderr


def test_titles_of_help_are_in_the_language_of_each_command() -> None:
    """Also in tests, where one process types commands in both languages."""
    for language, title in (("en", "Options"), ("it", "Opzioni"), ("en", "Options")):
        assert f"╭─ {title} ─" in run("check", "--help", LANGUAGE=language).stdout


def test_numbers_are_written_as_the_language_does() -> None:
    """A number with a format has a decimal comma in Italian, and points between thousands; one that may be
    typed back, without a format, stays as it is."""
    italian = words.language("it")
    text = Text("{seconds:.1f} s, {count:,} records, {typed}", seconds=1234.56, count=1234567, typed=0.5)
    assert text.render(italian) == "1234,6 s, 1.234.567 records, 0.5"
    assert text.render(words.ENGLISH) == str(text) == "1234.6 s, 1,234,567 records, 0.5"
    assert italian.number(-0.25, "+.1f") == "-0,2"
    assert italian.number(True, "") == "True"
