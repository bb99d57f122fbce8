"""`informativa man`: the manual page informativa(1), in roff, made from the command tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .. import __version__
from .tree import ENVIRONMENT, EXITS, FILES, Command, Parameter


def page(root: Command) -> str:
    """The page. Everything that a command's help says is in it."""
    return "\n".join(_lines(root)) + "\n"


def _lines(root: Command) -> Iterator[str]:
    yield f'.TH INFORMATIVA 1 "" "informativa {__version__}" "User Commands"'
    yield from (
        ".SH NAME",
        r"informativa \- plays the privacy notice to callers of an Asterisk PBX, and proves it",
    )
    yield from (".SH SYNOPSIS", r".B informativa", r".I COMMAND", r"[\fIOPTION\fR]...")
    yield from (".SH DESCRIPTION", _text(root.help), ".SH COMMANDS")
    for command in root.leaves():
        yield from (".SS", rf"\fB{_text(command.synopsis)}\fR", _text(command.help))
        for parameter in command.parameters:
            yield from _parameter(parameter)
    yield from (
        ".SH OPTIONS",
        "Of the program itself; of each command, \\fB\\-h\\fR and \\fB\\-\\-help\\fR too.",
    )
    for parameter in root.parameters:
        yield from _parameter(parameter)
    yield from _table("EXIT STATUS", {str(code): meaning for code, meaning in EXITS.items()})
    yield from _table("FILES", FILES)
    yield from _table("ENVIRONMENT", ENVIRONMENT)
    yield from (".SH SEE ALSO", r".BR asterisk (8),", r".BR systemctl (1)")


def _parameter(parameter: Parameter) -> Iterator[str]:
    yield ".TP"
    names = ", ".join(rf"\fB{_text(name)}\fR" for name in parameter.names)
    yield f"{names} \\fI{_text(parameter.value)}\\fR".strip() if parameter.value else names
    yield _text(described(parameter))


def described(parameter: Parameter) -> str:
    """Return what a parameter is for, with its default."""
    sentences = [parameter.help or "What it says."]
    sentences += [f"Default: {parameter.default}."] if parameter.default else []
    sentences += ["Required."] if parameter.required and parameter.names else []
    return " ".join(sentences)


def _table(heading: str, rows: Mapping[str, str]) -> Iterator[str]:
    yield f".SH {heading}"
    for name, meaning in rows.items():
        yield from (".TP", rf"\fB{_text(name)}\fR", _text(meaning))


def _text(text: str) -> str:
    """Text that roff takes as it is: no escapes, no requests, dashes that can be copied, and ASCII."""
    plain = text.replace("\\", r"\e").replace("-", r"\-").replace("…", "...").replace("`", r"\(ga")
    return rf"\&{plain}" if plain[:1] in (".", "'") else plain
