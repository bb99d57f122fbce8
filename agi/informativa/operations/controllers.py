"""Controllers that a command is about.

A command reads and changes nothing of a controller that it does not name, and mistakes in another
controller's part of the configuration do not stop it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config import Configuration, inspect, of_callers, of_calls, of_lines, without_hooks
from ..config.messages import closest
from ..config.partial import concerning
from ..model import Controller, Line, Notice
from ..model.errors import ConfigError, ConfigProblem, InformativaError
from ..model.text import Text

SHOWN = 10  # names that a message lists


@dataclass(frozen=True)
class Selection:
    """The controllers that a command names."""

    configuration: Configuration
    named: tuple[Controller, ...]
    unrelated: tuple[ConfigProblem, ...] = ()
    """The problems of the configuration that do not concern them."""


def select_for_callers(file: Path, names: Sequence[str], line: str | None = None) -> Selection:
    """Select the controllers of these names, or that of a `line`, or the only one that there is. Their keys
    and ledgers are in order.

    Raises InformativaError where none is named and there are several, and ConfigError for mistakes by which
    callers could not be found, or wrong ones would be.
    """
    return inspected_for_callers(*inspect(file), names, line)


def inspected_for_callers(
    configuration: Configuration,
    problems: Sequence[ConfigProblem],
    names: Sequence[str],
    line: str | None = None,
) -> Selection:
    """Select like `select_for_callers` in a configuration that was inspected already, with its problems."""
    all_names = tuple(dict.fromkeys((*configuration.controllers, *configuration.invalid_controllers)))
    if not names and line is not None and line in configuration.spelled:
        names = [configuration.spelled[line].controller.id]
    require_names(names, all_names)
    chosen = tuple(dict.fromkeys(names or all_names))
    related = [problem for name in chosen for problem in of_callers(problems, name)]
    return _selection(configuration, problems, chosen, related)


def select_for_logs(
    file: Path, names: Sequence[str], *, begun: bool = True, several: bool = True
) -> Selection:
    """Select the controllers of these names or, because logs say nothing of callers, all. With `begun` only
    those that have a ledger count; without `several` one must be named where there are several. Raises
    InformativaError where one named, or every one, has no ledger, and ConfigError for mistakes of shape."""
    configuration, problems = inspect(file)
    all_names = [
        name
        for name, controller in configuration.controllers.items()
        if Path(controller.ledger).exists() or not begun
    ]
    if not several:
        require_names(names, all_names)
    selection = _selection(configuration, problems, tuple(dict.fromkeys(names or all_names)), [])
    for controller in selection.named or configuration.controllers.values():
        if begun:
            require_ledger(controller)
    return selection


def require_ledger(controller: Controller) -> None:
    """Raise InformativaError for a controller that has no ledger: nothing is recorded yet, or the ledger is
    gone."""
    if not Path(controller.ledger).exists():
        raise InformativaError(
            Text("There is no ledger {file}: nothing was recorded yet.", file=controller.ledger),
            Text(
                "If there was one, put it back: informativa ledger restore BACKUP --controller {id}",
                id=controller.id,
            ),
        )


def require_names(names: Sequence[str], all_names: Sequence[str]) -> None:
    """Raise InformativaError where none is named and there are several."""
    if not names and len(all_names) > 1:
        raise InformativaError(
            Text("There are several companies, and nothing is shown or done for all at once."),
            Text("Name one: --controller {name} ({names})", name=all_names[0], names=_list(all_names)),
        )


def select_for_notices(file: Path, name: str) -> Selection:
    """Select the controller of that name, with all that concerns it in order but for its hook, so that a
    record can be added.

    Raises InformativaError for one that may not go live, and ConfigError for mistakes in its part.
    """
    configuration, problems = inspect(file)
    related, _hooks = without_hooks(concerning(problems, "controllers", f"controllers.{name}"))
    selection = _selection(configuration, problems, (name,), related)
    require_live(selection.configuration, selection.named[0])
    return selection


def select_for_call(file: Path, number: str) -> Selection:
    """Select the company of a called line, with all that a call on it depends on in order; no company where
    there is no such line.

    Raises ConfigError for mistakes by which the call could not be answered correctly, or the line not be
    found.
    """
    configuration, problems = inspect(file)
    line = configuration.spelled.get(number)
    related = (
        of_calls(problems, line.controller.id, line.number)
        if line
        else of_lines(problems, configuration.invalid_controllers)
    )
    if related:
        raise ConfigError(related)
    return Selection(configuration, (line.controller,) if line else (), problems)


def select_for_key(file: Path, name: str) -> Selection:
    """Select the controller of that name, whose section has the right shape; its key may be missing.

    Raises InformativaError, and ConfigError for mistakes of shape.
    """
    configuration, problems = inspect(file)
    return _selection(configuration, problems, (name,), [])


def _selection(
    configuration: Configuration,
    problems: Sequence[ConfigProblem],
    names: Sequence[str],
    related: list[ConfigProblem],
) -> Selection:
    for name in names:
        if name in configuration.invalid_controllers:
            related = [*related, *(concerning(problems, "controllers", f"controllers.{name}") or problems)]
        else:
            controller_named(configuration, name)
    if related:
        raise ConfigError(list(dict.fromkeys(related)))
    if not names and problems:
        raise ConfigError(problems)
    return Selection(configuration, tuple(configuration.controllers[name] for name in names), tuple(problems))


def require_live(configuration: Configuration, controller: Controller) -> None:
    """Raise InformativaError for a controller that may not go live: nothing is put on record for it."""
    if controller.refused:
        raise InformativaError(
            Text("Controller {id} is not live: {refused}.", id=controller.id, refused=controller.refused),
            Text("Type: informativa check -c {file}", file=configuration.file),
        )


def controller_named(configuration: Configuration, name: str) -> Controller:
    """Return the controller that an admin named. Raises InformativaError with the one that was probably
    meant."""
    controller = configuration.controllers.get(name)
    if controller is None:
        message = Text("There is no controller {name}.", name=name)
        raise InformativaError(message, name_remedy(name, configuration.controllers))
    return controller


def notice_named(configuration: Configuration, controller: str, name: str) -> Notice:
    """Return the controller's notice of that name. Raises InformativaError with those that there are."""
    notices = {notice.id: notice for notice in configuration.notices[controller]}
    if name not in notices:
        message = Text("Controller {controller} has no notice {name}.", controller=controller, name=name)
        raise InformativaError(message, name_remedy(name, notices))
    return notices[name]


def line_named(configuration: Configuration, number: str) -> Line:
    """Return the line of a called number, in any of its spellings. Raises InformativaError with the one that
    was probably meant."""
    line = configuration.spelled.get(number)
    if line is None:
        message = Text("There is no line {number}: its callers hear fallback_prompt.", number=number)
        numbers = [other.number for other in configuration.lines]
        close = closest(number, configuration.spelled)
        raise InformativaError(message, name_remedy(number, [close] if close else numbers))
    return line


def name_remedy(name: str, names: Iterable[str]) -> Text:
    """Return the remedy for a name that does not exist: the one that was probably meant, or all there are."""
    sorted_names = sorted(names)
    if close := closest(name, sorted_names):
        return Text("Did you mean {name}?", name=close)
    if len(sorted_names) > SHOWN:
        listed = ", ".join(sorted_names[:SHOWN])
        return Text("There are: {names} and {number} more.", names=listed, number=len(sorted_names) - SHOWN)
    return Text("There are: {names}.", names=", ".join(sorted_names) or Text("none"))


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
