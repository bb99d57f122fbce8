"""The texts that `prompts build` speaks: their placeholders, lines that stand only where they are true, and
values from the configuration."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import yaml

from informativa.model import Period
from informativa.model.errors import PromptError
from informativa.model.names import BASES, NAMES
from informativa.operations.prompts.parts import SpokenPart
from informativa.prompts import pronunciation, spoken_periods, texts
from informativa.views.messages import of_letter

TEXTS = Path(__file__).resolve().parent.parent / "prompts/texts"
LANGUAGES = ("it", "en", "de", "fr", "es")
voices = pytest.mark.skipif(not importlib.util.find_spec("py_nanotts"), reason="no extra `speech`")

VALUES = {
    "company": "Acme S.p.A.", "site": "acme.it", "key": "uno", "retention": "per cinque anni",
    "contact": "privacy@acme.it", "dpo": "dpo@acme.it", "authority": "Garante", "safeguards": "clausole tipo",
    "in_country": "in Albania", "decision": "la fascia di sconto", "logic": "acquisti", "human": "nove",
    "eu": "due", "yes": "quattro", "no": "cinque", "withdraw": "sette", "withdraw_at": "02 1234567",
    "withdraw_here": "", "months": "tre mesi",
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


@pytest.mark.parametrize("part", ["marketing", "profiling"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_number_that_was_called_is_not_read_out(language: str, part: str) -> None:
    """Whoever called it is told to call it again, and the key."""
    elsewhere, here = text(language, part), text(language, part, withdraw_here="02 1234567")
    assert ["02 1234567" in elsewhere, "02 1234567" in here] == [True, False]
    assert here.splitlines()[:3] == elsewhere.splitlines()[:3]
    assert [len(here.splitlines()), "cinque" in here.splitlines()[3]] == [4, True]


def test_mark_is_not_spoken_and_needs_a_known_value(tmp_path: Path) -> None:
    """`?{x}` stands with a value, `!{x}` without one; of an unknown one, nobody knows which is true."""
    template = own(tmp_path, "?{dpo} Scriva a {dpo}.\n!{dpo} Scriva a noi.\n")
    assert template.fill({"dpo": "x@y.it"}) == ["Scriva a x@y.it."]
    assert template.fill({"dpo": ""}) == ["Scriva a noi."]
    assert [(value.placeholder, value.line) for value in template.missing({})] == [("dpo", 1), ("dpo", 2)]
    assert list(template.missing({"dpo": ""})) == []


def test_line_with_two_marks_stands_where_both_hold(tmp_path: Path) -> None:
    """An unknown value of either is missing."""
    template = own(tmp_path, "Sempre.\n?{dpo}!{site} Scriva a {dpo}.\n")
    assert template.fill({"dpo": "x@y.it", "site": ""}) == ["Sempre.", "Scriva a x@y.it."]
    assert template.fill({"dpo": "x@y.it", "site": "y.it"}) == ["Sempre."]
    assert template.fill({"dpo": "", "site": ""}) == ["Sempre."]
    assert [value.placeholder for value in template.missing({})] == ["dpo", "site"]
    assert [value.placeholder for value in template.missing({"dpo": "x"})] == ["site"]


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
