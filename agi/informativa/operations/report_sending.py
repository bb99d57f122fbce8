"""The mail of a monthly report, handed to the command that sends mail on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from ..model import Controller
from ..model.errors import InformativaError
from ..model.text import Text
from .outside_command import hand_over


@dataclass(frozen=True)
class Attachment:
    """A file in a mail: its name, its kind (`text/` is left out) and its text."""

    name: str
    kind: str
    text: str


def require_mail(controller: Controller) -> None:
    """Raise InformativaError for a company to whom no report is sent."""
    if controller.report is None:
        raise InformativaError(
            Text("The configuration says nobody who gets the report of {id}.", id=controller.id),
            Text(
                "Write in its section, such as: report: {to: [privacy@acme.example]}",
            ),
        )


def mail(
    controller: Controller, subject: str, text: str, attachments: Iterable[Attachment], now: datetime
) -> bytes:
    """Return the mail with a report, as the command reads it. Raises InformativaError if nobody gets it."""
    require_mail(controller)
    settings = controller.report
    assert settings is not None
    message = EmailMessage(SMTP.clone(linesep="\n"))
    message["To"] = ", ".join(settings.to)
    if settings.sender:
        message["From"] = settings.sender
    message["Subject"] = _header(subject)
    message["Date"] = format_datetime(now)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer of a machine comes back
    message.set_content(text)
    for attachment in attachments:
        message.add_attachment(attachment.text, subtype=attachment.kind, filename=attachment.name)
    return message.as_bytes()


def _header(text: str) -> str:
    """Return a text as a header takes it: on one line, and without encoded words (RFC 2047), which the
    library would decode, line breaks in them and all."""
    line = " ".join(text.split()).replace("=?", "= ?")
    return "".join(letter for letter in line if letter.isprintable())


def send(controller: Controller, message: bytes, file: Path) -> None:
    """Hand a mail to the command of the configuration, which is in `file`. Raises InformativaError where that
    did not take it."""
    assert controller.report is not None
    if fault := hand_over(message, controller.report.command, file.stat()):
        raise InformativaError(
            Text("The report of {id} was not sent: {fault}.", id=controller.id, fault=fault),
            Text("Try that command by hand, or name another: controllers.{id}.report.run", id=controller.id),
        )
