"""Remedies that `informativa doctor --fix` may run: commands by which nothing is lost."""

from __future__ import annotations

from enum import Enum

from .text import Text, command

COMMANDS = Text("{commands}")
"""The words of a remedy that consists of its commands."""


class SafeChange(Enum):
    """The changes that such commands make: a subject, and why the change is safe. None deletes a record or a
    key, gives the configuration another meaning, or decides what callers hear."""

    RIGHTS = (
        Text("rights or owners of files"),
        Text("No content changes, and they can be given back."),
    )
    FOLDER = Text("a new folder"), Text("It is empty, and can be removed.")
    CACHE = (
        Text("a copy of the configuration for scripts"),
        Text("It is made from the configuration, and only saves time."),
    )
    BACKUP = (
        Text("a new backup"),
        Text("Backups whose time is over are deleted, as every night; all else stays."),
    )
    CHECKPOINT = (
        Text("a new checkpoint of a log"),
        Text("It signs what is on record, as the service does every minute."),
    )
    PUBLISHING = (
        Text("the published copies of a log"),
        Text("They are only extended by what is signed already."),
    )
    SERVICE = (
        Text("the running service"),
        Text("Calls in progress end in good order; meanwhile the script answers."),
    )
    UNIT = (
        Text("systemd's unit of the service"),
        Text("There was none, or it was not enabled; it can be disabled again."),
    )
    DIALPLAN = (
        Text("informativa's file in Asterisk's folder, and the dialplan that Asterisk has loaded"),
        Text("Of Asterisk's files informativa writes its own alone; Asterisk reads all of them anew."),
    )

    def __init__(self, subject: Text, reason: Text) -> None:
        self.subject, self.reason = subject, reason


class SafeRemedy(Text):
    """A remedy with its commands, each as words of a command line: in the text they stand as `{commands}`.

    Root may run them; with `owner` also the user whose that file or folder is.
    """

    __slots__ = ("change", "commands", "owner")

    def __init__(
        self,
        change: SafeChange,
        *commands: tuple[object, ...],
        owner: object = None,
        words: Text = COMMANDS,
    ) -> None:
        lines = "; ".join(command(*line) for line in commands)
        super().__init__(words.template, **{**words.arguments, "commands": lines})
        self.change = change
        self.commands = tuple(tuple(str(word) for word in line) for line in commands)
        self.owner = str(owner or "")

    @property
    def as_words(self) -> Text:
        """Return the same text for a person alone to act on."""
        return Text(self.template, **self.arguments)
