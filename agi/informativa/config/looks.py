"""Looks at files that may never answer, as on a network folder that has stalled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ..prompts.mounts import mount_behind, remote_mounts

Result = TypeVar("Result")
LOOK_SECONDS = 5.0  # for the file or the few files of one setting; some milliseconds on a disk


class StalledError(TimeoutError):
    """A file did not answer in time, or lies where another one did not."""


class Looks:
    """Looks for so many seconds at most. Where one did not answer nothing else is looked at: on a remote file
    system as a whole, elsewhere in what the same company has in the same folder.

    Without a number of seconds it looks for as long as it takes: for a script, which bounds itself.
    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds or 0.0
        self._stalled: set[str] = set()
        self._remote = remote_mounts() if seconds else ()

    def look(self, company: str, file: Path, work: Callable[[], Result]) -> Result:
        """Give what some work on a company's file comes to. Raises what it raises, and StalledError."""
        if not self.seconds:
            return work()
        from ..patience import begun  # not for a script

        place = mount_behind(file, self._remote) or f"{company} {file.parent}"
        if place in self._stalled:
            raise StalledError
        look = begun(work)
        try:
            return look.result(self.seconds)
        except TimeoutError:
            if look.done():  # what the system says of a server that it gave up
                raise
            self._stalled.add(place)
            raise StalledError from None
