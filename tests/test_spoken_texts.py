"""The texts that `prompts build` speaks: their placeholders, lines that stand only where they are true, and
values from the configuration."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from informativa.model import Period
from informativa.model.errors import InformativaError, PromptError
from informativa.model.names import BASES, NAMES
from informativa.operations.prompts import making
from informativa.operations.prompts.making import PromptTarget, Speech
from informativa.operations.prompts.parts import PLACES, SpokenPart
from informativa.operations.prompts.spoken_values import GivenValues
from informativa.prompts import pronunciation, spoken_periods, texts
from informativa.prompts.audio import NARROW, Sound, from_pcm
from informativa.views.messages import of_letter
from lab import audio

TEXTS = Path(__file__).resolve().parent.parent / "prompts/texts"
LANGUAGES = ("it", "en", "de", "fr", "es")
voices = pytest.mark.skipif(not importlib.util.find_spec("py_nanotts"), reason="no extra `speech`")

VALUES = {
    "company": "Acme S.p.A.", "site": "acme.it", "key": "uno", "retention": "per cinque anni",
    "contact": "privacy@acme.it", "dpo": "dpo@acme.it", "authority": "Garante", "safeguards": "clausole tipo",
    "in_country": "in Albania", "decision": "la fascia di sconto", "logic": "acquisti", "human": "nove",
    "eu": "due", "yes": "quattro", "no": "cinque", "withdraw": "sette", "withdraw_at": "02 1234567",
    "months": "tre mesi",
}  # fmt: skip
NONE = dict.fromkeys(("dpo", "authority", "safeguards", "decision", "withdraw_at", "other_purposes"), "")


def values(language: str, **others: str) -> dict[str, str]:
    """A value for every placeholder, in Italian but for the purposes."""
    phrases = texts.phrases(TEXTS, language)
    return {
        **VALUES,
        "purposes": phrases.join(["service", "marketing"]),
        "other_purposes": phrases.join(["quality", "marketing"], with_basis=True),
        "new": phrases.join(["marketing"]),
        "quality": phrases.by_purpose["quality"].words,
        **others,
    }


def text(language: str, part: str, **others: str) -> str:
    """A shipped text with values."""
    return "\n".join(texts.template(TEXTS, language, part).fill(values(language, **others)))


def own(folder: Path, content: str, purposes: str = "service: rispondere") -> texts.Template:
    """A text of somebody's own."""
    (folder / "it").mkdir(exist_ok=True)
    (folder / "it/short.txt").write_text(content)
    (folder / "it/purposes.yaml").write_text(purposes)
    return texts.template(folder, "it", "short")


def test_five_languages_have_the_same_texts_and_placeholders() -> None:
    """Each text of each language, but for one: German law wants a yes to a recording, and elsewhere it is
    told, and can be refused."""
    files = {language: {file.name for file in (TEXTS / language).iterdir()} for language in LANGUAGES}
    assert set(map(frozenset, files.values())) == {
        frozenset({*(f"{part}.txt" for part in SpokenPart), "purposes.yaml"})
    }
    for part in SpokenPart:
        places = {
            language: texts.template(TEXTS, language, part).placeholders
            for language in LANGUAGES
            if (language, part) != ("de", "recording")
        }
        assert len(set(places.values())) == 1, (part, places)
    assert texts.template(TEXTS, "de", "recording").placeholders == {"quality", "months", "yes"}
    assert texts.template(TEXTS, "it", "recording").placeholders == {"quality", "months", "no"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_five_languages_have_the_same_conditions(language: str) -> None:
    """The same statements stand or fall in each."""

    def conditions(code: str) -> set[str]:
        lines = (TEXTS / code / "full.txt").read_text(encoding="utf-8").splitlines()
        return {line.partition(" ")[0] for line in lines if line[:1] in "?!" and line}

    assert conditions(language) == {
        "?{dpo}", "?{other_purposes}", "!{safeguards}", "?{safeguards}", "!{decision}", "?{decision}",
        "!{authority}", "?{authority}",
    }  # fmt: skip


@pytest.mark.parametrize("part", SpokenPart)
@pytest.mark.parametrize("language", LANGUAGES)
def test_shipped_text_is_words_alone(language: str, part: SpokenPart) -> None:
    """Nothing of the template is left, with all values and with only those that must be; signs that are said
    once are left alone when they come again."""
    for others in ({}, NONE):
        spoken = text(language, part, **others)
        for sign in ("{", "}", "..", "?{", "!{"):
            assert sign not in spoken
        once = pronunciation.spell_out(spoken, language)
        assert pronunciation.spell_out(once, language) == once
    assert not list(texts.template(TEXTS, language, part).missing(values(language)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_notice_says_who_what_for_which_key_and_where(language: str) -> None:
    """The short one in three sentences, the key in the second, so that somebody has time to press it."""
    made = text(language, "short").splitlines()
    assert [len(made), "Acme S.p.A." in made[0], "uno" in made[1], "acme.it" in made[1]] == [
        3,
        True,
        True,
        True,
    ]
    full = text(language, "full")
    for value in (
        "Acme S.p.A.",
        "uno",
        "privacy@acme.it",
        "dpo@acme.it",
        "Garante",
        "clausole tipo",
        "in Albania",
    ):
        assert value in full


@pytest.mark.parametrize("language", LANGUAGES)
def test_line_stands_where_it_is_true(language: str) -> None:
    """What is not so is not said: no officer, data that stay, no decision by a program, no other purpose."""
    full, plain = text(language, "full"), text(language, "full", **NONE)
    assert "dpo@acme.it" not in plain
    assert "Albania" not in plain
    assert "la fascia di sconto" in full
    assert len(set(plain.splitlines()) - set(full.splitlines())) == 3  # they stay; no decision; an authority
    assert "02 1234567" in text(language, "marketing")
    assert len(text(language, "marketing", **NONE).splitlines()) == 3


def test_mark_is_not_spoken_and_needs_a_known_value(tmp_path: Path) -> None:
    """`?{x}` stands with a value, `!{x}` without one; of an unknown one, nobody knows which is true."""
    template = own(tmp_path, "?{dpo} Scriva a {dpo}.\n!{dpo} Scriva a noi.\n")
    assert template.fill({"dpo": "x@y.it"}) == ["Scriva a x@y.it."]
    assert template.fill({"dpo": ""}) == ["Scriva a noi."]
    assert [(value.placeholder, value.line) for value in template.missing({})] == [("dpo", 1), ("dpo", 2)]
    assert list(template.missing({"dpo": ""})) == []


def test_basis_follows_a_purpose_that_does_not_say_it() -> None:
    """In the full text each purpose has its legal basis, once (GDPR 13(1)(c))."""
    phrases = texts.phrases(TEXTS, "it")
    assert phrases.join(["quality", "marketing"], with_basis=True) == (
        "migliorare la qualità del servizio, per nostro legittimo interesse,"
        " e per inviarLe offerte solo con il Suo consenso"
    )
    for language in LANGUAGES:
        assert (
            texts.phrases(TEXTS, language)
            .by_purpose["marketing"]
            .with_basis.count(texts.phrases(TEXTS, language).by_purpose["marketing"].basis)
            == 1
        )


def test_purposes_of_an_earlier_version_are_read(tmp_path: Path) -> None:
    """One sentence for each, which is said; also beside new ones."""
    own(
        tmp_path,
        "x",
        "and: e per\nservice: rispondere\ncrm: {said: gestire il contratto, basis: per contratto}\n",
    )
    phrases = texts.phrases(tmp_path, "it")
    assert phrases.join(["service", "crm"]) == "rispondere e per gestire il contratto"
    assert phrases.join(["service", "crm"], with_basis=True).endswith("gestire il contratto, per contratto")


@pytest.mark.parametrize(
    "purposes", ["- a\n", "service: 1\n", "service: {basis: x}\n", "service: {said: 1}\n", "a: ["]
)
def test_purposes_that_say_nothing(tmp_path: Path, purposes: str) -> None:
    """The file is refused, with an example."""
    own(tmp_path, "x", purposes)
    with pytest.raises(PromptError, match="service: handle your call"):
        texts.phrases(tmp_path, "it")


@pytest.mark.parametrize("language", LANGUAGES)
def test_purposes_have_one_name_and_one_basis(language: str) -> None:
    """Beside the spoken words stand those that letters and pages show."""
    say = of_letter(language)
    entries = yaml.safe_load((TEXTS / language / "purposes.yaml").read_text(encoding="utf-8"))
    del entries["and"]
    assert list(entries) == list(BASES)
    for purpose, entry in entries.items():
        assert (entry["name"], entry["basis"]) == (say(NAMES[purpose]), say(BASES[purpose]))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("Ciao.\n{compny} usa.", ["it/short.txt, line 2", "{compny}", "did you mean {company}"]),
        ("{sito}", ["{sito} means nothing"]),
        ("?{foo} Ciao.", ["{foo} means nothing", "There are: authority"]),
    ],
)
def test_placeholder_that_means_nothing(tmp_path: Path, content: str, words: list[str]) -> None:
    """It is told with its place."""
    with pytest.raises(PromptError) as error:
        own(tmp_path, content)
    for word in words:
        assert word.lower() in str(error.value).lower()


def test_text_without_words_or_phrase(tmp_path: Path) -> None:
    """Nothing to speak, or a purpose that nobody put into words."""
    with pytest.raises(PromptError, match="is empty"):
        own(tmp_path, "\n \n?{dpo} {dpo}").fill({"dpo": ""})
    with pytest.raises(PromptError, match="does not say what other is"):
        texts.phrases(tmp_path, "it").join(["other"])


@pytest.mark.parametrize(
    ("period", "long", "bare"),
    [
        (Period(60), "per cinque anni|five years|fünf Jahre lang|pendant cinq ans|durante cinco años",
         "cinque anni|five years|fünf Jahren|cinq ans|cinco años"),
        (Period(12), "per un anno|one year|ein Jahr lang|pendant un an|durante un año",
         "un anno|one year|einem Jahr|un an|un año"),
        (Period(18), "per 18 mesi|18 months|18 Monate lang|pendant 18 mois|durante 18 meses",
         "18 mesi|18 months|18 Monaten|18 mois|18 meses"),
        (Period(1), "per un mese|one month|einen Monat lang|pendant un mois|durante un mes",
         "un mese|one month|einem Monat|un mois|un mes"),
        (Period(30, 1), "per due anni e sei mesi e un giorno|two years and six months and one day|"
         "zwei Jahre und sechs Monate und einen Tag lang|pendant deux ans et six mois et un jour|"
         "durante dos años y seis meses y un día",
         "due anni e sei mesi e un giorno|two years and six months and one day|"
         "zwei Jahren und sechs Monaten und einem Tag|deux ans et six mois et un jour|"
         "dos años y seis meses y un día"),
    ],
)  # fmt: skip
def test_lengths_of_time_are_words(period: Period, long: str, bare: str) -> None:
    """In each language, as the answer to "how long?", and after a preposition."""
    assert [spoken_periods.for_so_long(period, language) for language in LANGUAGES] == long.split("|")
    assert [spoken_periods.length(period, language) for language in LANGUAGES] == bare.split("|")


# --- build ---


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that an engine was given, which says something else."""
    from informativa.prompts import speech_engine

    said: list[str] = []

    def speak(lines: list[str], _language: str) -> Sound:
        said.append("\n".join(lines))
        return from_pcm(audio.synthetic(1.0, len(said)).tobytes(), NARROW)

    monkeypatch.setattr(speech_engine, "speak", speak)
    return said


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
    for said in (
        "Acme S.p.A.",
        "il tasto uno",
        "via Roma 1",
        "dpo@a.it",
        "AEPD",
        "protetti da clausole tipo, di cui",
    ):
        assert said in it
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


@voices
@pytest.mark.night
@pytest.mark.slow
@pytest.mark.parametrize("part", SpokenPart)
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_text_is_spoken_to_its_end(language: str, part: SpokenPart) -> None:
    """By the engine, which refuses a sentence that it cuts; and none that every caller hears is over 30 s."""
    from informativa.prompts.speech_engine import speak

    own_values = values(language)
    for placeholder, digit in zip(sorted(texts.KEY_PLACEHOLDERS), "456789", strict=True):
        own_values[placeholder] = pronunciation.key(digit, language)
    lines = texts.template(TEXTS, language, part).fill(own_values)
    seconds = speak(lines, language).seconds
    assert seconds < (130 if part is SpokenPart.FULL else 30)
