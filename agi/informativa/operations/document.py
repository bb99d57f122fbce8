"""Kinds of fields of results: a result is a frozen dataclass which is the JSON document, too, field by field.

A `date`, `Path`, number, enumeration, tuple or mapping is written as pydantic writes it; the kinds below are
written in their own way. A field is `None` where there is nothing to say. The docstring below a field is its
description.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import InstanceOf, PlainSerializer

from ..model.text import Text

Time = Annotated[
    datetime, PlainSerializer(lambda time: time.isoformat(timespec="milliseconds"), return_type=str)
]
"""A time, in JSON as ISO 8601 with its offset, to a millisecond."""

Seconds = Annotated[float, PlainSerializer(lambda seconds: round(seconds, 3), return_type=float)]
"""Seconds, in JSON to a millisecond."""

Sentence = Annotated[Text, InstanceOf(), PlainSerializer(str, return_type=str)]
"""A text, in JSON in English."""

OptionalSentence = Annotated[
    Text, InstanceOf(), PlainSerializer(lambda text: str(text) or None, return_type=str | None)
]
"""A text that may be empty, in JSON in English or null."""

AbsolutePath = Annotated[Path, PlainSerializer(lambda path: str(path.absolute()), return_type=str)]
"""A path as somebody typed it, in JSON from the root on."""
