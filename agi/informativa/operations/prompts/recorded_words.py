"""The text that a recording should say, and the points in which it says something else."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ...model import Answer
from ...model.errors import InformativaError, PromptError
from ...model.text import Text
from ...prompts import heard_words, texts
from ...prompts.audio import Sound, trimmed
from ...prompts.heard_words import Comparison, compare
from ...prompts.named_keys import named_keys
from ...prompts.pronunciation import SPELLINGS, ReadingTime, reading_time
from ...prompts.texts import Template
from ...system import shipped
from .configured import ConfiguredPrompts
from .making import Speech, TextValues, purposes_of
from .parts import PLACES, PartPlace, PromptPart, SpokenPart, texts_for

_USUAL = "x" * 15
"""Letters as many as a value has that nobody gave, to reckon how long a text takes."""
_DIFFERENCES = 6
"""The number of differences that a warning names."""


@dataclass(frozen=True)
class _Script:
    """A text that was perhaps read."""

    name: str
    words: str
    missing: tuple[str, ...] = ()
    """The placeholders whose value nobody gave."""


@dataclass(frozen=True)
class RecordedWords:
    """The words of a recording in one place of a configuration."""

    prompts: ConfiguredPrompts
    controller: str
    place: PartPlace
    language: str
    purposes: Sequence[str]
    text: str
    """The words that were read; '' for those of `prompts build`."""

    def doubts(self, sound: Sound, speech: Speech, recogniser: Path | None) -> Iterator[Text]:
        """Yield what the recording, or the text that was read, says otherwise than it should. `speech` has
        values of the text; `recogniser` is the folder of a Whisper model, `None` to compare lengths alone.
        Raises PromptError if that cannot be used."""
        scripts = [_Script("--text", self.text)] if self.text else list(self._shipped(speech))
        seconds = trimmed(sound).seconds
        times = [reading_time(script.words, self.language) for script in scripts]
        if times and not any(time.shortest <= seconds <= time.longest for time in times):
            yield _other_length(seconds, times, scripts)
        if self.text:
            spoken = compare(self.text, self.text, self.language).spoken
            yield from self._other_facts(self.text, spoken, self.text, Text("the text that was read"))
        if recogniser:
            yield from self._other_words(sound, scripts, recogniser)

    def _shipped(self, speech: Speech) -> Iterator[_Script]:
        """Yield the shipped texts for the place, with the values of the configuration."""
        base = self.language.partition("_")[0]
        if base not in SPELLINGS:
            return
        folder = shipped.folder("texts")
        for part in texts_for(self.place):
            template = texts.template(folder, base, part, speech.values.names)
            values = self._values(part, template, base, speech)
            missing = dict.fromkeys(value.placeholder for value in template.missing(values))
            words = template.fill({**dict.fromkeys(template.placeholders, _USUAL), **values})
            yield _Script(template.name, "\n".join(words), tuple(missing))

    def _values(self, part: SpokenPart, template: Template, language: str, speech: Speech) -> dict[str, str]:
        owner = self.prompts.settings.controllers[self.controller]
        choice = self.prompts.choice(self.controller, self.place.id)
        key, known = "", self.purposes
        with suppress(InformativaError):  # lines with several keys: the text names one that nobody gave
            key = self.prompts.key(self.controller)
        if speech.after:
            versions = self.prompts.versions(self.controller, self.place.id)
            known = purposes_of(versions, speech.after, owner)
        keys = PLACES[part].keys if part in PLACES else {}
        asking = self.prompts.lines_asking(self.controller, self.place.id)
        values = TextValues(owner, speech, self.purposes, known, key, choice, keys, asking)
        try:
            text_values = values.of(language, template)
        except InformativaError:  # a purpose without a phrase: the same without purposes
            text_values = replace(values, purposes=(), known=()).of(language, Template(template.name, ""))
        return {name: value for name, value in text_values.items() if value or name != "site"}

    def _other_words(self, sound: Sound, scripts: Sequence[_Script], recogniser: Path) -> Iterator[Text]:
        """Yield what a recogniser hears otherwise than the text says."""
        complete = [script for script in scripts if not script.missing]
        if not complete:
            raise PromptError(
                Text("It is not known which words were read."),
                Text(
                    "Give them: --text FILE{values}",
                    values="".join(
                        f", or --set {name}=…" for script in scripts[:1] for name in script.missing
                    ),
                ),
            )
        from ...prompts.whisper import Recogniser

        heard = Recogniser(recogniser).words(sound, self.language)
        comparisons = [(compare(script.words, heard, self.language), script) for script in complete]
        comparison, script = min(comparisons, key=lambda pair: pair[0].wrong)
        yield from self._other_facts(heard, comparison.spoken, script.words, Text("the recording"))
        if comparison.is_another_text:
            yield _another_text(comparison, script)

    def _other_facts(self, words: str, spoken: Collection[str], text: str, source: Text) -> Iterator[Text]:
        """Yield the keys, the company and the number that `words` lack, or have beside those of `text` or of
        the choice. `source` has the words; `spoken` are they one by one, as they sound."""
        keys = self._keys(text)
        for key in sorted(heard_words.missing_keys(spoken, keys)):
            yield Text("{source} does not name the key {key}", source=source, key=key)
        for key in sorted(heard_words.other_keys(words, keys, self.language)):
            message = Text("{source} names the key {key}, and should name {keys}")
            yield message.format(source=source, key=key, keys=", ".join(sorted(keys)) or Text("none"))
        name = self.prompts.settings.controllers[self.controller].name
        in_text, in_words = (heard_words.says_name(part, name, self.language) for part in (text, words))
        if in_text and not in_words:
            yield Text("{source} does not say the name {name}", source=source, name=name)
        choice = self.prompts.choice(self.controller, self.place.id)
        number = choice.withdraw_at if choice and self.place.part == PromptPart.SHORT else None
        is_here = self.prompts.lines_asking(self.controller, self.place.id) == [number]
        if number and not is_here and not heard_words.says_number(words, number, self.language):
            message = Text("{source} does not say the number {number}, at which a consent is withdrawn")
            yield message.format(source=source, number=number)

    def _keys(self, text: str) -> frozenset[str]:
        """Return the keys that a recording should name: those of the choice, else those of its text."""
        choice = self.prompts.choice(self.controller, self.place.id)
        if choice is None:
            return named_keys(text, self.language)
        if self.place.part == PromptPart.WITHDRAW:
            return frozenset(choice.keys[answer] for answer in [Answer.REFUSED] if answer in choice.keys)
        return frozenset(choice.keys.values())


def _other_length(seconds: float, times: Sequence[ReadingTime], scripts: Sequence[_Script]) -> Text:
    return Text(
        "it speaks for {seconds:.1f} s, and the text ({text}) takes {shortest:.1f} to {longest:.1f} s: is it"
        " that text, and all of it? If another one was read, give that: --text FILE",
        seconds=seconds,
        text=", ".join(script.name for script in scripts),
        shortest=min(time.shortest for time in times),
        longest=max(time.longest for time in times),
    )


def _another_text(comparison: Comparison, script: _Script) -> Text:
    differences = [str(difference) for difference in comparison.differences]
    shown = "; ".join(differences[:_DIFFERENCES]) + ("; …" if len(differences) > _DIFFERENCES else "")
    return Text(
        "{wrong} of the {words} words of the text ({text}) are not heard, or are others: {differences}",
        wrong=comparison.wrong,
        words=comparison.words,
        text=script.name,
        differences=shown,
    )
