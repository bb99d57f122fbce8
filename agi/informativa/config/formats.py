"""Which formats of informativa.yaml there are. A file says its own (`format`), or is of the first.

A program takes every format up to its newest, and refuses a newer one in a sentence: what it does not know it
would take for a mistake, or for nothing. What one format has that the one before had not is in upgrading.py.
"""

from __future__ import annotations

from ..errors import ConfigError
from ..text import Text
from .document import Document

KEY = "format"
FIRST = 1  # of informativa 0.1, in which no file said so
NEWEST = 2


def refuse_newer(document: Document) -> None:
    """Raises ConfigError for a file of a newer informativa, before all that is unknown in it is told."""
    said = str(document.data.get(KEY, FIRST))
    if said.isdecimal() and int(said) > NEWEST:
        message = Text(
            "is {said}: of a newer informativa than this one, which knows formats up to {newest}",
            "upgrade informativa, or take the file that belonged to this one",
            said=said,
            newest=NEWEST,
        )
        raise ConfigError([document.problem((KEY,), message)])
