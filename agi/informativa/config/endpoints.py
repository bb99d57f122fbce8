"""The addresses of the service, and the token by which it recognises Asterisk."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..model.text import Text
from .controllers import KEY_BYTES, RETIRED
from .document import KeyPath
from .findings import Findings

if TYPE_CHECKING:
    from .schema import ServiceSettings

_TOKEN = re.compile(rf"[0-9a-f]{{{2 * KEY_BYTES}}}")
_LOOPBACK = "127."
DEFAULT_TOKEN = "keys/agi.token"  # noqa: S105  # its place, not its value


class Endpoints:
    """A reader of the token and a check of the addresses; problems are noted on the way."""

    def __init__(self, settings: ServiceSettings, folder: Path, findings: Findings) -> None:
        self._settings, self._folder, self._findings = settings, folder, findings

    def tokens(self) -> tuple[str, ...]:
        """Return the current token, and retired ones that `keys rotate --agi` left and nobody deleted yet."""
        for setting in ("listen", "metrics"):
            self._check_address(setting)
        if self._lacks("token"):
            return ()
        if self._settings.token is None and self._settings.elsewhere:
            message = Text("needs a `token` beside it: other machines take no call without the one of all")
            self._findings.add_problem(("service", "elsewhere"), message)
        if self._settings.token is None:
            self._warn_of_no_token()
            return ()
        file = self._folder / self._settings.token
        old = retired(file)
        for old_file in old:
            message = Text(
                "{old} is accepted until a call comes with the new one",
                "once the dialplan is reloaded, type: rm {old}",
            )
            self._findings.add_warning(("service", "token"), message.format(old=old_file))
        tokens = (self._token(token_file) for token_file in (file, *old))
        return tuple(token for token in tokens if token)

    def _warn_of_no_token(self) -> None:
        if not self._findings.misspelt(("service", "token")):
            message = Text(
                "names no `token`, so any program of this machine is taken for Asterisk",
                "write `token: {token}` under it, then type: informativa keys rotate --agi -c {file}",
            )
            self._findings.add_warning(
                ("service",), message.format(token=DEFAULT_TOKEN, file=self._findings.file)
            )

    def _token(self, file: Path) -> str:
        path: KeyPath = ("service", "token")
        make = Text("there is no file {file}", "type: informativa keys rotate --agi -c {config}")
        text = self._findings.secret(file, path, partial(make.format, file=file, config=self._findings.file))
        if text is None:
            return ""
        if _TOKEN.fullmatch(text.strip()):
            return text.strip()
        message = Text(
            "{file} does not hold a token of {digits} hexadecimal digits",
            "type: mv {file} {file}.aside, and then {next}",
        )
        then = make.format(config=self._findings.file).advice
        self._findings.add_problem(path, message.format(file=file, digits=2 * KEY_BYTES, next=then))
        return ""

    def _check_address(self, setting: str) -> None:
        """Note a problem for an address that other machines reach, unless a setting says that this is
        intended."""
        address = getattr(self._settings, setting)
        if address is None or address.startswith(_LOOPBACK):
            return
        if self._lacks("token") or self._lacks("exposed"):  # the check depends on both
            return
        port = address.rpartition(":")[2]
        if not self._settings.exposed:
            message = Text(
                "{address} can be reached from other machines",
                "write 127.0.0.1:{port}, or if that is meant `exposed: true` beside it",
            )
            self._findings.add_problem(("service", setting), message.format(address=address, port=port))
        elif setting == "listen" and self._settings.token is None:
            message = Text("{address} can be reached from other machines, so it needs a `token` beside it")
            self._findings.add_problem(("service", setting), message.format(address=address))
        else:
            message = Text(
                "{address} can be reached from other machines", "let a firewall pass only those that must"
            )
            self._findings.add_warning(("service", setting), message.format(address=address))

    def _lacks(self, setting: str) -> bool:
        return self._findings.lacks(("service", setting))


def retired(file: Path) -> list[Path]:
    """Return the token files that were retired, the newest first."""
    return sorted(file.parent.glob(f"{file.name}{RETIRED}*"), reverse=True)
