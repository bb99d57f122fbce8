"""What is on record of a caller, was erased, or was put on record."""

from __future__ import annotations

from ...operations import callers, completeness
from ...operations.record_document import Record
from .shapes import Document, Shape


class Missing(Shape):
    """Why an answer over many boxes is not complete."""

    box: str
    """With which box something is missing."""
    code: completeness.Gap
    """What is wrong with it."""
    message: str
    """The same as a sentence."""
    remedy: str
    """What to do or type."""

    @classmethod
    def of(cls, missing: completeness.Missing) -> Missing:
        """In English."""
        text = missing.text
        return cls(box=missing.box, code=missing.gap, message=str(text.statement), remedy=str(text.advice))


class Held(Shape):
    """What one controller has on record of a caller."""

    controller: str
    """The controller's name in the configuration."""
    name: str
    """What it is called."""
    records: list[Record]
    """In their order: those of this box, then those of others."""
    missing: list[Missing]
    """Why there may be more, with which box; nothing where the answer is complete."""

    @classmethod
    def of(cls, held: callers.Held) -> Held:
        """As an access request has it."""
        owner = held.controller
        return cls(
            controller=owner.id,
            name=owner.name,
            records=[
                *(Record.of(record, owner.id) for record in held.records),
                *(Record.of(record, owner.id, box) for box, record in held.elsewhere),
            ],
            missing=[Missing.of(missing) for missing in held.missing],
        )


class Access(Document):
    """What is on record of a caller."""

    caller: str
    """The number or customer number, masked."""
    controllers: list[Held]

    @classmethod
    def of(cls, found: callers.Access) -> Access:
        """Of each controller that was named."""
        return cls(caller=found.caller, controllers=[Held.of(each) for each in found.held])


class Erased(Shape):
    """What was erased of a caller at one controller, or would be."""

    controller: str
    """The controller's name in the configuration."""
    name: str
    """What it is called."""
    records: int
    """How many records lead to nobody any more, on all boxes, as far as the database has them."""
    copies: list[str]
    """Copies of the ledger that are deleted with them."""
    boxes: list[str]
    """Other boxes that erase him too, each as soon as it reaches the database."""
    absent: list[str]
    """Those of them that were not heard of in the last minute."""
    missing: list[Missing]
    """Why it is not wholly done, or would not be, without somebody; nothing where every box does it soon."""


class Erasure(Document):
    """What was erased of a caller, or would be."""

    done: bool
    """Whether it is done; else it is what would be done."""
    caller: str
    """The number or customer number, masked."""
    controllers: list[Erased]

    @classmethod
    def of(cls, found: callers.Erasure) -> Erasure:
        """Of each controller that was named."""
        erased = [
            Erased(
                controller=each.controller.id,
                name=each.controller.name,
                records=each.records,
                copies=[str(file) for file in each.copies],
                boxes=list(each.boxes),
                absent=[missing.box for missing in each.missing if missing.gap is completeness.Gap.ABSENT],
                missing=[Missing.of(missing) for missing in each.missing],
            )
            for each in found.erased
        ]
        return cls(done=found.done, caller=found.caller, controllers=erased)


class Recorded(Document):
    """What was put on record."""

    caller: str
    """The number or customer number, masked."""
    record: Record

    @classmethod
    def of(cls, made: callers.Recorded) -> Recorded:
        """As its ledger has it."""
        return cls(caller=made.caller, record=Record.of(made.record, made.controller.id))
