"""The commands as data, from which the reference page is made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import typer

INCOMPLETE = 3
EXITS = {
    0: "done; also when the reader of a pipe has seen enough",
    1: "something is wrong, and the message says how to mend it",
    2: "the command line cannot be understood, or a ledger or list of calls not be looked at",
    3: "not complete: the answer says what is missing, and what to do",
    4: "done but for some rows of an import, and a file beside it says which",
    70: "a defect of informativa",
    130: "interrupted",
}
ENVIRONMENT = {
    "INFORMATIVA_CONFIG": "The configuration, where -c does not name one.",
    "INFORMATIVA_TRACEBACK": "If set, a defect prints where it happened.",
    "NO_COLOR": "If set, nothing is coloured.",
    "FORCE_COLOR": "If set, output is coloured that goes to no terminal, too.",
    "TERM": "Nothing is coloured where it is `dumb`.",
    "LC_ALL, LC_CTYPE, LANG": "The language of messages; ASCII is printed where it is not a UTF-8 locale.",
    "LANGUAGE": "The languages of messages, the preferred one first.",
}


@dataclass(frozen=True)
class Parameter:
    """An option with its names, or an argument with none. `value` stands for its value; '' for a switch."""

    names: tuple[str, ...]
    value: str
    help: str
    default: str = ""
    required: bool = False

    @property
    def shown(self) -> str:
        """`-c, --config FILE`"""
        return f"{', '.join(self.names)} {self.value}".strip()


@dataclass(frozen=True)
class Command:
    """A command under its full path, or a group of them."""

    path: tuple[str, ...]
    help: str
    parameters: tuple[Parameter, ...]
    commands: tuple[Command, ...] = ()
    alone: bool = False
    """True for a group that does something by itself, too."""

    @property
    def synopsis(self) -> str:
        """The command line: required options and arguments, and whether there are other options."""
        words = [*self.path]
        for parameter in self.parameters:
            if not parameter.names:
                words.append(parameter.value if parameter.required else f"[{parameter.value.strip('[]')}]")
            elif parameter.required:
                words.append(f"{parameter.names[-1]} {parameter.value}")
        optional = any(parameter.names and not parameter.required for parameter in self.parameters)
        return " ".join([*words, *(["[OPTION]..."] if optional else []), *self._below])

    @property
    def _below(self) -> tuple[str, ...]:
        if not self.commands:
            return ()
        return ("[COMMAND]",) if self.alone else ("COMMAND",)

    def walk(self) -> Iterator[Command]:
        """Yield the command and all below it."""
        yield self
        for command in self.commands:
            yield from command.walk()

    def leaves(self) -> Iterator[Command]:
        """Return the commands that do something themselves."""
        return (command for command in self.walk() if command.alone or not command.commands)


def tree(app: typer.Typer) -> Command:
    """All commands of an application."""
    return _command(typer.main.get_command(app), ("informativa",))


def _command(typed: Any, path: tuple[str, ...]) -> Command:
    parameters = tuple(_parameter(child) for child in typed.params if not getattr(child, "hidden", False))
    below = getattr(typed, "commands", {}).items()
    commands = tuple(_command(child, (*path, name)) for name, child in below if not child.hidden)
    alone = bool(getattr(typed, "invoke_without_command", False))
    return Command(path, re.sub(r"\s+", " ", typed.help or "").strip(), parameters, commands, alone)


def _parameter(parameter: Any) -> Parameter:
    annotation: Any = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    is_choice = isinstance(annotation, type) and issubclass(annotation, Enum)
    choices = tuple(str(choice.value) for choice in annotation) if is_choice else ()
    option = parameter.opts[0].startswith("-")
    value = parameter.metavar or "|".join(choices) or parameter.name.upper()
    default = parameter.default.value if isinstance(parameter.default, Enum) else parameter.default
    return Parameter(
        names=tuple(sorted(parameter.opts, key=len)) if option else (),
        value="" if option and parameter.is_flag else value,
        help=parameter.help or "",
        default="" if default is None or isinstance(default, bool) else str(default),
        required=parameter.required,
    )
