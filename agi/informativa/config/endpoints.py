"""Who may reach the service, and how Asterisk is told from whoever else does."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..text import Text
from .controllers import KEY_BYTES, RETIRED
from .document import KeyPath
from .findings import Findings

if TYPE_CHECKING:
    from .schema import ServiceSettings

_TOKEN = re.compile(rf"[0-9a-f]{{{2 * KEY_BYTES}}}")
_LOOPBACK = "127."


class Endpoints:
    """Reads the token and looks at the addresses; notes what is wrong on the way."""

    def __init__(self, given: ServiceSettings, folder: Path, found: Findings) -> None:
        self._given, self._folder, self._found = given, folder, found

    def tokens(self) -> tuple[str, ...]:
        """The current token, and one that `keys rotate --agi` put away and nobody dropped yet."""
        for setting in ("listen", "metrics"):
            self._inside(setting)
        if self._lacks("token"):
            return ()
        if self._given.token is None and self._given.elsewhere:
            message = Text("needs a `token` beside it: the other boxes take no call without the one of all")
            self._found.wrong(("service", "elsewhere"), message)
        if self._given.token is None:
            return ()
        file = self._folder / self._given.token
        old = retired(file)
        for one in old:
            message = Text(
                "{old} is accepted until a call comes with the new one",
                "once the dialplan is reloaded, type: rm {old}",
            )
            self._found.warn(("service", "token"), message.format(old=one))
        found = (self._token(one) for one in (file, *old))
        return tuple(token for token in found if token)

    def _token(self, file: Path) -> str:
        path: KeyPath = ("service", "token")
        make = Text("there is no file {file}", "type: informativa keys rotate --agi -c {config}")
        text = self._found.secret(file, path, partial(make.format, file=file, config=self._found.file))
        if text is None:
            return ""
        if _TOKEN.fullmatch(text.strip()):
            return text.strip()
        message = Text(
            "{file} does not hold a token of {digits} hexadecimal digits",
            "type: mv {file} {file}.aside, and then {next}",
        )
        then = make.format(config=self._found.file).advice
        self._found.wrong(path, message.format(file=file, digits=2 * KEY_BYTES, next=then))
        return ""

    def _inside(self, setting: str) -> None:
        """An address that other machines reach is meant, or it is a mistake."""
        address = getattr(self._given, setting)
        if address is None or address.startswith(_LOOPBACK):
            return
        if self._lacks("token") or self._lacks("exposed"):  # by which it is judged
            return
        port = address.rpartition(":")[2]
        if not self._given.exposed:
            message = Text(
                "{address} can be reached from other machines",
                "write 127.0.0.1:{port}, or if that is meant `exposed: true` beside it",
            )
            self._found.wrong(("service", setting), message.format(address=address, port=port))
        elif setting == "listen" and self._given.token is None:
            message = Text("{address} can be reached from other machines, so it needs a `token` beside it")
            self._found.wrong(("service", setting), message.format(address=address))
        else:
            message = Text(
                "{address} can be reached from other machines", "let a firewall pass only those that must"
            )
            self._found.warn(("service", setting), message.format(address=address))

    def _lacks(self, setting: str) -> bool:
        return self._found.lacks(("service", setting))


def retired(file: Path) -> list[Path]:
    """Tokens that were put away, the newest first."""
    return sorted(file.parent.glob(f"{file.name}{RETIRED}*"), reverse=True)
