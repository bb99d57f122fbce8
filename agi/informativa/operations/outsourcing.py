"""What the configuration says of one controller for the analysis before an outsourcing contract."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from ..config import Configuration
from ..model import Controller, Line, Lookup
from .controller_state import lines_of
from .controllers import controller_named


@dataclass(frozen=True)
class OutsourcingFacts:
    """One controller; who is `operator` of the installation, which of the configuration's files it stands in,
    which `systems` are asked during calls, and which purposes each version of a notice has,
    by the ids of both."""

    controller: Controller
    operator: str
    file: str
    lines: tuple[Line, ...]
    systems: tuple[str, ...]
    purposes: dict[tuple[str, str], tuple[str, ...]]


def facts(configuration: Configuration, name: str) -> OutsourcingFacts:
    """Of the controller of that name. Raises InformativaError where there is none."""
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
    """Where a look-up asks, without what it asks."""
    arguments = lookup.arguments
    where = arguments.get("host") or arguments.get("database") or arguments.get("dbname") or ""
    return f"{lookup.driver} {where}".strip() if lookup.driver else urlsplit(lookup.question).netloc
