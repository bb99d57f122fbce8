"""The formats of informativa.yaml. A file names its own (`format`), or is of the first.

A program takes every format up to its newest, and refuses a newer one in a sentence: an unknown setting would
be reported as a mistake, or ignored. The differences between formats are in upgrading.py.
"""

from __future__ import annotations

from ..model.errors import ConfigError
from ..model.text import Text
from .document import SourceDocument

KEY = "format"
FIRST = 1  # of informativa 0.1, in which no file said so
NEWEST = 2


def refuse_newer(document: SourceDocument) -> None:
    """Raise ConfigError for a file of a newer informativa, before each unknown setting in it is reported."""
    number = str(document.data.get(KEY, FIRST))
    if number.isdecimal() and int(number) > NEWEST:
        message = Text(
            "is {said}: of a newer informativa than this one, which knows formats up to {newest}",
            "upgrade informativa, or take the file that belonged to this one",
            said=number,
            newest=NEWEST,
        )
        raise ConfigError([document.problem((KEY,), message)])
