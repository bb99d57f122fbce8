"""Recordings that do not say their text: by their length, by their keys, and by a recogniser's ear."""

from __future__ import annotations

from pathlib import Path

import pytest

from consenting import ask_for_consents
from informativa.model.errors import InformativaError, PromptError
from informativa.operations.prompts import installing, making, showing, taking
from informativa.operations.prompts.configured import ConfiguredPrompts
from informativa.operations.prompts.making import PromptsMade, PromptTarget, Speech
from informativa.operations.prompts.parts import PromptPart, SpokenPart, recorded_place, texts_for
from informativa.operations.prompts.recorded_words import RecordedWords
from informativa.operations.prompts.spoken_values import GivenValues
from informativa.operations.prompts.taking import Take
from informativa.prompts.audio import NARROW, Sound, from_pcm
from informativa.prompts.heard_words import compare, missing_keys, other_keys, says_name, says_number
from informativa.prompts.pronunciation import reading_time
from lab import audio

SHIPPED = Path(__file__).resolve().parent.parent / "prompts"
ACME = PromptTarget("acme", version="2027-01")
QUESTION = """Acme può usare il Suo numero per proporLe offerte?
Per sì prema il tasto quattro, per no il tasto cinque.
Per revocarlo chiami il numero 02 1234 5670."""


@pytest.fixture
def choosing(folder: Path) -> Path:
    """The example configuration, whose first company has choices, withdrawn at another line."""
    file = ask_for_consents(folder)
    file.write_text(file.read_text().replace('withdraw_at: "+390212345678"', 'withdraw_at: "+390212345670"'))
    return file


def spoken(seconds: float) -> Sound:
    """Return something like speech."""
    return from_pcm(audio.synthetic(seconds, 5).tobytes(), NARROW)


def recorded(folder: Path, seconds: float) -> Path:
    """Write something like speech, as a studio would send it."""
    audio.write_wav(folder / "studio.wav", audio.synthetic(seconds, 5))
    return folder / "studio.wav"


def doubts(
    config: Path, seconds: float, text: str = "", name: str = "privacy", part: PromptPart = PromptPart.SHORT
) -> list[str]:
    """Return the doubts about an Italian recording of so many seconds for a notice or choice of Acme."""
    prompts = ConfiguredPrompts(config)
    choice = prompts.choice("acme", name)
    place = recorded_place(name, part, "", choice.asks if choice else "")
    words = RecordedWords(prompts, "acme", place, "it", ["service"], text)
    return [str(doubt) for doubt in words.doubts(spoken(seconds), Speech(), None)]


# --- by length ---


def test_shipped_recordings_are_as_long_as_their_texts() -> None:
    """Each in the middle of the time that its text takes, in every language."""
    for prompt in sorted(SHIPPED.glob("*/*.wav")):
        size = (prompt.stat().st_size - 44) / 16_000
        time = reading_time(prompt.with_suffix(".txt").read_text(encoding="utf-8"), prompt.parent.name)
        assert time.shortest * 1.25 < size < time.longest / 1.25, prompt


def test_reading_time_of_a_language_without_spelling() -> None:
    """The letters are counted as they are written: 18 of them."""
    assert reading_time("Zasebnost pri klicu", "sl_SI") == pytest.approx((17 / 21, 17 / 9 + 1))


@pytest.mark.parametrize(("seconds", "doubtful"), [(4.0, True), (16.0, False), (45.0, True)])
def test_recording_of_another_length_than_its_text_is_doubted(
    folder: Path, seconds: float, doubtful: bool
) -> None:
    """The warning says both lengths and what to do; the site, which nobody gave, does not matter."""
    warnings = doubts(folder / "informativa.yaml", seconds)
    assert len(warnings) == doubtful
    if doubtful:
        assert f"it speaks for {seconds:.1f} s, and the text (it/short.txt) takes 11." in warnings[0]
        assert "give that: --text FILE" in warnings[0]


def test_text_that_was_read_counts_instead_of_the_shipped_one(folder: Path) -> None:
    """Four seconds are right for a sentence of 60 letters."""
    text = "Acme tratta i Suoi dati per rispondere, come dice il sito acme.it."
    assert doubts(folder / "informativa.yaml", 4.0, text) == []


def test_texts_that_a_recording_may_read() -> None:
    """A notice of another name reads the privacy notice's; of a choice of another name nothing is known."""
    short, withdraw = PromptPart.SHORT, PromptPart.WITHDRAW
    assert texts_for(recorded_place("privacy", short, "", "")) == [SpokenPart.SHORT]
    assert texts_for(recorded_place("support", PromptPart.SUPPLEMENT, "1", "")) == [SpokenPart.SUPPLEMENT]
    assert texts_for(recorded_place("ai", short, "", "")) == ["ai", "ai-emotion", "emotion"]
    assert texts_for(recorded_place("marketing", withdraw, "", "consent")) == ["marketing-withdraw"]
    assert texts_for(recorded_place("newsletter", short, "", "consent")) == []
    assert texts_for(recorded_place("newsletter", withdraw, "", "consent")) == []


# --- choices ---


def test_question_names_the_keys_of_its_choice_and_the_number(choosing: Path) -> None:
    """A text that was read with another key, or without the number to withdraw, is doubted."""
    assert doubts(choosing, 11.0, QUESTION, "marketing") == []
    wrong = QUESTION.replace("cinque", "sei").replace("5670", "5679")
    assert doubts(choosing, 11.0, wrong, "marketing") == [
        "the text that was read does not name the key 5",
        "the text that was read names the key 6, and should name 4, 5",
        "the text that was read does not say the number +390212345670, at which a consent is withdrawn",
    ]
    revoke = "Per revocare il consenso prema ora il tasto cinque."
    assert doubts(choosing, 4.0, revoke, "marketing", PromptPart.WITHDRAW) == []
    assert doubts(choosing, 4.0, revoke.replace("cinque", "quattro"), "marketing", PromptPart.WITHDRAW) == [
        "the text that was read does not name the key 5",
        "the text that was read names the key 4, and should name 5",
    ]


def test_question_need_not_say_the_number_that_was_called(folder: Path) -> None:
    """Where the line that asks is also the one to withdraw."""
    text = QUESTION.replace("chiami il numero 02 1234 5670", "richiami questo numero e prema il tasto cinque")
    assert doubts(ask_for_consents(folder), 11.0, text, "marketing") == []


@pytest.mark.parametrize(
    ("name", "part", "words"),
    [
        ("marketing", PromptPart.FULL, "Name one that it has: --part short, --part withdraw"),
        ("abroad", PromptPart.WITHDRAW, "abroad has no text withdraw. Name one that it has: --part short"),
        ("privacy", PromptPart.WITHDRAW, "privacy has no text withdraw"),
        ("marketng", PromptPart.SHORT, "There is no notice or choice marketng; did you mean marketing?"),
    ],
)  # fmt: skip
def test_part_that_a_choice_cannot_have(choosing: Path, name: str, part: PromptPart, words: str) -> None:
    """It is refused before the recording is read."""
    with pytest.raises(InformativaError) as caught:
        taking.add(choosing, PromptTarget("acme", name), Take(Path("/none.wav"), "it", part))
    assert words in str(caught.value)


def test_recording_of_a_choice_is_taken(choosing: Path, tmp_path: Path) -> None:
    """Into a folder of its version, with its words beside it, and lines for the list of choices."""
    text = tmp_path / "read.txt"
    text.write_text(QUESTION)
    recording = recorded(tmp_path, 11.0)
    target = PromptTarget("acme", "marketing", "3")
    result = taking.add(choosing, target, Take(recording, "it", text=text))
    (prompt,) = result.prompts
    assert prompt.path == choosing.parent / "prompts/acme/marketing-3/it/short"
    assert prompt.path.with_suffix(".txt").read_text() == QUESTION
    assert (result.configuration.where, result.configuration.version, result.configuration.yaml) == (
        "controllers.acme.choices.marketing.versions",
        None,
        '          - version: "3"\n            short:\n              it: prompts/acme/marketing-3/it/short',
    )
    withdraw = taking.add(
        choosing, PromptTarget("acme", "marketing", "2"), Take(recording, "it", PromptPart.WITHDRAW)
    )
    assert withdraw.configuration.version == "2"
    assert withdraw.configuration.yaml == (
        "            withdraw:\n              it: prompts/acme/marketing-2/it/withdraw"
    )
    assert any(
        "and the text (it/marketing-withdraw.txt) takes" in str(warning) for warning in withdraw.warnings
    )


def test_prompts_of_a_company_with_choices_are_listed_and_played(choosing: Path) -> None:
    """Those of its choices are among them, and one of several is that of the version in force."""
    text = choosing.read_text().replace(
        "short: {it: prompts/it/short}\n", "short: {it: prompts/1/it/ask}\n", 1
    )
    text = text.replace("short: {it: prompts/it/short}\n", "short: {it: prompts/2/it/ask}\n", 1)
    choosing.write_text(text)
    for version in "12":
        (choosing.parent / f"prompts/{version}/it").mkdir(parents=True)
        audio.write_wav(choosing.parent / f"prompts/{version}/it/ask.wav", audio.synthetic(1.0, 3))
    prompt = showing.find_prompt(choosing, "it/ask")
    assert (prompt.notice, prompt.version, prompt.part) == ("marketing", "2", "short")
    listed = {(prompt.notice, prompt.version) for prompt in showing.configured_prompts(choosing).prompts}
    assert {("marketing", "1"), ("marketing", "2")} <= listed


def test_questions_are_not_copied_for_other_dialplans(choosing: Path, tmp_path: Path) -> None:
    """Only where its answer is read a question is heard; its formats are made all the same."""
    audio.write_wav(choosing.parent / "prompts/it/ask.wav", audio.synthetic(1.0, 3))
    choosing.write_text(
        choosing.read_text().replace("withdraw: {it: prompts/it/short}", "withdraw: {it: prompts/it/ask}")
    )
    (tmp_path / "sounds").mkdir()
    result = installing.install(choosing, ["alaw"], tmp_path / "sounds")
    assert choosing.parent / "prompts/it/ask.alaw" in result.files
    copies = {file.stem for file in (tmp_path / "sounds").rglob("*.wav")}
    assert "privacy-short" in copies
    assert not {name for name in copies if not name.startswith("privacy")}


def test_choice_that_exists_gets_a_version_and_its_own_keys(
    choosing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `build` speaks takes keys and number from the configuration, and adds no second choice."""
    from informativa.prompts import speech_engine

    lines: list[str] = []

    def speak(text: list[str], _language: str) -> Sound:
        lines.extend(text)
        return spoken(1.0)

    monkeypatch.setattr(speech_engine, "speak", speak)
    monkeypatch.setattr(making.audio, "prompt", lambda _sound: {"wav": bytes(16044)})
    speech = Speech(languages=("it",), parts=(SpokenPart.MARKETING,))
    result = making.build(choosing, ACME, speech)
    assert isinstance(result, PromptsMade)
    assert "Per sì prema il tasto quattro, per no il tasto cinque." in lines
    assert "Per revocarlo chiami il numero +390212345670." in lines
    assert result.configuration.where == "controllers.acme.choices.marketing.versions"
    assert result.configuration.yaml.startswith('          - version: "2027-01"\n            short:')


# --- by a recogniser ---


@pytest.mark.parametrize(
    ("text", "heard", "language", "wrong", "other"),
    [
        ("Prema il tasto cinque, su acme.it.", "prema il tasto 5 su acme punto it", "it", 0, False),
        ("per cinque anni e per dodici mesi", "per 5 anni e per 12 mesi", "it", 0, False),
        ("può opporsi al loro uso", "può opporsi all'oro uso", "it", 0, False),  # heard in shipped sound
        ("der Nutzung widersprechen", "Nutzung widersprechen", "de", 1, True),  # one of three
        ("Vous pouvez demander l’accès", "vous pouvez demander l'acces", "fr", 0, False),  # noqa: RUF001
        ("You may ask to see or erase it " * 5, "you may ask to see or erase it " * 4, "en", 8, True),
        ("Zasebnost pri klicu", "zasebnost pri klicu", "sl", 0, False),
    ],
)
def test_words_that_differ(text: str, heard: str, language: str, wrong: int, other: bool) -> None:
    """Spelling, numbers and words that sound alike do not count; what is left out does."""
    comparison = compare(text, heard, language)
    assert (comparison.wrong, comparison.is_another_text) == (wrong, other)


def test_keys_name_and_number_that_are_heard() -> None:
    """A key by its digit or its word; a name roughly, without its form; a number with any country code."""
    spoken_keys = compare("Prema il tasto uno", "prema il tasto 5", "it").spoken
    assert missing_keys(spoken_keys, frozenset("15")) == {"1"}
    assert other_keys("prema il tasto 5", frozenset("1"), "it") == {"5"}
    assert (
        missing_keys(compare("drücken Sie fünf", "drücken sie 5", "de").spoken, frozenset("5")) == frozenset()
    )
    assert (
        missing_keys(compare("sur la touche un", "sur la touchin", "fr").spoken, frozenset("1"))
        == frozenset()
    )
    assert says_name("La società Achme è titolare", "Acme S.p.A.", "it")
    assert not says_name("La società Borealis è titolare", "Acme S.p.A.", "it")
    assert says_number("chiami il numero 02 12 34 56 78", "+390212345678", "it")
    assert says_number(
        "più trentanove zero due uno due tre quattro cinque sei sette otto", "+390212345678", "it"
    )
    assert not says_number("chiami il numero 02 12 34 56 79", "+390212345678", "it")


def test_recogniser_needs_the_words(folder: Path) -> None:
    """A text with values that nobody gave cannot be compared word by word: it says how to give them."""
    prompts = ConfiguredPrompts(folder / "informativa.yaml")
    place = recorded_place("privacy", PromptPart.SHORT, "", "")
    words = RecordedWords(prompts, "acme", place, "it", ["service"], "")
    with pytest.raises(PromptError, match="--text FILE, or --set site=…"):
        list(words.doubts(spoken(16.0), Speech(), Path("/none")))
    with pytest.raises(PromptError, match="/none has no Whisper model"):
        list(words.doubts(spoken(16.0), Speech(values=GivenValues({"site": "acme.it"})), Path("/none")))
