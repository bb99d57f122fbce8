"""Reasons why a move of a request is not possible, each with what to do instead."""

from __future__ import annotations

from collections.abc import Iterable

from ..model import Controller
from ..model.errors import InformativaError
from ..model.requests import PersonRequest, Refusal
from ..model.text import Text

UNKNOWN = "request-unknown"
_SHOW = Text("What was done and what comes next is on its page in the console.")
_TEXTS = {
    Refusal.CLOSED: (Text("Request {number} is closed."), Text("Open another one if the person asks again.")),
    Refusal.KIND: (
        Text("Request {number} asks for something else than an erasure."),
        Text("If the person wants to be erased, too, open a request of the kind erasure."),
    ),
    Refusal.NOT_IDENTIFIED: (
        Text("Nobody checked yet that the number of request {number} is the person's."),
        Text("Check it, and say on its page in the console how you did."),
    ),
    Refusal.IDENTIFIED: (Text("Request {number} is past that step."), _SHOW),
    Refusal.EXTENDED: (
        Text("Request {number} is extended already, and once is all that GDPR 12(3) allows."),
        Text("Answer it until {due}."),
    ),
    Refusal.OVERDUE: (
        Text("Request {number} was due on {due}: an extension must be told to the person before that."),
        Text("Answer it now."),
    ),
    Refusal.NOT_ANSWERED: (Text("Request {number} is not answered yet."), _SHOW),
    Refusal.WAITING: (
        Text("The erasure of request {number} is not done yet: an approval is missing."),
        Text(
            "The service does the rest by itself as soon as it can; what is missing:"
            " informativa status. Then close the request."
        ),
    ),
    Refusal.SAME_ACCOUNT: (
        Text("Who opened request {number}, or identified its person, may not answer it too (four eyes)."),
        Text("Let a colleague do it, under an account of their own."),
    ),
}


def refused(controller: Controller, request: PersonRequest, reason: Refusal) -> InformativaError:
    """Build the error that a move is not possible."""
    facts = {"number": request.number, "id": controller.id, "due": request.due}
    message, remedy = _TEXTS[reason]
    return InformativaError(message.format(**facts), remedy.format(**facts), code=f"request-{reason}")


def unknown(controller: Controller, number: int) -> InformativaError:
    """Build the error that there is no request of this number."""
    return InformativaError(
        Text("There is no request {number} of {id}.", number=number, id=controller.id),
        Text("All that there are stand on the console's page Requests."),
        code=UNKNOWN,
    )


def another_caller(controller: Controller, request: PersonRequest) -> InformativaError:
    """Build the error that a request is not about the caller who was typed."""
    facts = {"number": request.number, "id": controller.id}
    if request.pseudonym is None:
        return InformativaError(
            Text("Nothing leads from request {number} to its person any more: they were erased.", **facts),
            Text(
                "If that was for this request, close it as answered; else close it as it ended, and open"
                " another one."
            ),
        )
    return InformativaError(
        Text("Request {number} was opened for another number.", **facts),
        Text("Type the number, or the customer number, with which it was opened."),
        code="request-caller",
    )


def require_no_four_eyes(controllers: Iterable[Controller]) -> None:
    """Raise InformativaError for a company that wants no erasure without a request."""
    for controller in controllers:
        if controller.four_eyes:
            raise InformativaError(
                Text("{id} wants four eyes: one person opens a request, another erases.", id=controller.id),
                Text("Open a request of the kind erasure in the console; a colleague erases there."),
                code="four-eyes",
            )


NO_DAY = Text("The request cannot have come on a day that is still to come.")
NO_ACCOUNT = Text("This cannot be the name of an account.")
ACCOUNT_REMEDY = Text(
    "Type the name of an account of the console, or a login name, without a telephone number."
)
