"""The language of whoever types commands, as in `_("There is no folder {folder}.", folder=folder)`."""

from __future__ import annotations

import gettext
import os
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from ..config import DEFAULT_FILE
from ..model.text import command
from ..views.messages import DOMAIN, Language, of_environment

ON_A_CONFIGURATION = (
    "backup list", "backup make", "caller erase", "caller show",
    "check", "consent export", "consent hook", "consent import",
    "controllers", "dialplan", "dialplan install",
    "doctor", "evidence approval", "evidence audit", "evidence bundle", "evidence checkpoint",
    "evidence compare", "evidence key", "evidence publish", "evidence receipt", "evidence sequence",
    "explain", "import",
    "keys make", "keys rotate", "ledger restore", "ledger show",
    "notices add", "outsourcing-worksheet", "prompts add", "prompts build",
    "prompts install", "prompts play", "purge", "record", "reload", "report", "restore", "serve", "status",
    "systemd", "tail", "test-call", "web", "web accounts",
    "web grant", "web invite", "web log", "web log-out", "web remove",
)  # fmt: skip
"""The commands that take `-c`. Known beforehand: to look at all of them takes longer than most take."""
_TYPED = re.compile(
    rf"(?<!`)\binformativa (?:{'|'.join(sorted(ON_A_CONFIGURATION, reverse=True))})(?![\w-])(?![^`;]* -c )"
)
_ON_ANOTHER_MACHINE = "there: informativa"


class _Reader(Language):
    """English until somebody is asked. Where he named a configuration, so do the commands that he is told to
    type: as they stand in messages they would be of the usual one."""

    _file: Path | None = None

    def gettext(self, message: str) -> str:
        template = super().gettext(message)
        if self._file is None or _ON_ANOTHER_MACHINE in message:
            return template
        option = command("-c", self._file)
        if {*"{}"} & {*option}:  # which mean something in a template
            return template
        return _TYPED.sub(lambda typed: f"{typed[0]} {option}", template)

    def name(self, file: Path | None) -> Path | None:
        """Remember the configuration that somebody named, for the commands in messages."""
        usual = os.environ.get("INFORMATIVA_CONFIG") or DEFAULT_FILE
        if file is not None:
            self._file = None if file == Path(usual) else file
        return file

    def speak(self, environment: Mapping[str, str] = os.environ) -> None:
        """Speak the language of this locale from now on."""
        self._catalogue = of_environment(environment)._catalogue
        self._file = None
        gettext.textdomain("messages")
        if self._catalogue:  # typer asks gettext itself for most of its words
            with resources.as_file(resources.files("informativa") / "views/locale") as folder:
                gettext.bindtextdomain(DOMAIN, str(folder))
            gettext.textdomain(DOMAIN)


_ = _Reader()
