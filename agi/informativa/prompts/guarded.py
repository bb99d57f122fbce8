"""Looks at sound files that delay no call for longer than allowed."""

from __future__ import annotations

import asyncio
import time

from ..model import ChangedRecording
from ..system.patience import stalled, start_in_thread
from .recordings import Look, PromptKey, PromptLook

LOOK_SECONDS = 2.0  # to read the files of one prompt; some milliseconds on a disk


class GuardedFiles:
    """Look at the files of each prompt beside all calls, in a thread of its own. While a folder hangs, nobody
    waits for other prompts of that company in it."""

    def __init__(self, seconds: float = LOOK_SECONDS) -> None:
        self._seconds = seconds
        self._pending: dict[PromptKey, tuple[float, asyncio.Future[PromptLook]]] = {}

    async def look(self, place: PromptKey, look: Look) -> PromptLook:
        """Return the result of `look`, or a `ChangedRecording` if it takes too long. Other calls for the same
        prompt wait for the same look. Raises the exceptions of `look`."""
        now = time.monotonic()
        if place not in self._pending and not self._hangs(place, now):
            future = asyncio.wrap_future(start_in_thread(look))
            future.add_done_callback(lambda _future: self._pending.pop(place))
            self._pending[place] = now, future
        if place in self._pending:
            began, future = self._pending[place]
            try:
                return await asyncio.wait_for(asyncio.shield(future), began + self._seconds - now)
            except TimeoutError:
                pass
        return ChangedRecording(stalled(place.folder, self._seconds))

    def _hangs(self, place: PromptKey, now: float) -> bool:
        return any(
            (pending.controller, pending.folder) == (place.controller, place.folder)
            for pending, (began, _future) in self._pending.items()
            if now - began > self._seconds
        )
