"""Looks at sound files that hold no call for longer than they may."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Future

from ..model import ChangedRecording
from ..text import Text
from .recordings import Look, Outcome, Place

LOOK_SECONDS = 2.0  # to read the files of one prompt; some milliseconds on a disk


class GuardedFiles:
    """Looks at the files of each prompt beside all calls, in a thread of its own.

    A read from a network folder that has stalled cannot be interrupted: its thread is left behind, and keeps
    the service from nothing, not even from ending. While it hangs nobody waits for that company's folder.
    """

    def __init__(self, seconds: float = LOOK_SECONDS) -> None:
        self._seconds = seconds
        self._pending: dict[Place, tuple[float, asyncio.Future[Outcome]]] = {}

    async def look(self, place: Place, look: Look) -> Outcome:
        """What `look` comes to; a `ChangedRecording` where that takes too long. Who comes meanwhile for the
        same prompt waits for the same look."""
        now = time.monotonic()
        if place not in self._pending and not self._hangs(place, now):
            self._pending[place] = now, self._started(place, look)
        if place in self._pending:
            began, pending = self._pending[place]
            try:
                return await asyncio.wait_for(asyncio.shield(pending), began + self._seconds - now)
            except TimeoutError:
                pass
        return ChangedRecording(
            Text(
                "{file} cannot be read within {seconds:.0f} s",
                "look at the disk or the network folder that it lies on",
                file=place.folder,
                seconds=self._seconds,
            )
        )

    def _hangs(self, place: Place, now: float) -> bool:
        return any(
            (other.controller, other.folder) == (place.controller, place.folder)
            for other, (began, _pending) in self._pending.items()
            if now - began > self._seconds
        )

    def _started(self, place: Place, look: Look) -> asyncio.Future[Outcome]:
        """The outcome to come. Raises RuntimeError where the system gives no thread."""
        future: Future[Outcome] = Future()
        future.set_running_or_notify_cancel()  # nobody can cancel it
        name = f"files of {place.controller}"
        threading.Thread(target=_settle, args=(future, look), name=name, daemon=True).start()
        pending = asyncio.wrap_future(future)
        pending.add_done_callback(lambda _done: self._pending.pop(place))
        return pending


def _settle(future: Future[Outcome], look: Look) -> None:
    try:
        outcome = look()
    except Exception as error:  # the waiting call's to report
        future.set_exception(error)
    else:
        future.set_result(outcome)
