"""Sentences as data: an English template and what goes into its places, put into words by who shows them.

One process answers one reader in Italian and another one in English, and its log is English in any case, so
nothing below `views` makes a finished sentence. `Text("There is no folder {folder}.", folder=folder)` keeps
the template, under which gettext's catalogues have its translation, and the arguments as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Foreign(str):
    """What the system or a library said, in its own words; a translator may know them."""

    __slots__ = ()


class Translator(Protocol):
    """One reader's language."""

    @property
    def code(self) -> str:
        """Its two letters."""

    def gettext(self, message: str) -> str:
        """The template in that language."""

    def ngettext(self, one: str, many: str, number: int) -> str:
        """The template in that language, for that number."""

    def foreign(self, said: str) -> str:
        """What others said, as far as it is known."""


class _English:
    """What stands in the program."""

    code = "en"

    def gettext(self, message: str) -> str:
        return message

    def ngettext(self, one: str, many: str, number: int) -> str:
        return one if number == 1 else many

    def foreign(self, said: str) -> str:
        return said


ENGLISH: Translator = _English()


class Text:
    """One sentence, or a part of one, and what to do about it where there is such `advice`; immutable. The
    arguments, of both, may be texts themselves, and what others said. A path is shown as a shell reads it, so
    that it can be copied. Braces without arguments stand for themselves.

    `str()` is the English of logs. An f-string and `format` refuse a text: one that became a part of a string
    unseen would never be translated. It goes into another text, as an argument.
    """

    __slots__ = ("_advice", "arguments", "template")

    def __init__(self, template: str, advice: str = "", /, **arguments: object) -> None:
        self.template, self._advice = template, advice
        self.arguments: Mapping[str, object] = arguments

    @staticmethod
    def counted(one: str, many: str, number: int, /, **arguments: object) -> Text:
        """A sentence that says a number."""
        return _Counted(one, many, number, arguments)

    @staticmethod
    def in_languages(given: Mapping[str, str], otherwise: Text) -> Text:
        """A name that somebody gave in some languages, by their two letters; `otherwise` in every other."""
        return _InLanguages(given, otherwise) if given else otherwise

    def format(self, **arguments: object) -> Text:
        """The same with these arguments, as `str.format` has it."""
        return Text(self.template, self._advice, **arguments)

    @property
    def statement(self) -> Text:
        """It without its advice."""
        return Text(self.template, **self.arguments) if self._advice else self

    @property
    def advice(self) -> Text:
        """What to do about it, if it says so."""
        return Text(self._advice, **self.arguments)

    def said(self, to: Translator = ENGLISH) -> str:
        """In words."""
        parts = [to.gettext(part) for part in (self.template, self._advice) if part]
        return "; ".join(self._filled(part, to) for part in parts)

    def _filled(self, template: str, to: Translator) -> str:
        if not self.arguments:
            return template
        return template.format(**{name: _said(one, to) for name, one in self.arguments.items()})

    def __str__(self) -> str:
        return self.said()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.said()!r}>"

    def __format__(self, form: str) -> str:
        raise TypeError(f"a text is an argument of another text, and no part of a string: {self.template}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __bool__(self) -> bool:
        return bool(self.template)


class _Counted(Text):
    """One with a template for 1 and one for more."""

    __slots__ = ("many", "number")

    def __init__(self, one: str, many: str, number: int, arguments: Mapping[str, object]) -> None:
        super().__init__(one, **arguments)
        self.many, self.number = many, number

    def format(self, **arguments: object) -> Text:
        return _Counted(self.template, self.many, self.number, arguments)

    def said(self, to: Translator = ENGLISH) -> str:
        return self._filled(to.ngettext(self.template, self.many, self.number), to)


class _Joined(Text):
    """Some in a row."""

    __slots__ = ("parts",)

    def __init__(self, separator: Text | str, parts: tuple[Text | str, ...]) -> None:
        super().__init__(str(separator))
        self.parts = parts

    def said(self, to: Translator = ENGLISH) -> str:
        separator = to.gettext(self.template) if self.template else ""
        return separator.join(str(_said(part, to)) for part in self.parts)

    def __bool__(self) -> bool:
        return bool(self.parts)


class _Clause(Text):
    """One as a part of a sentence."""

    __slots__ = ("whole",)

    def __init__(self, whole: Text) -> None:
        super().__init__(whole.template)
        self.whole = whole

    def said(self, to: Translator = ENGLISH) -> str:
        return self.whole.said(to).rstrip(".")


class _InLanguages(Text):
    """One that is not translated, but was given in some languages."""

    __slots__ = ("given", "otherwise")

    def __init__(self, given: Mapping[str, str], otherwise: Text) -> None:
        super().__init__(otherwise.template)
        self.given, self.otherwise = given, otherwise

    def said(self, to: Translator = ENGLISH) -> str:
        return self.given.get(to.code) or self.otherwise.said(to)


def quoted(word: object) -> str:
    """Write a word so that a shell reads it back: in quotes where something in it has a meaning there."""
    from shlex import quote  # not for a script

    return quote(str(word))


def command(*words: object) -> str:
    """Write what is to be typed, so that a shell takes these words from it."""
    return " ".join(map(quoted, words))


NOTHING = Text("")
_ALONE = "{said}"


def plain(said: Text | str) -> Text:
    """As a text what is no sentence of ours: a command, a name, somebody else's words."""
    return said if isinstance(said, Text) else Text(_ALONE, said=said) if said else NOTHING


def clause(sentence: Text) -> Text:
    """A sentence as a part of another one: without its full stop."""
    return _Clause(sentence)


def joined(separator: Text | str, *parts: Text | str) -> Text:
    """Those of them that say something, in a row."""
    return _Joined(separator, tuple(part for part in parts if part))


def _said(one: object, to: Translator) -> object:
    if isinstance(one, Text):
        return one.said(to)
    if hasattr(one, "__fspath__"):  # a path, of which pure modules know nothing
        return quoted(one)
    return to.foreign(one) if isinstance(one, Foreign) else one
