"""The client of a company's hook: each message is one POST of bounded time.

Of an answer only its status is used: nobody waits for a content that is long or comes slowly.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import datetime
from http.client import HTTPException
from typing import TYPE_CHECKING

from ..call.webhook import headers
from ..model.hooks import Hook, HookReply

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from ..system.http import PersistentConnection

_LONGEST_READ = 4096  # bytes of an answer's content; after a longer one the connection is not used again
_LONGEST_PAUSE = 3600  # seconds that a receiver may ask for


class HookClient:
    """A client of one hook, for one thread at a time. It follows no redirect."""

    def __init__(self, hook: Hook) -> None:
        self.hook = hook
        self._connection: PersistentConnection | None = None

    def send(self, message_id: str, body: bytes, now: datetime) -> HookReply:
        """Send a message, and return the reply. All of it takes no longer than the hook's time limit."""
        from urllib3.exceptions import HTTPError  # imported late: few companies have a hook

        from ..system.http import PersistentConnection

        connection = self._connection = self._connection or PersistentConnection(self.hook.seconds)
        timer = threading.Timer(self.hook.seconds, connection.cut)
        timer.daemon = True
        timer.start()
        try:
            response = connection.request(
                "POST", self.hook.url, headers(self.hook.secret, message_id, body, now), body
            )
            if connection.was_cut:  # a head that was cut off looks like one that ended
                raise TimeoutError
            reply = HookReply(response.status, retry_after=_pause(response))
            if not _is_read(response) or connection.was_cut:
                self.close()
            return reply
        except (OSError, HTTPError, HTTPException, ValueError) as error:
            was_cut = connection.was_cut
            self.close()
            return HookReply(0, "timed out" if was_cut else _reason(error))
        finally:
            timer.cancel()

    def close(self) -> None:
        """Close the connection. A later message opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _is_read(response: BaseHTTPResponse) -> bool:
    """Read the answer's content if it is short. Return whether the connection can be used again."""
    if response.headers.get("Connection", "").lower() == "close":
        return False
    length = response.headers.get("Content-Length", "0" if response.status == 204 else "")
    if not (length.isascii() and length.isdigit() and int(length) <= _LONGEST_READ):
        return False
    with suppress(Exception):  # the status is known, and that is all that counts
        response.read(_LONGEST_READ, decode_content=False)
        return True
    return False


def _pause(response: BaseHTTPResponse) -> float:
    """Return the seconds for which a receiver asks to be left in peace, as far as it gives a number."""
    text = response.headers.get("Retry-After", "")
    return float(min(int(text), _LONGEST_PAUSE)) if text.isascii() and text.isdigit() else 0.0


def _reason(error: Exception) -> str:
    """Return why there was no answer, in the system's words; never with the address, which may be secret."""
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    if isinstance(cause, TimeoutError):
        return "timed out"
    return str(getattr(cause, "strerror", None) or type(error).__name__)
