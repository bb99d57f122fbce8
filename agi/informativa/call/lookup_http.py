"""An HTTP GET whose answer is JSON of limited size."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ..model import Identified, Lookup
from ..model.errors import LookupSourceError
from ..model.text import Text
from ..system.http import PersistentConnection

LONGEST = 65_536  # bytes of an answer


class HttpLookup:
    """Asks `lookup.question`, a URL. One per thread."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._connection = PersistentConnection(lookup.seconds)
        self._headers = {"Accept": "application/json"}
        if lookup.token:
            self._headers["Authorization"] = f"Bearer {lookup.token}"

    def __call__(self, caller: Identified) -> Sequence[Mapping[str, Any]]:
        """Return the JSON object of the answer. Empty for 404, and for an object whose `informed` is
        false.

        Raises LookupSourceError for any other status, and for an object that does not say `informed`;
        urllib3's and json's errors too.
        """
        number = quote(caller.number, safe="")
        url = self._lookup.question.replace("{number}", number).replace("{customer}", number)
        try:
            status, body = self._get(url)
        except BaseException:
            self._connection.close()
            raise
        if status == 404:
            return []
        if status != 200 or len(body) > LONGEST:
            raise LookupSourceError(
                Text("The look-up {id} answered with status {status}.", id=self._lookup.id, status=status)
            )
        answer = json.loads(body, object_pairs_hook=self._unique_names)
        if not isinstance(answer, dict) or not isinstance(answer.get("informed"), bool):
            raise LookupSourceError(
                Text("The look-up {id} did not answer with `informed` true or false.", id=self._lookup.id)
            )
        return [answer] if answer["informed"] else []

    def _unique_names(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Return an object of which each name comes once. Raises LookupSourceError for one that contradicts
        itself."""
        if len(members := dict(pairs)) < len(pairs):
            raise LookupSourceError(
                Text("The look-up {id} answered with a name that comes twice.", id=self._lookup.id)
            )
        return members

    def cut(self) -> None:
        """End the question that is being asked, from the thread that waits for its answer, when the time is
        over. It fails then, as does every later one."""
        self._connection.cut()

    def _get(self, url: str) -> tuple[int, bytes]:
        response = self._connection.request("GET", url, self._headers)
        body = response.read(LONGEST + 1)
        if len(body) > LONGEST:
            self._connection.close()
        return response.status, body
