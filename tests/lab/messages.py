"""The catalogues of messages, brought up to date with the source: `make messages`.

The templates of the source (`Text`, and `_` and `say` where they are put into words) and what the tree of
commands says go into each language's `informativa.po`; new messages are empty there until somebody translates
them, and those that are gone go. `informativa.mo`, which the program reads, is compiled from it.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import typer
from babel.messages import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from informativa.cli.main import app
from informativa.cli.translated import WORDS, nodes
from informativa.views.messages import DOMAIN, LETTER

SOURCE = Path(__file__).resolve().parents[2] / "agi/informativa"
_OF_LETTERS = frozenset(
    {
        "views/templates/console/letter_body.html",
        "views/console_templates.py",
        "views/times.py",
        "views/choice_sentences.py",
        "views/record_words.py",
        "model/names.py",
    }
)
"""The files with all that a letter says."""
_IN_TEMPLATES = ("say", "counted")
_SPEAKERS = {"Text", "_", "say"}  # take templates, each a message
_MAY_HAVE = re.compile(r"\b(?:Text|_|say|counted)\s*\(")


def main() -> int:
    """Update every catalogue, and say what is left to translate; the exit code."""
    for po in catalogues():
        catalog = read(po)
        update(catalog)
        po.write_bytes(text(catalog))
        po.with_suffix(".mo").write_bytes(compiled(catalog))
        for message in untranslated(catalog):
            print(f"{po}: to be translated: {message.id!r}")
    return 0


def catalogues() -> list[Path]:
    """The .po of each language, and of each in which there are letters alone."""
    return sorted(
        po for name in (DOMAIN, LETTER) for po in SOURCE.glob(f"views/locale/*/LC_MESSAGES/{name}.po")
    )


def read(po: Path) -> Catalog:
    """A catalogue as it is in the repository."""
    with po.open("rb") as opened:
        return read_po(opened, locale=po.parts[-3], domain=po.stem)


def update(catalog: Catalog) -> None:
    """Take in what the source says now. Translations stay, and nothing is guessed."""
    template = Catalog(creation_date=catalog.creation_date)  # a new date would be a change each time
    for message, place in sorted(_marked(), key=lambda pair: (pair[1], str(pair[0]))):
        if catalog.domain == DOMAIN or place in _OF_LETTERS:
            template.add(message, locations=[(place, 0)])
    catalog.update(template, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.last_translator, catalog.msgid_bugs_address = DOMAIN, "CONTRIBUTING.md"


def text(catalog: Catalog) -> bytes:
    """The .po: without line numbers, so that only what is said changes it."""
    written = io.BytesIO()
    write_po(written, catalog, width=110, include_lineno=False, ignore_obsolete=True)
    return written.getvalue()


def compiled(catalog: Catalog) -> bytes:
    """The .mo."""
    written = io.BytesIO()
    write_mo(written, catalog)
    return written.getvalue()


def untranslated(catalog: Catalog) -> list[Message]:
    """Return what somebody must translate."""
    return [message for message in catalog if message.id and (message.fuzzy or not all(strings(message)))]


def strings(message: Message) -> tuple[str, ...]:
    """The translations of one message: several where it says a number."""
    string = message.string
    return tuple(string) if isinstance(string, tuple | list) else (string or "",)


def _marked() -> Iterator[tuple[str | tuple[str, ...], str]]:
    """Every message, and the file that it stands in."""
    for file in sorted(SOURCE.rglob("*.py")):
        source, place = file.read_text(encoding="utf-8"), file.relative_to(SOURCE).as_posix()
        if not _MAY_HAVE.search(source):  # to parse it takes its time
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call):
                yield from ((message, place) for message in _messages(node))
    for file in sorted(SOURCE.glob("views/templates/**/*.html")):
        place = file.relative_to(SOURCE).as_posix()
        with file.open("rb") as opened:
            for _line, _function, message, _comments in babel_extract(opened, _IN_TEMPLATES, [], {}):
                yield from ((part, place) for part in [_in_template(message)] if part)
    for node in nodes(typer.main.get_command(app())):
        for word in WORDS:
            if documentation := getattr(node, word, None):
                yield cleandoc(documentation), "cli/main.py"


def _in_template(message: str | tuple[str | None, ...] | None) -> str | tuple[str, ...]:
    """Return a template's message as babel has it: with `None` for each argument that is no text."""
    if isinstance(message, tuple):
        texts = tuple(one for one in message if one)
        return texts if len(texts) > 1 else "".join(texts)
    return message or ""


def _messages(call: ast.Call) -> Iterator[str | tuple[str, ...]]:
    """The templates that a call has: one, one with its advice, or two for a number."""
    given = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    function = call.func
    if isinstance(function, ast.Name) and function.id in _SPEAKERS:
        yield from (one for one in given if one.count("{") > 1 or re.sub(r"\{[^}]*\}", "", one).strip())
    elif isinstance(function, ast.Attribute) and function.attr == "counted" and len(given) > 1:
        yield (given[0], given[1])


if __name__ == "__main__":
    sys.exit(main())
