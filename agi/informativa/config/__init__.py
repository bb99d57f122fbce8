"""The configuration: YAML in, frozen objects of `model` out, or every problem at once."""

from pathlib import Path

from .build import Configuration, inspect, load
from .partial import of_callers, of_calls

__all__ = ["DEFAULT_FILE", "Configuration", "inspect", "load", "of_callers", "of_calls"]

DEFAULT_FILE = Path("/etc/informativa/informativa.yaml")
