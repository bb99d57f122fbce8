"""Calls as they come: one look a second at a company's ledger, for all who watch it."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from ..errors import LedgerError
from ..model import Controller, Record
from ..operations.records import ALL, Following

EVERY = 1.0  # seconds from one look to the next
OF_ONE = 4  # streams of one account at a time
OF_ALL = 100  # of all: a connection each
_BEHIND = 50  # looks that a browser may be behind before it must come again
_READY = 5.0  # seconds for the first look at a ledger

News = list[Record] | LedgerError | None
"""Records of calls, the oldest first; or why they cannot be read; `None` at the end."""


class Reader:
    """Somebody who watches. What is told from a thread is taken in the loop in which he was made."""

    def __init__(self, account: str) -> None:
        self.account = account
        self._news: asyncio.Queue[News] = asyncio.Queue(_BEHIND)
        self._loop = asyncio.get_running_loop()

    async def wait(self, seconds: float) -> News:
        """What is new; nothing if nothing is, for so long."""
        try:
            async with asyncio.timeout(seconds):
                return await self._news.get()
        except TimeoutError:
            return []

    def tell(self, news: News) -> None:
        """From any thread."""
        with suppress(RuntimeError):  # the loop has ended, and he with it
            self._loop.call_soon_threadsafe(self._put, news)

    def _put(self, news: News) -> None:
        if self._news.full():  # he comes again, and is told from where he was
            self._news.get_nowait()
            news = None
        self._news.put_nowait(news)


@dataclass
class Watch:
    """One company's ledger, while somebody watches it. It is `ready` once it has been looked at: whatever is
    recorded from then on is told."""

    controller: Controller
    readers: list[Reader] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    ready: threading.Event = field(default_factory=threading.Event)

    def begun(self) -> bool:
        """Wait until it is ready."""
        return self.ready.wait(_READY)

    def run(self) -> None:
        """Look until it is over."""
        following = Following([self.controller], ALL, 0, self._tell)
        try:
            while True:
                found = [each.record for each in following.news()]
                if found:
                    self._tell(found)
                self.ready.set()
                if self.over.wait(EVERY):
                    return
        finally:
            following.close()

    def _tell(self, news: News) -> None:
        for reader in list(self.readers):
            reader.tell(news)


class Live:
    """All that is watched in this process."""

    def __init__(self) -> None:
        self._watches: dict[tuple[str, str], Watch] = {}
        self._accounts: Counter[str] = Counter()
        self._closed = False
        self._lock = threading.Lock()

    def full(self, account: str) -> bool:
        """Whether one more of this account is one too many."""
        return self._closed or self._accounts[account] >= OF_ONE or self._accounts.total() >= OF_ALL

    def join(self, controller: Controller, reader: Reader) -> Watch | None:
        """Begin to tell him; `None` where there are too many, or it is over."""
        with self._lock:
            if self.full(reader.account):
                return None
            key = controller.id, controller.ledger
            watch = self._watches.get(key)
            if watch is None:
                watch = self._watches[key] = Watch(controller)
                threading.Thread(target=watch.run, name=f"live {controller.id}", daemon=True).start()
            watch.readers.append(reader)
            self._accounts[reader.account] += 1
            return watch

    def leave(self, watch: Watch, reader: Reader) -> None:
        """Tell him no more; where nobody watches, nobody looks."""
        with self._lock:
            watch.readers.remove(reader)
            self._accounts -= Counter([reader.account])
            if not watch.readers:
                watch.over.set()
                self._watches = {key: each for key, each in self._watches.items() if each is not watch}

    def close(self) -> None:
        """Tell everybody that it is over."""
        with self._lock:
            self._closed = True
            for watch in self._watches.values():
                watch.over.set()
                for reader in watch.readers:
                    reader.tell(None)
