"""How informativa's dialplan stands in Asterisk's folder."""

from __future__ import annotations

from ...asterisk import extensions_conf
from ...operations import dialplan, dialplan_install
from .shapes import Document, Shape


class SourceLine(Shape):
    """A line of a file."""

    file: str
    """Its path."""
    line: int
    """Counted from 1."""

    @classmethod
    def of(cls, place: extensions_conf.SourceLine) -> SourceLine:
        """Where it is."""
        return cls(file=str(place.file), line=place.line)


class CustomDestination(Shape):
    """What to enter in FreePBX, under Admin, Custom Destinations."""

    target: str
    """Its Target."""
    returns: bool
    """Its Return: whether the call then goes on to the destination named there."""


class DialplanInstalled(Document):
    """How informativa's file in Asterisk's folder stands, and what is left to do."""

    file: str
    """Where it is, or would be."""
    written: bool
    """Whether it was written now."""
    up_to_date: bool
    """Whether it is now as the configuration wants it."""
    owner: str | None
    """Whose it is: user and group, as chown writes them; nothing where there is no file yet."""
    custom_destination: CustomDestination | None
    """What to enter in FreePBX, where that is found or was named."""
    add_to: str
    """The file that the line which includes it belongs into."""
    add: str | None
    """What is to be added at the end of that."""
    included: list[SourceLine]
    """Where Asterisk's files include it."""
    commented_out: list[SourceLine]
    """Where they do so in a comment."""
    called: list[SourceLine]
    """Where they call it."""
    warnings: list[str]
    """What keeps it from working as it should."""
    next: list[str]
    """What to type then, in this order."""

    @classmethod
    def of(cls, done: dialplan_install.Installed) -> DialplanInstalled:
        """As it was done."""
        target = CustomDestination(target=dialplan_install.TARGET, returns=True) if done.freepbx else None
        return cls(
            file=str(done.file),
            written=done.state is dialplan_install.State.WRITTEN,
            up_to_date=done.state is not dialplan_install.State.TO_BE_WRITTEN,
            owner=done.owner or None,
            custom_destination=target,
            add_to=str(done.add_to),
            add=done.add or None,
            included=[SourceLine.of(place) for place in done.included],
            commented_out=[SourceLine.of(place) for place in done.commented_out],
            called=[SourceLine.of(place) for place in done.called],
            warnings=[str(warning) for warning in done.warnings],
            next=[dialplan.RELOAD],
        )


class DialplanUninstalled(Document):
    """What became of informativa's file in Asterisk's folder, and what is left to do."""

    file: str
    """Where it is, or was."""
    removed: bool
    """Whether it was deleted now."""
    there: bool
    """Whether it is there now."""
    included: list[SourceLine]
    """Where Asterisk's files include it, which does nothing without it."""
    called: list[SourceLine]
    """Where they call it, which does nothing without it."""
    next: list[str]
    """What to type then, in this order."""

    @classmethod
    def of(cls, done: dialplan_install.Uninstalled) -> DialplanUninstalled:
        """As it was done."""
        return cls(
            file=str(done.file),
            removed=done.state is dialplan_install.State.REMOVED,
            there=done.state is dialplan_install.State.TO_BE_REMOVED,
            included=[SourceLine.of(place) for place in done.included],
            called=[SourceLine.of(place) for place in done.called],
            next=[dialplan.RELOAD],
        )
