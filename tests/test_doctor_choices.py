"""Choices as `check` and `doctor` see them: their recordings, and whether callers can be asked."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from configurations import with_choices
from examples import PLAYED
from informativa.config import load
from informativa.model import Vouched
from informativa.operations.doctor import examination
from informativa.operations.doctor.checks import CHECKS
from informativa.process import storage

LINE = "+390212345678"


def findings(file: Path, check: str) -> list[tuple[str, str]]:
    """Return what this check finds, each with what to do."""
    checks = [one for one in CHECKS if one.id == check]
    _system, answers = asyncio.run(examination.run_checks(file, checks))
    return [(str(one.finding), str(one.fix)) for one in answers]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("Per sì prema il tasto quattro, per no il tasto cinque.", ""),
        ("Nessun tasto.", ""),
        ("Per sì prema il tasto sei, per no il tasto cinque.", "5, 6"),
        ("Per sì prema il tasto quattro.", "4"),
    ],
)
def test_question_names_the_keys_of_its_choice(folder: Path, words: str, named: str) -> None:
    """A recording whose words name another key than its choice has, or not all of them, is told with both;
    one that names none is not known well enough."""
    file = with_choices(folder)
    text = file.read_text()
    head, _short, rest = text.partition("short: {it: prompts/it/short")
    file.write_text(f"{head}short: {{it: prompts/it/question{rest}")
    (folder / "prompts/it/question.wav").write_bytes((folder / "prompts/it/short.wav").read_bytes())
    (folder / "prompts/it/question.txt").write_text(words)
    sentences = [sentence for sentence, _fix in findings(file, "choices") if "it/question " in sentence]
    expected = f"{folder}/prompts/it/question names the keys {named}, and the choice marketing has 4, 5"
    assert [sentence.partition(":")[0] for sentence in sentences] == [expected] * bool(named)


def test_consent_that_nobody_can_be_asked(folder: Path) -> None:
    """Where nobody vouches for the numbers of a line as its consent asks, that is told with what to set; one
    number in order, a line with few records, and `vouched: nobody` are left in peace."""
    file = with_choices(folder)
    controller = load(file).controllers["acme"]
    spoofable = replace(PLAYED, line=LINE, vouched=Vouched.NOBODY)
    with closing(storage.store(controller)) as store:
        store.append([spoofable] * 19)
    assert findings(file, "vouching") == []
    with closing(storage.store(controller)) as store:
        store.append([spoofable])
    ((sentence, fix),) = findings(file, "vouching")
    assert sentence == (
        f"nobody is asked marketing on the line {LINE}: of the last 20 records of callers none has a number"
        " for which anybody vouches as it requires (`vouched: network`)"
    )
    assert "trust_id_inbound = yes" in fix
    assert "`vouched: nobody`" in fix
    text = file.read_text()
    file.write_text(
        text.replace(
            "        purpose: marketing\n", "        purpose: marketing\n        vouched: nobody\n", 1
        )
    )
    assert findings(file, "vouching") == []
    file.write_text(text)
    with closing(storage.store(controller)) as store:
        store.append([replace(spoofable, vouched=Vouched.NETWORK)])
    assert findings(file, "vouching") == []
