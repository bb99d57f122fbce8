"""An HTTP GET whose answer is JSON: over kept connections, no redirects, no proxies, and little of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import urllib3

from ..errors import RegisterError
from ..i18n import _
from ..model import Identified, Lookup

LONGEST = 65_536  # bytes of an answer


class HttpRegister:
    """Asks `lookup.question`, a URL. One per thread."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._pool = urllib3.PoolManager(retries=False, timeout=lookup.seconds)
        self._headers = {"Accept": "application/json"}
        if lookup.token:
            self._headers["Authorization"] = f"Bearer {lookup.token}"

    def __call__(self, caller: Identified) -> Sequence[Mapping[str, Any]]:
        """The JSON object of the answer. Nothing for 404, and for an object whose `informed` is false.

        Raises RegisterError for any other status, and for an object that does not say `informed`;
        urllib3's and json's errors too.
        """
        number = quote(caller.number, safe="")
        url = self._lookup.question.replace("{number}", number).replace("{customer}", number)
        response = self._pool.request(
            "GET", url, headers=self._headers, redirect=False, preload_content=False
        )
        try:
            body = response.read(LONGEST + 1)
        finally:
            response.release_conn()
        if response.status == 404:
            return []
        if response.status != 200 or len(body) > LONGEST:
            raise RegisterError(
                _("The look-up {id} answered with status {status}.").format(
                    id=self._lookup.id, status=response.status
                )
            )
        answer = json.loads(body)
        if not isinstance(answer, dict) or not isinstance(answer.get("informed"), bool):
            raise RegisterError(
                _("The look-up {id} did not answer with `informed` true or false.").format(id=self._lookup.id)
            )
        return [answer] if answer["informed"] else []
