"""Facts in the configuration about one controller, for the analysis before an outsourcing contract."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from ..config import Configuration
from ..model import Controller, Line, Lookup
from .controller_state import lines_of
from .controllers import controller_named


@dataclass(frozen=True)
class OutsourcingFacts:
    """The facts about one controller."""

    controller: Controller
    operator: str
    """The operator of the installation."""
    file: str
    """The name of the configuration's file."""
    lines: tuple[Line, ...]
    systems: tuple[str, ...]
    """The systems that are asked during calls."""
    purposes: dict[tuple[str, str], tuple[str, ...]]
    """The purposes of each version, by the ids of notice and version."""


def facts(configuration: Configuration, name: str) -> OutsourcingFacts:
    """Return the facts about the controller of that name. Raises InformativaError where there is none."""
    controller = controller_named(configuration, name)
    lines = lines_of(controller, configuration)
    return OutsourcingFacts(
        controller,
        configuration.operator,
        configuration.file.name,
        lines,
        tuple(_system(lookup) for lookup in controller.lookups),
        {
            (step.notice.id, version.id): tuple(sorted(version.purposes))
            for line in lines
            for step in line.plan
            for version in step.notice.versions
        },
    )


def _system(lookup: Lookup) -> str:
    """Return the host or database that a look-up asks, without the question."""
    arguments = lookup.arguments
    place = arguments.get("host") or arguments.get("database") or arguments.get("dbname") or ""
    return f"{lookup.driver} {place}".strip() if lookup.driver else urlsplit(lookup.question).netloc
