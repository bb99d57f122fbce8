"""What all shapes have in common."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from ...text import Text

SCHEMA: Literal[1] = 1

Time = Annotated[
    datetime,
    PlainSerializer(lambda time: time.isoformat(timespec="milliseconds"), return_type=str),
]
Seconds = Annotated[float, PlainSerializer(lambda seconds: round(seconds, 3), return_type=float)]


class Shape(BaseModel):
    """What all nouns have in common: nothing in them changes, and nothing is in them that is not named."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Document(Shape):
    """What a command prints as a whole, or as one line."""

    shapes: Literal[1] = Field(default=SCHEMA, alias="schema")
    """The version of these shapes."""

    model_config = ConfigDict(populate_by_name=True)

    def text(self, *, indent: int | None = 2, ascii_only: bool = False) -> str:
        """It as JSON, on one line without `indent`."""
        facts = self.model_dump(mode="json", by_alias=True)
        return json.dumps(facts, indent=indent, ensure_ascii=ascii_only)


def said(text: Text) -> str | None:
    """A text in English, if it says anything."""
    return str(text) or None
