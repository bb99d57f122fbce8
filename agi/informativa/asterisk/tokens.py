"""The token in the script's name, by which Asterisk is told from every other program of the machine."""

from __future__ import annotations

import hmac
from collections.abc import Sequence


class Tokens:
    """The token that a peer must know, and older ones until the new one is seen in use.

    Without any token every peer is let in: for configurations that name none.
    """

    def __init__(self, tokens: Sequence[str] = ()) -> None:
        self._accepted: tuple[bytes, ...] = ()
        self._in_use = b""  # the newest token of a call
        self.load(tokens)

    def load(self, tokens: Sequence[str]) -> None:
        """Replace the tokens, the current one first."""
        self._accepted = tuple(token.encode() for token in tokens)
        if self._in_use and self._accepted[:1] == (self._in_use,):
            self._accepted = self._accepted[:1]

    def admit(self, token: bytes) -> bool:
        """Return whether a peer with this token is to be let in, in a time that reveals nothing of ours."""
        matches = [hmac.compare_digest(token, accepted) for accepted in self._accepted]
        return any(matches) or not matches

    def used(self, token: bytes) -> None:
        """Note that a call came with this token. If it is the current one, the dialplan has it, and older
        ones are accepted no more."""
        if len(self._accepted) > 1 and hmac.compare_digest(token, self._accepted[0]):
            self._in_use = self._accepted[0]
            self._accepted = self._accepted[:1]
