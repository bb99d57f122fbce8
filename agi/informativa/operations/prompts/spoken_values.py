"""Values of the placeholders in spoken texts: from options, else from the configuration."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ...config.forms import period
from ...config.schema import ChoiceSettings, ControllerSettings
from ...model.errors import InformativaError, PromptError
from ...model.text import Text
from ...prompts import spoken_periods
from ...prompts.pronunciation import key
from ...prompts.texts import KEY_PLACEHOLDERS, MissingValue, Phrases, Template

_NONE = "none"
_IN_LETTER = {"contact": "contact: …", "safeguards": "transfers: none"}
"""The settings under `letter` that give a value, as they are written."""


@dataclass(frozen=True)
class GivenValues:
    """Values that somebody gave as options: `contact`, or `it.contact` for one language alone. The value
    `none` says that there is none."""

    options: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def parsed(settings: Iterable[str]) -> GivenValues:
        """Return the values of `name=value`. Raises InformativaError."""
        options = {}
        for setting in settings:
            name, equals, value = setting.partition("=")
            if not (equals and re.fullmatch(r"(?:[a-z]{2}\.)?[a-z_]+", name)):
                raise InformativaError(
                    Text("{given!r} is no value of a text.", given=setting),
                    Text(
                        "Give it so: --set contact=privacy@acme.it, or for one language: --set it.contact=…"
                    ),
                )
            options[name] = value.strip()
        return GivenValues(options)

    @property
    def names(self) -> frozenset[str]:
        """The names of the placeholders that have a value in some language."""
        return frozenset(name.rpartition(".")[2] for name in self.options)

    def of(self, language: str) -> dict[str, str]:
        """Return the values for one language, as they were written."""
        general = {name: value for name, value in self.options.items() if "." not in name}
        own = {
            name.partition(".")[2]: value
            for name, value in self.options.items()
            if name.startswith(f"{language}.")
        }
        return {**general, **own}

    def require_use(self, templates: Collection[Template]) -> None:
        """Raise InformativaError for a value that no text has a placeholder for."""
        places = {name for template in templates for name in template.placeholders}
        if unused := sorted(self.names - places):
            raise InformativaError(
                Text("No text that is spoken has a place for {{{name}}}.", name=unused[0]),
                Text("These have: {known}.", known=", ".join(sorted(places))),
            )

    def require_free_keys(self, template: Template, taken: Collection[str]) -> None:
        """Raise InformativaError for a key that is none of a telephone, that another placeholder of the text
        has, or that is among `taken`."""
        used = dict.fromkeys(taken, "")
        for name, value in self.options.items():
            placeholder = name.rpartition(".")[2]
            if placeholder == "key" or placeholder not in KEY_PLACEHOLDERS & template.placeholders:
                continue
            if not re.fullmatch(r"[0-9*#]", value):
                raise InformativaError(
                    Text("{given!r} is no key of a telephone.", given=value),
                    Text("Give one: --set {name}=4", name=name),
                )
            if used.get(value, placeholder) != placeholder:
                raise InformativaError(
                    Text("{text}: the key {key} does something else already.", text=template.name, key=value),
                    Text("Give another one: --set {name}=…", name=name),
                )
            used[value] = placeholder


@dataclass(frozen=True)
class Purposes:
    """Purposes of a version in one language."""

    phrases: Phrases
    purposes: Sequence[str]
    known: Sequence[str]
    """Purposes that the hearers of a supplement know."""
    of_service: Collection[str]
    """Purposes of the service itself, of which the texts speak anyway."""

    def values(self, placeholders: Collection[str]) -> dict[str, str]:
        """Return the values for those of these placeholders that stand for purposes. Raises PromptError for a
        purpose that has no phrase, and InformativaError where none is new."""
        values = {}
        if "purposes" in placeholders:
            values["purposes"] = self.phrases.join(self.purposes)
        if "other_purposes" in placeholders:
            others = [purpose for purpose in self.purposes if purpose not in self.of_service]
            values["other_purposes"] = self.phrases.join(others, with_basis=True)
        if "new" in placeholders:
            new = [purpose for purpose in self.purposes if purpose not in self.known]
            if not new:
                raise InformativaError(
                    Text("No purpose is new to those who know that version."),
                    Text("Name the purposes of the version: --purposes service,marketing"),
                )
            values["new"] = self.phrases.join(new)
        if "quality" in placeholders and "quality" in self.phrases.by_purpose:
            values["quality"] = self.phrases.by_purpose["quality"].words
        return values


def values(
    owner: ControllerSettings,
    given: GivenValues,
    language: str,
    choice: Mapping[str, str],
    asking: Collection[str] = (),
) -> dict[str, str]:
    """Return the values for one language; `choice` are those of the choice that a text is of, and `asking`
    the lines that ask it. One that is there and empty says that there is none: no data protection officer, no
    transfer outside the EEA. One that nobody gave is absent."""
    letter = owner.letter
    settings = {
        "retention": spoken_periods.for_so_long(owner.retention, language) if owner.retention else "",
        "contact": letter.contact,
        "safeguards": letter.transfers,
    }
    optional = {"dpo": letter.dpo, "authority": letter.authority, "decision": "", "withdraw_at": ""}
    configured = {name: value for name, value in settings.items() if value}
    options = {name: _spoken(name, value, language) for name, value in given.of(language).items()}
    every = {**optional, **choice, **configured, **options}
    here = every["withdraw_at"] if {*asking} == {every["withdraw_at"]} else ""
    every.setdefault("withdraw_here", here)
    return {name: "" if value == _NONE else value for name, value in every.items()}


def of_choice(choice: ChoiceSettings, keys: Mapping[str, str], language: str) -> dict[str, str]:
    """Return the values that a choice of the configuration gives for one language: the names of its keys, and
    the number at which a consent is withdrawn. `keys` are its options by placeholder."""
    by_option = {str(option): pressed for option, pressed in choice.keys.items()}
    pressed = {name: key(by_option[option], language) for name, option in keys.items() if option in by_option}
    return pressed | ({"withdraw_at": choice.withdraw_at} if choice.withdraw_at else {})


def refuse_missing(missing: Sequence[MissingValue], controller: str) -> None:
    """Raise PromptError that names every placeholder without a value, its texts, and its option."""
    if not missing:
        return
    places = dict[str, list[str]]()
    for value in missing:
        places.setdefault(value.placeholder, []).append(f"{value.text}:{value.line}")
    named = ", ".join(f"{{{placeholder}}} ({', '.join(texts)})" for placeholder, texts in places.items())
    remedy = Text("Give it: {options}", options=" ".join(map(_option, places)))
    if settings := _settings(places):
        remedy = Text(
            "Give it: {options}, or write under controllers.{name}: {settings}",
            options=" ".join(map(_option, places)),
            name=controller,
            settings=settings,
        )
    raise PromptError(Text("These values are not given: {named}.", named=named), remedy)


def _settings(placeholders: Collection[str]) -> str:
    """Return the settings of a controller that give these values; '' if none does."""
    in_letter = [setting for name, setting in _IN_LETTER.items() if name in placeholders]
    settings = ["retention: 5 years"] if "retention" in placeholders else []
    return "; ".join([*settings, *([f"letter: {{{', '.join(in_letter)}}}"] if in_letter else [])])


def _spoken(name: str, value: str, language: str) -> str:
    if name in KEY_PLACEHOLDERS:
        return key(value, language)
    if name in ("retention", "months"):
        try:
            length = period(value)
        except ValueError:
            return value
        spoken = spoken_periods.for_so_long if name == "retention" else spoken_periods.length
        return spoken(length, language)
    return value


def _option(placeholder: str) -> str:
    return "--site …" if placeholder == "site" else f"--set {placeholder}=…"
