"""A first configuration of one company: by answers at a terminal, and by options."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import typer

from commands import refused, run, typed
from informativa.cli.commands import init as command
from informativa.cli.words import _
from informativa.config import load
from informativa.model import NumberForm
from informativa.operations import new_company
from informativa.prompts import speech_engine
from informativa.prompts.audio import NARROW, Sound, from_pcm
from lab import audio
from lab.office import listen_at
from lab.ports import free_port

OPTIONS = ("--company", "Rossi S.p.A.", "--number", "+39 02 1234-5678", "--language", "it")


@pytest.fixture(autouse=True)
def _spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that speaks nothing, and a reader of English, whoever typed a command before."""
    _.speak({})

    def speak(_lines: list[str], _language: str) -> Sound:
        return from_pcm(audio.synthetic(1.0, 1).tobytes(), NARROW)

    monkeypatch.setattr(speech_engine, "speak", speak)


class Terminal:
    """Somebody at a terminal, with the questions that were put and the answers that are left."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
        self.answers, self.questions = list(answers), list[str]()
        monkeypatch.setattr(typer, "prompt", self.answer)
        for stream in (sys.stdin, sys.stdout):
            monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)

    def answer(self, question: str, default: str | None = None, **_more: object) -> str:
        self.questions.append(question)
        answer = self.answers.pop(0)
        return default if answer == "-" and default is not None else answer


def test_answers_lay_one_company(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only what the answers call for is there; a wrong answer is asked again, after the reason."""
    terminal = Terminal(
        monkeypatch,
        *("Società Rossi & C. S.r.l.", "0212345678", "+390212345678", "it klingon", "it", "Italy", "-"),
        *("yes",),  # an AI answers
        *("maybe", "y", "6 months", "7", "not-recorded"),  # recorded: so orders are not asked about
        *("-",),  # another country of the EU
        *("y", "in Albania", "2"),
        *("-", "no", "n"),  # offers; another company; the trunk
    )
    command._init(tmp_path / "etc")
    assert terminal.answers == []
    assert not any("banking" in question for question in terminal.questions)
    configuration = load(tmp_path / "etc/informativa.yaml")
    (line,) = configuration.lines
    assert (line.number, line.region, line.callers) == ("+390212345678", "IT", NumberForm.NATIONAL)
    assert line.controller.name == "Società Rossi & C. S.r.l."
    assert line.controller.id == "societa-rossi-c-srl"
    assert [step.notice.id for step in line.plan] == ["ai", "country", "privacy"]
    assert [planned.choice.id for planned in line.choices] == ["abroad", "recorded"]
    folders = sorted(path.name for path in (tmp_path / "etc/prompts").iterdir())
    assert folders == ["it", "manifest.yaml", "societa-rossi-c-srl"]
    assert sorted(path.name for path in (tmp_path / "etc").iterdir()) == [
        "informativa.yaml", "keys", "ledger", "prompts",
    ]  # fmt: skip
    shown = capsys.readouterr().out
    for reason in (
        "'0212345678' is no number with its country code. Write it like +390212345678.",
        "There are no recordings in 'klingon'.",
        "'Italy' is no country.",
        "Type yes or no.",
        "Notices of today: ai, recording, country-outside-eu",
    ):
        assert reason in shown


def test_questions_in_italian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are put in the reader's language, and answered in it."""
    monkeypatch.setenv("LANGUAGE", "it")
    _.speak({"LANG": "it_IT.UTF-8"})
    try:
        terminal = Terminal(
            monkeypatch, "Rossi", "+390212345678", "it", "-", "sì", "no", "no", "no", "no", "no", "no", "e"
        )
        command._init(tmp_path / "etc")
    finally:
        _.speak({})
    assert terminal.answers == []
    assert terminal.questions[0].startswith("Il nome")
    (line,) = load(tmp_path / "etc/informativa.yaml").lines
    assert [step.notice.id for step in line.plan] == ["ai", "privacy"]


def test_options_show_and_write(tmp_path: Path) -> None:
    """Without --yes nothing is written; with it the shown text is the file."""
    folder = tmp_path / "etc"
    more = ("--notice", "recording", "--set", "months=6 months", "--set", "recording.no=7")
    words = ("init", folder, *OPTIONS, *more, "--set", "silence=recorded")
    code, shown, _err = typed(*words)
    assert (code, folder.exists()) == (0, False)
    assert "Nothing was written." in shown
    code, wrote, _err = typed(*words, "--yes")
    assert code == 0
    assert (folder / "informativa.yaml").read_text() in shown
    assert f"Wrote {folder}/informativa.yaml for Rossi S.p.A., with its keys and the prompts." in wrote
    (line,) = load(folder / "informativa.yaml").lines
    assert [(choice.choice.id, choice.after) for choice in line.choices] == [("recorded", 0)]
    listen_at(folder / "informativa.yaml", f"127.0.0.1:{free_port()}")
    assert "is in order" in run("check", "-c", folder / "informativa.yaml").stdout


def test_notice_that_lacks_something_is_left_out(tmp_path: Path) -> None:
    """With the reason and the command that adds it. The shipped notice does not tell of marketing, so no
    consent can rest on it."""
    folder = tmp_path / "etc"
    more = ("--notice", "marketing", "--notice", "country", "--set", "yes=4", "--set", "no=5")
    _code, out, _err = typed("init", folder, *OPTIONS, *more, "--yes")
    assert "Left out: country\n  in_country: the country in which the operator sits" in out
    assert "no notice before it tells of the purpose marketing" in out
    added = f"informativa notices add country --controller rossi-spa --set in_country=… --yes -c {folder}/"
    assert added in out
    (line,) = load(folder / "informativa.yaml").lines
    assert ([step.notice.id for step in line.plan], line.choices) == (["privacy"], ())


def test_outsourced_company(tmp_path: Path) -> None:
    """It is there, and not live before its papers are named."""
    folder = tmp_path / "etc"
    typed("init", folder, *OPTIONS, "--outsourced", "+493012345678=Borealis: GmbH", "--yes")
    assert load(folder / "informativa.yaml").controllers["borealis-gmbh"].refused
    text = (folder / "informativa.yaml").read_text()
    (folder / "informativa.yaml").write_text(text.replace("put its number here", "2026/17"))
    controllers = load(folder / "informativa.yaml").controllers.values()
    assert [(one.name, bool(one.refused)) for one in controllers] == [
        ("Rossi S.p.A.", False),
        ("Borealis: GmbH", False),
    ]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--number", "+390212345678"), "Whose configuration? Name the company: --company NAME"),
        (("--company", "Rossi"), "Which number do its callers dial? Name it: --number +390212345678"),
        ((*OPTIONS[:4], "--language", "eo"), "There are no recordings in 'eo'."),
        ((*OPTIONS[:2], "--number", "12"), "'12' is no number with its country code."),
        ((*OPTIONS, "--country", "UK"), "'UK' is no country."),
        ((*OPTIONS, "--notice", "aii"), "There is no notice aii."),
        ((*OPTIONS, "--company", " "), "' ' is no company's name."),
    ],
)
def test_wrong_options(tmp_path: Path, options: tuple[str, ...], reason: str) -> None:
    """Each is refused, and nothing is written."""
    assert reason in refused("init", tmp_path / "etc", *options)
    assert not (tmp_path / "etc").exists()


@pytest.mark.parametrize("name", ["yes", "3 Italia", "a: b", 'Say "hi"', "O'Neill & Co.", "ÀÉ", "-x", "公司"])
def test_any_name_is_read_back(tmp_path: Path, name: str) -> None:
    """Whatever a company is called, YAML does not take it for something else."""
    company = new_company.NewCompany(name, "+390212345678", ("it",), "IT")
    laid = command.init.init(tmp_path / "etc", NumberForm.EITHER, company)
    (controller,) = load(laid.file).controllers.values()
    assert controller.name == name
