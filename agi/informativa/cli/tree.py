"""The commands as data, from which completion, manual and reference are made, so that none goes stale."""

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
    2: "the command line cannot be understood",
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
FILES = {
    "/etc/informativa/informativa.yaml": "The configuration, unless -c or INFORMATIVA_CONFIG names another.",
    "/etc/informativa/keys": "A key for each controller. Without it a ledger says nothing about callers.",
    "/etc/informativa/ledger": "A ledger for each controller.",
    "/etc/informativa/prompts": "The notices as sound files.",
}


@dataclass(frozen=True)
class Parameter:
    """An option with its names, or an argument with none. `value` stands for its value; '' for a switch."""

    names: tuple[str, ...]
    value: str
    help: str
    default: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()

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
    """Whether it does something by itself, too, where it is a group."""

    @property
    def synopsis(self) -> str:
        """How it is typed: what is required, and that there are options."""
        words = [*self.path]
        for one in self.parameters:
            if not one.names:
                words.append(one.value if one.required else f"[{one.value.strip('[]')}]")
            elif one.required:
                words.append(f"{one.names[-1]} {one.value}")
        optional = any(one.names and not one.required for one in self.parameters)
        return " ".join([*words, *(["[OPTION]..."] if optional else []), *self._below])

    @property
    def _below(self) -> tuple[str, ...]:
        if not self.commands:
            return ()
        return ("[COMMAND]",) if self.alone else ("COMMAND",)

    def walk(self) -> Iterator[Command]:
        """It and all below it."""
        yield self
        for command in self.commands:
            yield from command.walk()

    def leaves(self) -> Iterator[Command]:
        """Those that do something."""
        return (command for command in self.walk() if command.alone or not command.commands)


def tree(app: typer.Typer) -> Command:
    """All commands of an application."""
    return _command(typer.main.get_command(app), ("informativa",))


def _command(found: Any, path: tuple[str, ...]) -> Command:
    parameters = tuple(_parameter(one) for one in found.params if not getattr(one, "hidden", False))
    below = getattr(found, "commands", {}).items()
    commands = tuple(_command(one, (*path, name)) for name, one in below if not one.hidden)
    alone = bool(getattr(found, "invoke_without_command", False))
    return Command(path, re.sub(r"\s+", " ", found.help or "").strip(), parameters, commands, alone)


def _parameter(found: Any) -> Parameter:
    annotation: Any = getattr(getattr(found, "type_descriptor", None), "annotation", None)
    is_choice = isinstance(annotation, type) and issubclass(annotation, Enum)
    choices = tuple(str(one.value) for one in annotation) if is_choice else ()
    option = found.opts[0].startswith("-")
    value = found.metavar or "|".join(choices) or found.name.upper()
    default = found.default.value if isinstance(found.default, Enum) else found.default
    return Parameter(
        names=tuple(sorted(found.opts, key=len)) if option else (),
        value="" if option and found.is_flag else value,
        help=found.help or "",
        default="" if default is None or isinstance(default, bool) else str(default),
        required=found.required,
        choices=choices,
    )
