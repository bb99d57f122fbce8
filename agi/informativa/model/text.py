"""Sentences as data: an English template and its arguments, put into words where they are shown.

One process answers one reader in Italian and another one in English, and its log is English in any case, so
nothing below `views` makes a finished sentence. `Text("There is no folder {folder}.", folder=folder)` keeps
the template, under which gettext's catalogues have its translation, and the arguments as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Protocol


class Foreign(str):
    """A message of the system or of a library, in its own words; a translator may know them."""

    __slots__ = ()


class Translator(Protocol):
    """One reader's language."""

    @property
    def code(self) -> str:
        """Return the language as two letters."""

    def gettext(self, message: str) -> str:
        """Return the template in that language."""

    def ngettext(self, one: str, many: str, number: int) -> str:
        """Return the template in that language, for that number."""

    def foreign(self, message: str) -> str:
        """Return the translation of a foreign message, or the message if there is none."""


class _Hidden(str):
    """The sign for a value that is not shown, in any format."""

    __slots__ = ()

    def __format__(self, form: str) -> str:
        return str(self)


_HIDDEN = _Hidden("…")
_COMMA = str.maketrans(".,", ",.")


class _DecimalComma(float):
    """A number that is formatted with a decimal comma."""

    __slots__ = ()

    def __format__(self, form: str) -> str:
        return format(float(self), form).translate(_COMMA) if form else str(float(self))


class _GroupedByPoints(int):
    """A whole number that is formatted with points between its thousands."""

    __slots__ = ()

    def __format__(self, form: str) -> str:
        return format(int(self), form).translate(_COMMA)


_WITH_COMMA = {float: _DecimalComma, int: _GroupedByPoints}


class _English:
    """The language of the program's own templates."""

    code = "en"

    def gettext(self, message: str) -> str:
        return message

    def ngettext(self, one: str, many: str, number: int) -> str:
        return one if number == 1 else many

    def foreign(self, message: str) -> str:
        return message


ENGLISH: Translator = _English()


class Text:
    """One sentence, or a part of one, and its `advice`, the action to take, where there is one; immutable.
    The arguments, of both, may be texts themselves, and foreign messages. A path is shown in a form that a
    shell reads, so that it can be copied. Braces without arguments stand for themselves.

    `str()` is the English of logs. An f-string and `format` refuse a text: one that became a part of a string
    unseen would never be translated. It goes into another text, as an argument. A number with a format
    (`.1f`, `,`) is written as the language does; without one as it is typed.
    """

    __slots__ = ("_advice", "arguments", "template")

    def __init__(self, template: str, advice: str = "", /, **arguments: object) -> None:
        self.template, self._advice = template, advice
        self.arguments: Mapping[str, object] = arguments

    @staticmethod
    def counted(one: str, many: str, number: int, /, **arguments: object) -> Text:
        """Return a sentence that contains a number, as `{count}` unless an argument has it, with a template
        for 1 and one for other numbers."""
        return _Counted(one, many, number, arguments)

    @staticmethod
    def in_languages(translations: Mapping[str, str], otherwise: Text) -> Text:
        """Return a name that somebody gave in some languages, by their two letters; `otherwise` in every
        other."""
        return _InLanguages(translations, otherwise) if translations else otherwise

    def format(self, **arguments: object) -> Text:
        """Return the same text with these arguments, like `str.format`."""
        return Text(self.template, self._advice, **arguments)

    def masked(self) -> Text:
        """Return the text with … for each value, which may be a secret; words of the system stay."""
        return self.format(**{name: _masked(value) for name, value in self.arguments.items()})

    @property
    def statement(self) -> Text:
        """Return the text without its advice."""
        return Text(self.template, **self.arguments) if self._advice else self

    @property
    def advice(self) -> Text:
        """Return the advice, empty if there is none."""
        return Text(self._advice, **self.arguments)

    @property
    def kind(self) -> tuple[object, ...]:
        """Return the program's own words in the text, without its values: those of one kind say the same of
        other things."""
        return (self.template, self._advice, *map(_kind, self.arguments.values()))

    @property
    def values(self) -> tuple[object, ...]:
        """Return the values in the text, and in those that are its arguments, in their order."""
        return tuple(chain.from_iterable(map(_values, self.arguments.values())))

    def render(self, to: Translator = ENGLISH) -> str:
        """Return the text in words."""
        parts = [to.gettext(part) for part in (self.template, self._advice) if part]
        return "; ".join(self._fill(part, to) for part in parts)

    def _fill(self, template: str, to: Translator) -> str:
        if not self.arguments:
            return template
        return template.format(**{name: _render(value, to) for name, value in self.arguments.items()})

    def __str__(self) -> str:
        return self.render()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.render()!r}>"

    def __format__(self, form: str) -> str:
        raise TypeError(f"a text is an argument of another text, and no part of a string: {self.template}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __bool__(self) -> bool:
        return bool(self.template)


class _Counted(Text):
    """A text with a template for 1 and one for other numbers."""

    __slots__ = ("many", "number")

    def __init__(self, one: str, many: str, number: int, arguments: Mapping[str, object]) -> None:
        super().__init__(one, **{"count": number, **arguments})
        self.many, self.number = many, number

    def format(self, **arguments: object) -> Text:
        return _Counted(self.template, self.many, self.number, arguments)

    def render(self, to: Translator = ENGLISH) -> str:
        return self._fill(to.ngettext(self.template, self.many, self.number), to)


class _Joined(Text):
    """Several texts in a row."""

    __slots__ = ("parts",)

    def __init__(self, separator: Text | str, parts: tuple[Text | str, ...]) -> None:
        super().__init__(str(separator))
        self.parts = parts

    def render(self, to: Translator = ENGLISH) -> str:
        separator = to.gettext(self.template) if self.template else ""
        return separator.join(str(_render(part, to)) for part in self.parts)

    def masked(self) -> Text:
        return _Joined(self.template, tuple(map(_masked, self.parts)))

    @property
    def kind(self) -> tuple[object, ...]:
        return (self.template, *map(_kind, self.parts))

    @property
    def values(self) -> tuple[object, ...]:
        return tuple(chain.from_iterable(map(_values, self.parts)))

    def __bool__(self) -> bool:
        return bool(self.parts)


class _Clause(Text):
    """A sentence as a part of another one."""

    __slots__ = ("sentence",)

    def __init__(self, sentence: Text) -> None:
        super().__init__(sentence.template)
        self.sentence = sentence

    @property
    def kind(self) -> tuple[object, ...]:
        return self.sentence.kind

    @property
    def values(self) -> tuple[object, ...]:
        return self.sentence.values

    def render(self, to: Translator = ENGLISH) -> str:
        return self.sentence.render(to).rstrip(".")


class _InLanguages(Text):
    """A text that is not translated, but was given in some languages."""

    __slots__ = ("otherwise", "translations")

    def __init__(self, translations: Mapping[str, str], otherwise: Text) -> None:
        super().__init__(otherwise.template)
        self.translations, self.otherwise = translations, otherwise

    def render(self, to: Translator = ENGLISH) -> str:
        return self.translations.get(to.code) or self.otherwise.render(to)


def quoted(word: object) -> str:
    """Return a word in a form that a shell reads back: in quotes where a character has a meaning there."""
    from shlex import quote  # not for a script

    return quote(str(word))


def command(*words: object) -> str:
    """Return a command line from which a shell takes these words."""
    return " ".join(map(quoted, words))


NOTHING = Text("")
_VERBATIM = "{said}"


def plain(said: Text | str) -> Text:
    """Return as a text a string that is no sentence of ours: a command, a name, somebody else's words."""
    return said if isinstance(said, Text) else Text(_VERBATIM, said=said) if said else NOTHING


def clause(sentence: Text) -> Text:
    """Return a sentence as a part of another one: without its full stop."""
    return _Clause(sentence)


def joined(separator: Text | str, *parts: Text | str) -> Text:
    """Return those of the parts that are not empty, in a row."""
    return _Joined(separator, tuple(part for part in parts if part))


def _kind(value: object) -> object:
    return value.kind if isinstance(value, Text) else None


def _values(value: object) -> tuple[object, ...]:
    return value.values if isinstance(value, Text) else (value,)


def _masked(value: object) -> Text | str:
    if isinstance(value, Text):
        return value.masked()
    return value if isinstance(value, Foreign) else _HIDDEN


def _render(value: object, to: Translator) -> object:
    if isinstance(value, Text):
        return value.render(to)
    if hasattr(value, "__fspath__"):  # a path, of which pure modules know nothing
        return quoted(value)
    if isinstance(value, Foreign):
        return to.foreign(value)
    with_comma = _WITH_COMMA.get(type(value)) if to.code != ENGLISH.code else None
    return with_comma(value) if with_comma else value
