"""New calls for the browsers that watch: one look a second at a company's ledger, however many watch it."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from ..model import Controller, Record
from ..model.errors import LedgerError
from ..operations.records import ALL, RecordFollower

INTERVAL = 1.0  # seconds from one look to the next
PER_ACCOUNT = 4  # streams of one account at a time
IN_ALL = 100  # streams of all accounts: a connection each
_QUEUE_LENGTH = 50  # looks that a browser may be behind before its stream ends
_READY_TIMEOUT = 5.0  # seconds for the first look at a ledger

News = list[Record] | LedgerError | None
"""Records of calls, the oldest first; or the error by which they cannot be read; `None` ends the stream."""


class Subscriber:
    """One browser that watches. Threads put news into its queue; the event loop in which it was made
    reads."""

    def __init__(self, account: str) -> None:
        self.account = account
        self._news: asyncio.Queue[News] = asyncio.Queue(_QUEUE_LENGTH)
        self._loop = asyncio.get_running_loop()

    async def next_news(self, seconds: float) -> News:
        """Return the next news; an empty list if there are none within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                return await self._news.get()
        except TimeoutError:
            return []

    def put(self, news: News) -> None:
        """Put news into the queue, from any thread."""
        with suppress(RuntimeError):  # the event loop has ended
            self._loop.call_soon_threadsafe(self._put, news)

    def _put(self, news: News) -> None:
        if self._news.full():  # the stream ends; the browser's next one begins after its last record
            self._news.get_nowait()
            news = None
        self._news.put_nowait(news)


@dataclass
class LedgerWatch:
    """One company's ledger, while somebody watches it. It is `ready` after the first look: every record from
    then on is sent to the subscribers."""

    controller: Controller
    subscribers: list[Subscriber] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    ready: threading.Event = field(default_factory=threading.Event)

    def wait_ready(self) -> bool:
        """Wait until it is ready, and return whether it is."""
        return self.ready.wait(_READY_TIMEOUT)

    def run(self) -> None:
        """Look at the ledger until it is stopped."""
        following = RecordFollower([self.controller], ALL, 0, self._send)
        try:
            while True:
                records = [entry.record for entry in following.news()]
                if records:
                    self._send(records)
                self.ready.set()
                if self.stopped.wait(INTERVAL):
                    return
        finally:
            following.close()

    def _send(self, news: News) -> None:
        for subscriber in list(self.subscribers):
            subscriber.put(news)


class LiveCalls:
    """All ledgers that are watched in this process."""

    def __init__(self) -> None:
        self._watches: dict[tuple[str, str], LedgerWatch] = {}
        self._accounts: Counter[str] = Counter()
        self._closed = False
        self._lock = threading.Lock()

    def full(self, account: str) -> bool:
        """Return whether there is no room for one more stream of this account."""
        return self._closed or self._accounts[account] >= PER_ACCOUNT or self._accounts.total() >= IN_ALL

    def join(self, controller: Controller, subscriber: Subscriber) -> LedgerWatch | None:
        """Add a subscriber; return `None` if there is no room, or the console is closed."""
        with self._lock:
            if self.full(subscriber.account):
                return None
            key = controller.id, controller.ledger
            watch = self._watches.get(key)
            if watch is None:
                watch = self._watches[key] = LedgerWatch(controller)
                threading.Thread(target=watch.run, name=f"live {controller.id}", daemon=True).start()
            watch.subscribers.append(subscriber)
            self._accounts[subscriber.account] += 1
            return watch

    def leave(self, watch: LedgerWatch, subscriber: Subscriber) -> None:
        """Remove a subscriber; a ledger without subscribers is not looked at any more."""
        with self._lock:
            watch.subscribers.remove(subscriber)
            self._accounts -= Counter([subscriber.account])
            if not watch.subscribers:
                watch.stopped.set()
                self._watches = {key: other for key, other in self._watches.items() if other is not watch}

    def close(self) -> None:
        """End all streams."""
        with self._lock:
            self._closed = True
            for watch in self._watches.values():
                watch.stopped.set()
                for subscriber in watch.subscribers:
                    subscriber.put(None)
