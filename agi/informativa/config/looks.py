"""Reading of files that may never answer, as on a network folder that has stalled."""

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
    """A reader with a time limit. Where one file did not answer no other is read: on a remote file system as
    a whole, elsewhere among the files of the same company in the same folder.

    Without a number of seconds it reads for as long as it takes: for a script, which bounds itself.
    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds or 0.0
        self._stalled: set[str] = set()
        self._remote = remote_mounts() if seconds else ()

    def anew(self) -> Looks:
        """Return a reader with the same limit, to which no file has failed to answer yet."""
        looks = Looks(None)
        looks.seconds, looks._remote = self.seconds, self._remote
        return looks

    def look(self, company: str, file: Path, work: Callable[[], Result]) -> Result:
        """Return the result of `work` on a company's file. Raises its exceptions, and StalledError."""
        if not self.seconds:
            return work()
        from ..system.patience import start_in_thread  # not for a script

        place = mount_behind(file, self._remote) or f"{company} {file.parent}"
        if place in self._stalled:
            raise StalledError
        look = start_in_thread(work)
        try:
            return look.result(self.seconds)
        except TimeoutError:
            if look.done():  # an error of the system itself: it gave the server up
                raise
            self._stalled.add(place)
            raise StalledError from None
