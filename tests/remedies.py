"""Commands that the program tells admins to type: all in its source, and one as an output has it.

A remedy is data (`Text`, `command`), so the source says which there are: test_remedies.py types them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from informativa.cli.main import app
from informativa.cli.tree import tree
from informativa.model.text import quoted

SOURCE = Path(__file__).resolve().parents[1] / "agi/informativa"
_NO_REMEDIES = {"cli/tree.py", "cli/words.py", "config/described.py"}
"""A command in scripts, pages and descriptions."""
_PATHS = {command.path[1:] for command in tree(app()).walk() if len(command.path) > 1}
_OURS = "|".join(sorted((" ".join(path) for path in _PATHS), reverse=True))
_PROGRAMS = (
    rf"informativa (?:{_OURS})(?![\w-])|chmod |chown |mkdir |mv |rm |install -|ln -|systemctl |journalctl -|"
    r"timedatectl |df -|findmnt|ss -|sqlite3 -|ulimit -|apt-get |\{prefix\}/bin/pip |asterisk -|"
    r"\{asterisk\} -rx"
)
_BEGIN = re.compile(rf"(?<![\w./{{<-])(?:{_PROGRAMS})")
_MAY_HAVE = re.compile(rf'{_BEGIN.pattern}|informativa "|\bcommand\(|SafeRemedy')
_QUOTED = r"'[^']*'|\"[^\"]*\""
_PLACE = r"\{(?:[a-z_]*(?::[^}]*)?|\*)\}"
_WORD_OF_TEMPLATE = rf"(?:{_QUOTED}|{_PLACE}|[^\s'\";,.()`{{}}…]|[.,](?=[\w*{{-]))+"
_COMMAND = re.compile(rf"{_WORD_OF_TEMPLATE}(?: {_WORD_OF_TEMPLATE})*")
_OF_TUPLES = {"asterisk", "chmod", "chown", "informativa", "install", "rm", "systemctl"}
_WORD = r"(?:'[^']*'|\"[^\"]*\"|[^\s'\";,()`]|,(?=\S))+?"


@dataclass(frozen=True)
class Remedy:
    """One command of a template of the source: the template, and where in it the command begins and ends."""

    template: str
    begin: int
    end: int
    file: str
    safe: bool
    """True if it is a command of a `SafeRemedy`, which `doctor --fix` runs."""

    @property
    def key(self) -> str:
        """Its name: the file in which it stands, and the command."""
        return f"{self.file}: {self.command}"

    @property
    def command(self) -> str:
        """It, with its places."""
        return self.template[self.begin : self.end]

    def typed(self, output: str) -> str | None:
        """The command as an output has it, `None` where the remedy does not stand there."""
        before, after = self.template[: self.begin], self.template[self.end :]
        pattern = f"{_pattern(before, '.+?')}(?P<typed>{_pattern(self.command, _WORD)})"
        following = _pattern(after, ".+?") if after else r"(?=[\s;,.()`]|\Z)"
        match = re.search(pattern + following, output)
        return match["typed"] if match else None


@cache
def remedies() -> tuple[Remedy, ...]:
    """All that there are."""
    return tuple(
        Remedy(template, *span, file.relative_to(SOURCE).as_posix(), safe)
        for file in sorted(SOURCE.rglob("*.py"))
        if file.relative_to(SOURCE).as_posix() not in _NO_REMEDIES
        if _MAY_HAVE.search(source := file.read_text(encoding="utf-8"))  # to parse all takes two seconds
        for template, safe in dict.fromkeys(_templates(source))
        for span in _commands(template)
    )


def _templates(source: str) -> Iterator[tuple[str, bool]]:
    """The texts of a module, its `command(…)`s and the commands of its `SafeRemedy`s, with `{}` for each word
    that is known only at work; and whether it is one of the latter."""
    nodes = list(ast.walk(ast.parse(source)))
    documentation = {
        id(node.value) for node in nodes if isinstance(node, ast.Expr)
    }  # of modules, classes, functions and attributes
    called: set[int] = set()
    for node in nodes:
        words, safe = _command_line(node)
        if words and (not safe or "SafeRemedy" in source):
            called |= {id(word) for word in words}
            yield " ".join(map(_of_template, words)), safe
    for node in nodes:
        texts = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if texts and id(node) not in documentation | called:
            yield node.value, False


def _command_line(node: ast.AST) -> tuple[list[ast.expr], bool]:
    """The words of `command(…)`; and of one command of a `SafeRemedy`, which is a tuple."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "command":
        return node.args, False
    if isinstance(node, ast.Tuple) and node.elts and getattr(node.elts[0], "value", "") in _OF_TUPLES:
        return node.elts, True
    return [], False


def _of_template(word: ast.expr) -> str:
    if isinstance(word, ast.Constant):
        return quoted(word.value)
    return "{*}" if isinstance(word, ast.Starred) else "{}"


def _commands(template: str) -> Iterator[tuple[int, int]]:
    at = 0
    while begun := _BEGIN.search(template, at):
        at = begun.end()
        if match := _COMMAND.match(template, begun.start()):
            at = match.end()
            yield match.span()


def _pattern(template: str, place: str) -> str:
    """Make the pattern of a template in an output: ` {*}` stands for any number of words, and our commands
    name a configuration where the reader did."""
    named = f"(?: -c {_WORD})?"
    parts = []
    for part in re.split(rf"(\binformativa (?:{_OURS})(?![\w-])| \{{\*\}}|{_PLACE})", template):
        if part == " {*}":
            parts.append(f"(?: {place})*")
        elif re.fullmatch(_PLACE, part):
            parts.append(f"(?:{place})")
        else:
            parts.append(re.escape(part) + (named if part.startswith("informativa ") else ""))
    return "".join(parts)
