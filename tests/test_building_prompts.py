"""The command `prompts build`: values from the configuration and from options, refusals, places."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from informativa.model.errors import InformativaError, PromptError
from informativa.operations.prompts import making
from informativa.operations.prompts.making import PromptTarget, Speech
from informativa.operations.prompts.parts import PLACES, SpokenPart
from informativa.operations.prompts.spoken_values import GivenValues
from informativa.prompts.audio import NARROW, Sound, from_pcm
from lab import audio


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that an engine was given, which says something else."""
    from informativa.prompts import speech_engine

    texts: list[str] = []

    def speak(lines: list[str], _language: str) -> Sound:
        texts.append("\n".join(lines))
        return from_pcm(audio.synthetic(1.0, len(texts)).tobytes(), NARROW)

    monkeypatch.setattr(speech_engine, "speak", speak)
    return texts


def build(folder: Path, part: SpokenPart, *settings: str, **others: Any) -> making.PromptsMade:
    """Build one part of Acme's notices in Italian and English."""
    speech = Speech("acme.it", languages=("it", "en"), parts=(part,), values=GivenValues.parsed(settings))
    speech = replace(speech, **others)
    return making.build(folder / "informativa.yaml", PromptTarget("acme", version="2027-01"), speech)


def letter(folder: Path, settings: str) -> None:
    """Write the company's letter settings."""
    file = folder / "informativa.yaml"
    content = file.read_text()
    file.write_text(
        content.replace("    name: Acme S.p.A.\n", f"    name: Acme S.p.A.\n    letter: {settings}\n", 1)
    )


def test_values_come_from_the_configuration(folder: Path, spoken: list[str]) -> None:
    """Name, retention, contact, officer, authority, safeguards and the key; an option comes before them."""
    letter(folder, "{contact: via Roma 1, dpo: dpo@a.it, authority: AEPD, transfers: clausole tipo}")
    build(folder, SpokenPart.FULL, "it.in_country=in Albania", "en.in_country=in Albania")
    it, en = spoken
    for sentence in (
        "Acme S.p.A.",
        "il tasto uno",
        "via Roma 1",
        "dpo@a.it",
        "AEPD",
        "protetti da clausole tipo, di cui",
    ):
        assert sentence in it
    assert "Li conserviamo per cinque anni, e" in it
    assert "We keep them for five years, and" in en
    spoken.clear()
    making.build(
        folder / "informativa.yaml",
        PromptTarget("acme", version="2027-02"),
        Speech(
            "acme.it", languages=("it",), parts=(SpokenPart.FULL,), spoken_name="Àcme",
            values=GivenValues.parsed(["safeguards=none", "retention=2 years", "dpo=none", "authority="]),
        ),
    )  # fmt: skip
    assert "I dati restano nello Spazio economico europeo." in spoken[0]
    assert "Li conserviamo per due anni, e" in spoken[0]
    assert "Garante" in spoken[0]
    assert "Àcme" in spoken[0]
    assert "dpo@a.it" not in spoken[0]


def test_every_missing_value_is_told_at_once(folder: Path, spoken: list[str]) -> None:
    """With its texts, its option, and the setting that would give it; nothing is spoken."""
    speech = Speech("", languages=("it", "en"))
    with pytest.raises(PromptError) as error:
        making.build(folder / "informativa.yaml", PromptTarget("acme"), speech)
    message = str(error.value)
    for words in (
        "{site} (it/short.txt:2, it/short-nokey.txt:3, en/short.txt:2, en/short-nokey.txt:3)",
        "{contact} (it/full.txt:3, it/full.txt:19, en/full.txt:3, en/full.txt:19)",
        "--site … --set contact=… --set safeguards=…",
        "controllers.acme: letter: {contact: …, transfers: none}",
    ):
        assert words in message
    assert spoken == []


@pytest.mark.parametrize(
    ("part", "settings", "words"),
    [
        (SpokenPart.COUNTRY, [], ["{in_country} (it/country.txt:1", "--set in_country=…"]),
        (SpokenPart.HUMAN, ["human=12"], ["'12' is no key", "--set human=4"]),
        (SpokenPart.HUMAN, ["human=1"], ["key 1 does something else already", "--set human=…"]),
        (SpokenPart.MARKETING, ["yes=4", "no=4"], ["key 4 does something else already", "--set no=…"]),
        (SpokenPart.AI, ["cmpany=x"], ["has a place for {cmpany}"]),
        (SpokenPart.AI, ["contact"], ["'contact' is no value", "--set it.contact=…"]),
        (SpokenPart.SUPPLEMENT, [], ["for those who know a version", "--after 2026-11"]),
    ],
)
def test_what_cannot_be_spoken(
    folder: Path, spoken: list[str], part: SpokenPart, settings: list[str], words: list[str]
) -> None:
    """One message that says what is wrong and what to type."""
    with pytest.raises(InformativaError) as error:
        build(folder, part, *settings)
    for word in words:
        assert word in str(error.value)
    assert spoken == []


def test_supplement_says_what_is_new(folder: Path, spoken: list[str]) -> None:
    """To those who know a version: the purposes that it did not have."""
    made = build(folder, SpokenPart.SUPPLEMENT, after="2026-11", purposes=("service", "marketing"))
    assert "anche per inviarLe offerte solo con il Suo consenso." in spoken[0]
    assert "gestire la chiamata" not in spoken[0]
    assert '              "2026-11": {it: prompts/acme/privacy-2027-01/it/supplement-2026-11, en: ' in (
        made.configuration.yaml
    )
    with pytest.raises(InformativaError, match="No purpose is new"):
        build(folder, SpokenPart.SUPPLEMENT, after="2026-11")
    with pytest.raises(InformativaError, match="no version 2025"):
        build(folder, SpokenPart.SUPPLEMENT, after="2025")
    with pytest.raises(InformativaError, match="for those who know a version"):
        build(folder, SpokenPart.SHORT, after="2026-11")


def test_new_notice_has_its_own_place(folder: Path, spoken: list[str]) -> None:
    """Beside the privacy notice, with the lines for the configuration and for the plan."""
    made = build(
        folder, SpokenPart.COUNTRY, "it.in_country=nelle Filippine", "en.in_country=in the Philippines"
    )
    assert spoken == [
        "Le risponde un operatore che si trova nelle Filippine.",
        "Your call will be answered by an operator located in the Philippines.",
    ]
    assert (made.configuration.where, made.configuration.version) == ("controllers.acme.notices", None)
    assert made.configuration.yaml.splitlines() == [
        "      # in the plan of its lines: - {notice: country, when: always}",
        "      country:",
        "        versions:",
        '          - version: "2027-01"',
        "            purposes: [service]",
        "            material: false",
        "            short:",
        "              it: prompts/acme/country-2027-01/it/short",
        "              en: prompts/acme/country-2027-01/en/short",
    ]
    file = folder / "informativa.yaml"
    content = file.read_text()
    notices = content.replace("    notices:\n", f"    notices:\n{made.configuration.yaml}\n", 1)
    file.write_text(notices)
    again = making.build(
        file,
        PromptTarget("acme", version="2027-02"),
        Speech(
            languages=("it",), parts=(SpokenPart.COUNTRY,), values=GivenValues({"in_country": "in Albania"})
        ),
    )
    assert again.configuration.where == "controllers.acme.notices.country.versions"


def test_choice_has_its_kind_and_its_keys(folder: Path, spoken: list[str]) -> None:
    """As the configuration writes them; the keys are spoken as words."""
    made = build(folder, SpokenPart.MARKETING, "yes=4", "no=5")
    assert "Per sì prema il tasto quattro, per no il tasto cinque." in spoken[0]
    assert made.configuration.where == "controllers.acme.choices"
    assert made.configuration.yaml.splitlines()[:6] == [
        "      # in the plan of its lines: - {choice: marketing}",
        "      marketing:",
        "        asks: consent",
        '        keys: {granted: "4", refused: "5"}',
        "        versions:",
        '          - version: "2027-01"',
    ]
    assert made.configuration.yaml.splitlines()[6] == "            short:"


def test_consent_is_withdrawn_at_the_number_that_was_called(folder: Path, spoken: list[str]) -> None:
    """Where only that line asks, it is not read out; with another line that asks, or by a value, it is."""
    consent = ("yes=4", "no=5", "withdraw_at=+390212345678")
    build(folder, SpokenPart.MARKETING, *consent, lines=("+390212345678",))
    build(folder, SpokenPart.PROFILING, *consent, "withdraw_here=none")
    making.build(
        folder / "informativa.yaml",
        PromptTarget("acme", version="2027-02"),
        Speech(
            languages=("it",),
            parts=(SpokenPart.MARKETING,),
            values=GivenValues.parsed(consent),
            lines=("+390212345678", "+390212345679"),
        ),
    )
    assert [text.splitlines()[3] for text in spoken] == [
        "Per revocarlo richiami questo numero e prema il tasto cinque.",
        "To withdraw it, call this number again and press five.",
        "Per revocarlo chiami il numero +390212345678.",
        "To withdraw it, call +390212345678.",
        "Per revocarlo chiami il numero +390212345678.",
    ]


def test_recording_is_kept_for_so_long(folder: Path, spoken: list[str]) -> None:
    """A length of time is put into words, and the purpose comes from the texts."""
    build(folder, SpokenPart.RECORDING, "months=3 months", "no=7")
    assert spoken[0].startswith(
        "Registriamo questa chiamata per migliorare la qualità del servizio, e conserviamo la registrazione"
        " per tre mesi."
    )


def test_each_text_beside_the_notice_has_a_place() -> None:
    """A new text is not forgotten in the table of places."""
    assert set(SpokenPart) - set(PLACES) == {"short", "short-nokey", "full", "supplement"}
