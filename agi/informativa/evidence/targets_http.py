"""Publishing to a web address below which files are written (PUT) and read (GET)."""

from __future__ import annotations

from ..model.errors import ElsewhereError
from ..model.text import Text
from .http import HttpAnswer, HttpClient


class HttpTarget:
    """One address, over a persistent connection. Nothing is ever deleted there."""

    def __init__(self, url: str, token: str = "", http: HttpClient | None = None) -> None:
        self._url = url
        self._http = http or HttpClient(url, url, token)

    @property
    def name(self) -> str:
        return self._url

    def begin(self) -> None:
        pass

    def read(self, path: str) -> bytes | None:
        answer = self._http.request("GET", f"/{path}", headers={"Cache-Control": "no-cache"})
        if answer.status in (404, 410):
            return None
        if answer.status != 200:
            raise self._refused("GET", path, answer)
        return answer.body

    def names(self, folder: str) -> list[str]:
        return []

    def write(self, path: str, data: bytes) -> None:
        headers = {"Content-Type": "application/octet-stream"}
        answer = self._http.request("PUT", f"/{path}", data, headers)
        if answer.status not in (200, 201, 204):
            raise self._refused("PUT", path, answer)

    def drop(self, folder: str) -> None:
        pass

    def finish(self) -> None:
        pass

    def close(self) -> None:
        self._http.close()

    def _refused(self, method: str, path: str, answer: HttpAnswer) -> ElsewhereError:
        return ElsewhereError(
            Text(
                "{url} answered {method} with status {status}",
                "look at its token, and what may be written there; it is tried again",
                url=f"{self._url}/{path}",
                method=method,
                status=answer.status,
            )
        )
