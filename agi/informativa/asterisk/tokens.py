"""What tells Asterisk from every other program of the machine: the token in the script's name."""

from __future__ import annotations

import hmac
from collections.abc import Sequence


class Tokens:
    """The token that a peer must know, and those before it, until the new one is seen in use.

    Without any, whoever comes is let in: so it is where a configuration names no token.
    """

    def __init__(self, tokens: Sequence[str] = ()) -> None:
        self._accepted: tuple[bytes, ...] = ()
        self._in_use = b""  # the newest that a call came with
        self.load(tokens)

    def load(self, tokens: Sequence[str]) -> None:
        """Take others from now on, the current one first."""
        self._accepted = tuple(token.encode() for token in tokens)
        if self._in_use and self._accepted[:1] == (self._in_use,):
            self._accepted = self._accepted[:1]

    def admit(self, token: bytes) -> bool:
        """Whether a peer that came with it is to be believed, in a time that tells nothing of ours."""
        known = [hmac.compare_digest(token, each) for each in self._accepted]
        return any(known) or not known

    def used(self, token: bytes) -> None:
        """A call came with this one: if it is the current one, the dialplan has it, and those before it are
        accepted no more."""
        if len(self._accepted) > 1 and hmac.compare_digest(token, self._accepted[0]):
            self._in_use = self._accepted[0]
            self._accepted = self._accepted[:1]
