"""The tree of commands as typer has built it, with its help in the reader's language.

Texts of commands and options stand at their declarations, unmarked; they are found and translated here.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

import typer

from .words import _

WORDS = ("help", "short_help", "epilog", "metavar", "options_metavar", "subcommand_metavar")
"""The attributes of a command, an option or an argument that a person reads."""


def command(app: typer.Typer) -> Any:
    """Return the commands that `app` declares, translated and ready to be called."""
    built = typer.main.get_command(app)
    if _.translates:
        for node in nodes(built):
            for word in WORDS:
                if text := getattr(node, word, None):
                    setattr(node, word, _(cleandoc(text)))
            if hasattr(node, "get_usage"):
                node.get_usage = _usage(node.get_usage)
    return built


def nodes(root: Any, above: Any = None) -> Iterator[Any]:
    """A command with its options and arguments, and all commands below it."""
    context = typer.Context(root, parent=above, **root.context_settings)
    yield root
    yield from root.params
    if help_option := root.get_help_option(context):  # made once, with the names that the context says
        yield help_option
    for below in getattr(root, "commands", {}).values():
        yield from nodes(below, context)


def _usage(original: Any) -> Any:
    return lambda context: original(context).replace("Usage: ", _("Usage: "), 1)
