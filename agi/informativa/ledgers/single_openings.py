"""One opening of a ledger for all that is read of it for one page, or for all facts that a command needs:
SQLite reads the whole schema at each, which takes longer than most of what is asked then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, Protocol, TypeVar


class Closable(Protocol):
    """Something that is open."""

    def close(self) -> Any:
        """Close it."""


Opened = TypeVar("Opened", bound=Closable)
_thread = threading.local()


@contextmanager
def single_openings() -> Iterator[None]:
    """Within the context, and in this thread, whatever `open_once` opens stays open for the next that asks
    for it; at the end all is closed."""
    if getattr(_thread, "files", None) is not None:
        yield
        return
    files: dict[Hashable, Closable] = {}
    _thread.files = files
    try:
        yield
    finally:
        _thread.files = None
        for file in files.values():
            with suppress(Exception):  # it was only read
                file.close()


@contextmanager
def open_once(key: Hashable, opening: Callable[[], Opened]) -> Iterator[Opened]:
    """Yield what is open under a key, or open it; outside `single_openings` for the context alone. After an
    error the next one opens it anew."""
    files: dict[Hashable, Opened] | None = getattr(_thread, "files", None)
    if files is None:
        with closing(opening()) as file:
            yield file
        return
    file = files.get(key) or opening()
    files[key] = file
    try:
        yield file
    except BaseException:
        if files.pop(key, None) is not None:
            file.close()
        raise
