"""The configuration: YAML in, frozen objects of `model` out, or every problem at once."""

from pathlib import Path

from .. import CONFIGURATION
from .build import Configuration, inspect, load

__all__ = ["DEFAULT_FILE", "Configuration", "inspect", "load"]

DEFAULT_FILE = Path(CONFIGURATION)
