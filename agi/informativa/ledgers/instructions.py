"""The controller's instructions in notes: the ids of its tickets."""

from __future__ import annotations

from collections.abc import Iterable

from ..evidence import note_values
from ..evidence.notes import RuleNote
from ..model.errors import InformativaError
from ..model.text import Text

UNSTATED = "unstated"
"""The instruction in a note where nobody asks for one, and none was given."""
INSTRUCTION_REFUSED = "instruction-refused"  # the code of an error
_GIVE = Text("Give the id of the ticket: --instruction TICKET. Nothing was changed.")


def is_instruction(text: str) -> bool:
    """Return whether a note can have this as its instruction."""
    try:
        note_values.INSTRUCTION.read(text)
    except note_values.REFUSED:
        return False
    return True


def instruction_for(rules: Iterable[RuleNote | None], given: str) -> str:
    """Return the instruction that a note has under these rules, '' if none is given. Raises InformativaError
    (exit code 2) if one is missing, or cannot be noted."""
    require_instruction(given)
    if not given and _are_guarded(rules):
        raise _refused(
            Text("The controller's instruction is missing: its log names erased and lost records by one."),
            _GIVE,
        )
    return given or UNSTATED


def require_for_rule(rules: Iterable[RuleNote], given: str) -> None:
    """Check that a rule that needs the controller's approval names an instruction, '' for none. `rules` are
    it and the one before. Raises InformativaError (exit code 2)."""
    if not given and _are_guarded(rules):
        raise _refused(
            Text("The controller's instruction is missing: the log's rule changes, and needs an approval."),
            _GIVE,
        )


def _are_guarded(rules: Iterable[RuleNote | None]) -> bool:
    """Return whether a rule names an approver, or a processor."""
    return any(rule and (rule.processor or rule.approver) for rule in rules)


def require_instruction(text: str) -> None:
    """Check that notes can name a text, '' for none, as an instruction. Raises InformativaError (exit code
    2)."""
    if text and not is_instruction(text):
        raise _refused(
            Text("An instruction is {form}.", form=note_values.INSTRUCTION.expected),
            Text("Name the ticket, such as OPS/2026-117, and nobody."),
        )


def _refused(message: Text, remedy: Text) -> InformativaError:
    error = InformativaError(message, remedy, code=INSTRUCTION_REFUSED)
    error.exit_code = 2
    return error
