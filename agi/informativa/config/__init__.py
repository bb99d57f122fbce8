"""The configuration: YAML in, frozen objects of `model` out, or every problem at once."""

from pathlib import Path

from .. import CONFIGURATION
from .build import for_call, inspect, load, unusable
from .configuration import Configuration
from .partial import by_company, concerning, of_callers, of_calls, of_lines, stops_service, without_hooks

__all__ = [
    "DEFAULT_FILE",
    "Configuration",
    "by_company",
    "concerning",
    "for_call",
    "inspect",
    "load",
    "of_callers",
    "of_calls",
    "of_lines",
    "stops_service",
    "unusable",
    "without_hooks",
]

DEFAULT_FILE = Path(CONFIGURATION)
