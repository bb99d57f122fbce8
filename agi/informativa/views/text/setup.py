"""Setup and its undoing, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.text import Text
from ...operations.setup.report import SetupAction, SetupReport, SetupState, SetupStep
from ..messages import Language
from ..terminal import one_line

_WORDS = {
    (SetupAction.WRITE, SetupState.PLANNED): Text("To write: {target}"),
    (SetupAction.WRITE, SetupState.DONE): Text("Wrote {target}"),
    (SetupAction.WRITE, SetupState.UNCHANGED): Text("Unchanged: {target}"),
    (SetupAction.DELETE, SetupState.PLANNED): Text("To delete: {target}"),
    (SetupAction.DELETE, SetupState.DONE): Text("Deleted {target}"),
    (SetupAction.DELETE, SetupState.UNCHANGED): Text("Is not there: {target}"),
    (SetupAction.DELETE, SetupState.STAYS): Text("Stays: {target}"),
    (SetupAction.DELETE, SetupState.FAILED): Text("Not deleted: {target}"),
    (SetupAction.RESTORE, SetupState.PLANNED): Text("To put back as it was: {target}"),
    (SetupAction.RESTORE, SetupState.DONE): Text("As it was: {target}"),
    (SetupAction.RESTORE, SetupState.UNCHANGED): Text("As it was already: {target}"),
    (SetupAction.RESTORE, SetupState.STAYS): Text("Stays: {target}"),
    (SetupAction.RESTORE, SetupState.FAILED): Text("Not put back: {target}"),
    (SetupAction.RUN, SetupState.PLANNED): Text("To run: {target}"),
    (SetupAction.RUN, SetupState.DONE): Text("Ran {target}"),
    (SetupAction.RUN, SetupState.FAILED): Text("To type yourself: {target}"),
}


def report(result: SetupReport, say: Language) -> Iterator[str]:
    """Yield each step, and what is left to do."""
    for step in result.steps:
        yield from step_lines(step, say, differences=not result.written)
    yield ""
    yield say(_outcome(result))
    if result.by_hand:
        yield say("By hand:")
        yield from (f"  {say(text)}" for text in result.by_hand)
    if result.written and not result.undo:
        yield say("Ring the number twice, then type:")
        yield from (f"  {command}" for command in result.next)


def step_lines(step: SetupStep, say: Language, *, differences: bool = True) -> Iterator[str]:
    """Yield one step, with the text of its file."""
    line = say(_WORDS[step.action, step.state].format(target=one_line(step.target)))
    if step.owner and step.state is not SetupState.UNCHANGED:
        line += f" ({step.owner}, {step.mode})"
    yield f"{line}: {say(step.reason)}" if step.reason else line
    if differences:
        yield from (f"    {one_line(text)}" for text in step.difference)


def _outcome(result: SetupReport) -> Text:
    if not result.in_order:
        return Text("Some of it failed. Mend that, then type the same again.")
    if result.undo:
        return (
            Text("Setup is taken back.")
            if result.written
            else Text("Nothing was changed; to take it back, add --yes.")
        )
    if result.written:
        return Text("Set up.")
    if any(step.state is SetupState.PLANNED for step in result.steps):
        return Text("Nothing was written; to do all that, add --yes.")
    return Text("Nothing is left to do: all is as setup would write it.")
