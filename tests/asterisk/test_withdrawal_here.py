"""A line that asks for a consent and is itself the number to withdraw it: both in one call."""

from __future__ import annotations

import itertools

import pytest

from informativa.model import Ending
from informativa.operations.prompts import making
from informativa.operations.prompts.making import PromptTarget, Speech
from informativa.operations.prompts.parts import SpokenPart
from informativa.prompts import speech_engine
from informativa.prompts.audio import NARROW, Sound, from_pcm
from lab import audio
from lab.line import Sent

from . import asking
from .asking import ACME, NO, NOTICE, YES, answers, listen, press, ring
from .pages import configure
from .site import Site

CONFIGURATION = """
controllers:
  acme:
    choices:
      marketing:
        asks: consent
        purpose: marketing
        holds: 24 months
        vouched: nobody
        keys: {granted: "4", refused: "5"}
        wait: 6 seconds
        withdraw_at: "+390212345678"
        versions:
          - version: "2"
            short: {it: prompts/acme/marketing-2/it/short, de: prompts/acme/marketing-2/de/short}
            withdraw: {it: prompts/acme/marketing-2/it/withdraw, de: prompts/acme/marketing-2/de/withdraw}
    notices:
      privacy:
        versions:
          - version: "1"
            purposes: [service, marketing]
            short: {it: prompts/it/privacy, de: prompts/de/privacy}
lines:
  "+390212345678":
    languages: {DE: de}
    plan: [{notice: privacy, when: once}, {choice: marketing}]
"""
WITHDRAW_FIRST = "exten => _[+0-9].,1,Gosub(informativa,consent,1(${EXTEN}))\n same => n,"
"""The dialplan of such a line as docs/calls.md has it: `consent` before `s`."""
MADE = "prompts/acme/marketing-2"
HERE = {
    "it": "Per revocarlo richiami questo numero e prema il tasto cinque.",
    "de": "Zum Widerruf rufen Sie diese Nummer noch einmal an und drücken Sie die Taste fünf.",
}
CALLERS = {"it": 393330000100, "de": 4915112345600}
QUESTION, WITHDRAWAL = 1.6, 1.3  # seconds


@pytest.fixture
def site(site_without_dialplan: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A PBX whose line has prompts of `prompts build`, each another sound, and both in its dialplan."""
    seeds = itertools.count(201)

    def speak(lines: list[str], _language: str) -> Sound:
        seconds = QUESTION if len(lines) > 1 else WITHDRAWAL
        return from_pcm(audio.synthetic(seconds, next(seeds)).tobytes(), NARROW)

    monkeypatch.setattr(speech_engine, "speak", speak)
    site = asking.lay(site_without_dialplan)
    site.prompt("de/privacy", 107, NOTICE)
    configure(site, CONFIGURATION)
    for part in (SpokenPart.MARKETING, SpokenPart.MARKETING_WITHDRAW):
        making.build(site.office.config, PromptTarget("acme", version="2"), Speech(parts=(part,)))
    for name in ("it/short", "it/withdraw", "de/short", "de/withdraw"):
        site.prompts[f"marketing/{name}"] = audio.read_wav(site.office.folder / MADE / f"{name}.wav")
    site.edit_dialplan("exten => _[+0-9].,1,", WITHDRAW_FIRST)
    assert site.office.reload()
    return site


@pytest.mark.night
@pytest.mark.parametrize("language", ["it", "de"])
@pytest.mark.parametrize(("sent", "by"), [(Sent.EVENT, "service"), (Sent.TONE, "script")])
def test_line_asks_and_is_called_to_withdraw(site: Site, language: str, sent: Sent, by: str) -> None:
    """The question says to call this number again; there the way to withdraw is heard whole, in the caller's
    language, before anything else, its key takes the consent back, and each answer is on record."""
    text = (site.office.folder / MADE / language / "short.txt").read_text()
    assert text.splitlines()[-1] == HERE[language]
    if by == "script":
        site.office.stop()
    notice, question = f"{language}/privacy", f"marketing/{language}/short"
    withdrawal, caller = f"marketing/{language}/withdraw", CALLERS[language]
    seconds = {name: len(site.prompts[name]) / 8000 for name in (notice, question, withdrawal)}

    def call(act: asking.Act) -> asking.Answered:
        return ring(site, {"caller": act}, ACME, sent, caller)["caller"]

    def heard(called: asking.Answered, *names: str) -> None:
        parts = {name: [pytest.approx(seconds[name], abs=0.1)] for name in names}
        assert {name: called.heard[name] for name in called.heard if name != "after"} == parts
        assert called.heard["after"]

    first = call(press(YES, 0.8, seconds[notice] + seconds[question] - 0.1))
    assert (first.status, first.choices) == ("PLAYED", "marketing:granted")
    heard(first, notice, question)
    silent = call(listen)
    assert (silent.status, silent.choices) == ("NOTDUE", "marketing:granted")
    heard(silent, withdrawal)
    withdrawn = call(press(NO, 0.4, seconds[withdrawal] - 0.1))
    assert (withdrawn.status, withdrawn.choices) == ("NOTDUE", "marketing:withdrawn")
    heard(withdrawn, withdrawal)
    again = call(listen)
    assert (again.status, again.choices) == ("NOTDUE", "marketing:withdrawn")
    heard(again)

    records = [event for event in answers(site).values() if event.asked]
    assert [
        (event.asked.answer, event.asked.options, event.language, event.heard.key, event.heard.ending)
        for event in records
        if event.asked and event.heard
    ] == [
        ("granted", "5=refused 4=granted", language, "4", Ending.WHOLE),
        ("silence", "5=withdrawn", language, "", Ending.WHOLE),
        ("withdrawn", "5=withdrawn", language, "5", Ending.WHOLE),
    ]
