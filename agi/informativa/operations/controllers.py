"""Whose callers a command is about.

Nothing of one controller is read or changed by a command that did not name it, and no mistake in another's
part of the configuration stands in its way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config import Configuration, inspect, of_callers, of_calls, of_lines
from ..config.messages import closest
from ..config.partial import concerning
from ..errors import ConfigError, InformativaError, Problem
from ..model import Controller, Line, Notice
from ..text import Text

SHOWN = 10  # names that a message lists


@dataclass(frozen=True)
class Selection:
    """The controllers named, and what is wrong with the configuration that does not concern them."""

    configuration: Configuration
    named: tuple[Controller, ...]
    unrelated: tuple[Problem, ...] = ()


def of_their_callers(file: Path, names: Sequence[str], line: str | None = None) -> Selection:
    """The controllers named, if only by one's `line`, or the only one that there is. Their keys and ledgers
    are in order.

    Raises InformativaError where none is named and there are several, and ConfigError for mistakes by which
    their callers could not be found, or others' would be.
    """
    configuration, problems = inspect(file)
    there = tuple(dict.fromkeys((*configuration.controllers, *configuration.misshapen)))
    if not names and line is not None and line in configuration.spelled:
        names = [configuration.spelled[line].controller.id]
    require_names(names, there)
    chosen = tuple(dict.fromkeys(names or there))
    found = [problem for name in chosen for problem in of_callers(problems, name)]
    return _selection(configuration, problems, chosen, found)


def of_their_logs(file: Path, names: Sequence[str], *, begun: bool = True, several: bool = True) -> Selection:
    """The controllers named or, of logs that say nothing of callers, all; with `begun` those that have a
    ledger, and without `several` the only one. Raises InformativaError where one named, or every one, has
    none, and ConfigError for mistakes of its shape."""
    configuration, problems = inspect(file)
    there = [
        name for name, each in configuration.controllers.items() if Path(each.ledger).exists() or not begun
    ]
    if not several:
        require_names(names, there)
    selection = _selection(configuration, problems, tuple(dict.fromkeys(names or there)), [])
    for each in selection.named or configuration.controllers.values():
        if begun:
            require_ledger(each)
    return selection


def require_ledger(controller: Controller) -> None:
    """Raises InformativaError for a controller of whom nothing was recorded yet, or whose ledger is gone."""
    if not Path(controller.ledger).exists():
        raise InformativaError(
            Text("There is no ledger {file}: nothing was recorded yet.", file=controller.ledger),
            Text(
                "If there was one, put it back: informativa ledger restore BACKUP --controller {id}",
                id=controller.id,
            ),
        )


def require_names(names: Sequence[str], there: Sequence[str]) -> None:
    """Raises InformativaError where none is named and there are several."""
    if not names and len(there) > 1:
        raise InformativaError(
            Text("There are several companies, and nothing is shown or done for all at once."),
            Text("Name one: --controller {name} ({names})", name=there[0], names=_listed(there)),
        )


def of_their_notices(file: Path, name: str) -> Selection:
    """The controller named, with all that is said of it in order, so that something can be put on record.

    Raises InformativaError for one that may not go live, and ConfigError for mistakes in its part.
    """
    configuration, problems = inspect(file)
    found = concerning(problems, "controllers", f"controllers.{name}")
    selection = _selection(configuration, problems, (name,), found)
    require_live(selection.configuration, selection.named[0])
    return selection


def of_a_call(file: Path, number: str) -> Selection:
    """The company of the line that is called, with all that a call on it depends on in order; nobody where
    there is no such line.

    Raises ConfigError for mistakes by which such a call could not be answered rightly, or the line found.
    """
    configuration, problems = inspect(file)
    line = configuration.spelled.get(number)
    found = (
        of_calls(problems, line.controller.id, line.number)
        if line
        else of_lines(problems, configuration.misshapen)
    )
    if found:
        raise ConfigError(found)
    return Selection(configuration, (line.controller,) if line else (), problems)


def of_its_key(file: Path, name: str) -> Selection:
    """The controller named, whose section has the right shape; its key may not be there yet.

    Raises InformativaError, and ConfigError for mistakes of shape.
    """
    configuration, problems = inspect(file)
    return _selection(configuration, problems, (name,), [])


def _selection(
    configuration: Configuration, problems: Sequence[Problem], names: Sequence[str], found: list[Problem]
) -> Selection:
    for name in names:
        if name in configuration.misshapen:
            found = [*found, *(concerning(problems, "controllers", f"controllers.{name}") or problems)]
        else:
            controller_named(configuration, name)
    if found:
        raise ConfigError(list(dict.fromkeys(found)))
    if not names and problems:
        raise ConfigError(problems)
    return Selection(configuration, tuple(configuration.controllers[name] for name in names), tuple(problems))


def require_live(configuration: Configuration, controller: Controller) -> None:
    """Raises InformativaError for a controller that may not go live: nothing is put on record for it."""
    if controller.refused:
        raise InformativaError(
            Text("Controller {id} is not live: {refused}.", id=controller.id, refused=controller.refused),
            Text("Type: informativa check -c {file}", file=configuration.file),
        )


def controller_named(configuration: Configuration, name: str) -> Controller:
    """The controller that an admin named. Raises InformativaError with the one that was probably meant."""
    found = configuration.controllers.get(name)
    if found is None:
        message = Text("There is no controller {name}.", name=name)
        raise InformativaError(message, known(name, configuration.controllers))
    return found


def notice_named(configuration: Configuration, controller: str, name: str) -> Notice:
    """The controller's notice of that name. Raises InformativaError with those that there are."""
    notices = {notice.id: notice for notice in configuration.notices[controller]}
    if name not in notices:
        message = Text("Controller {controller} has no notice {name}.", controller=controller, name=name)
        raise InformativaError(message, known(name, notices))
    return notices[name]


def line_named(configuration: Configuration, number: str) -> Line:
    """The line of a called number, in any of its spellings. Raises InformativaError as above."""
    found = configuration.spelled.get(number)
    if found is None:
        message = Text("There is no line {number}: its callers hear fallback_prompt.", number=number)
        numbers = [line.number for line in configuration.lines]
        close = closest(number, configuration.spelled)
        raise InformativaError(message, known(number, [close] if close else numbers))
    return found


def known(name: str, names: Iterable[str]) -> Text:
    """The remedy of a message about a name that there is not: which was meant, or which there are."""
    there = sorted(names)
    if close := closest(name, there):
        return Text("Did you mean {name}?", name=close)
    if len(there) > SHOWN:
        listed = ", ".join(there[:SHOWN])
        return Text("There are: {names} and {number} more.", names=listed, number=len(there) - SHOWN)
    return Text("There are: {names}.", names=", ".join(there) or Text("none"))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
