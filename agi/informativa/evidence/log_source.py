"""The published files of one log, at a web address or in a folder, as whoever serves them gives them.

Nothing that is read here is verified, and whoever serves it may be an attacker: every file has a largest
size, every request a longest time, and no redirect and no link is followed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from ..model.errors import ElsewhereError
from ..model.text import Text
from ..system import files
from .encoding import log_origin
from .http import HttpClient
from .log_folder import failing
from .publishing import folder_of
from .targets import FolderTarget

AT_ONCE = 8  # connections to one server
LARGEST_CHECKPOINT = 131_072  # bytes: more signatures than any log has
_WEB = ("https://", "http://")


class LogSource(Protocol):
    """A place that has a published log."""

    name: str

    def read(self, path: str, largest: int) -> bytes | None:
        """Return a file of at most `largest` bytes, or `None` if there is none. Raises ElsewhereError."""

    def read_all(self, paths: Sequence[str], largest: int) -> Iterator[bytes | None]:
        """Yield files in that order, read some at a time."""

    def close(self) -> None:
        """Close the source, once."""


class FolderSource:
    """A folder of this machine with a log's files in it. Others may write there: no link is followed."""

    def __init__(self, folder: Path) -> None:
        self.name, self._target = str(folder), FolderTarget(folder)
        self._folder = folder

    def read(self, path: str, largest: int) -> bytes | None:
        self._target.begin()
        file = self._folder / path
        if any(folder.is_symlink() for folder in file.parents[: path.count("/")]):
            raise ElsewhereError(Text("{file} is behind a link, and none is followed.", file=file))
        with failing(file):
            try:
                content = files.read_foreign(file, largest + 1)
            except (FileNotFoundError, NotADirectoryError):
                return None
        if content is None or len(content) > largest:
            raise ElsewhereError(
                Text("{file} is no file of at most {limit} bytes.", file=file, limit=largest)
            )
        return content

    def read_all(self, paths: Sequence[str], largest: int) -> Iterator[bytes | None]:
        return (self.read(path, largest) for path in paths)

    def close(self) -> None:
        pass


class WebSource:
    """A web address below which a log's files are."""

    def __init__(self, url: str) -> None:
        self.name = url.rstrip("/")
        self._own = threading.local()
        self._clients: list[HttpClient] = []
        self._threads: ThreadPoolExecutor | None = None

    def read(self, path: str, largest: int) -> bytes | None:
        client = getattr(self._own, "client", None)
        if client is None:
            client = self._own.client = HttpClient(self.name)
            self._clients.append(client)
        answer = client.request("GET", f"/{path}", headers={"Cache-Control": "no-cache"}, largest=largest)
        if answer.status in (404, 410):
            return None
        if answer.status != 200:
            raise ElsewhereError(
                Text(
                    "{url} answered with status {status}",
                    "it is asked again",
                    url=f"{self.name}/{path}",
                    status=answer.status,
                )
            )
        return answer.body

    def read_all(self, paths: Sequence[str], largest: int) -> Iterator[bytes | None]:
        if len(paths) == 1:
            return iter([self.read(paths[0], largest)])
        if self._threads is None:
            self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="log source")
        return self._threads.map(lambda path: self.read(path, largest), paths)

    def close(self) -> None:
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
        for client in self._clients:
            client.close()


def log_source(origin: str, url: str, published: str) -> LogSource:
    """Return the source of a log: its own address, or else its folder below the place `published`, where
    `informativa evidence publish` puts it. Raises EvidenceFormatError for the origin of another program's
    log, and ElsewhereError if no place is known."""
    place = url or published
    if not place:
        raise ElsewhereError(
            Text(
                "Nobody says where the log {origin} is published",
                "write its address behind its key in the policy, or type --published PLACE",
                origin=log_origin(origin),
            )
        )
    if not place.startswith(_WEB) and (url or "://" in place):
        raise ElsewhereError(
            Text("{place} is no address of a log, such as https://proof.example/log", place=place)
        )
    below = "" if url else f"/{folder_of(log_origin(origin))}"
    address = place.rstrip("/") + below
    return WebSource(address) if place.startswith(_WEB) else FolderSource(Path(address))


def url_of_next(url: str, origin: str, successor: str) -> str:
    """Return the address of the log that follows one at `url`: the same with the last part of its origin, if
    both are epochs of one log and the address ends like the origin; else ''."""
    log, _, epoch = origin.rpartition("/")
    next_log, _, next_epoch = successor.rpartition("/")
    prefix, _, last = url.rstrip("/").rpartition("/")
    return f"{prefix}/{next_epoch}" if url and log == next_log and last == epoch else ""
