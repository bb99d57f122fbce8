"""A connection to a database that answers each statement by a list of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

Rows = Sequence[tuple[object, ...]]


class Answer(list[tuple[object, ...]]):
    """The rows of a statement, as a cursor has them."""

    @property
    def rowcount(self) -> int:
        """Their number."""
        return len(self)

    def fetchall(self) -> list[tuple[object, ...]]:
        """Return all of them."""
        return [*self]

    def fetchone(self) -> tuple[object, ...] | None:
        """Return the first one."""
        return self[0] if self else None


class Answering:
    """A connection for company 7; `asked` has each statement with its values, in order, and each beginning
    and end of a transaction."""

    company = 7

    def __init__(self, rows: Mapping[str, Rows] | None = None) -> None:
        self.rows = {**(rows or {})}
        self.asked: list[object] = []
        self.closed, self.companies = False, dict[str, int]()

    def execute(self, query: str, values: object = None, *, binary: bool = False) -> Answer:
        """Answer a statement."""
        self.asked.append((query, values))
        return Answer(self.rows.get(query, ()))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Note what is done in one transaction."""
        self.asked.append("begin")
        yield
        self.asked.append("commit")

    @contextmanager
    def pipeline(self) -> Iterator[Answering]:
        """Answer at once."""
        yield self

    def sync(self) -> None:
        """Wait for all answers, which are there."""

    def close(self) -> None:
        """Close it."""
        self.closed = True

    def __enter__(self) -> Answering:
        return self

    def __exit__(self, *_error: object) -> None:
        self.closed = True
