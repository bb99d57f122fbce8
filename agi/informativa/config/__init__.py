"""The configuration: YAML in, frozen objects of `model` out, or every problem at once.

The way from file to objects:

- `document`: the YAML as data with line numbers
- `schema`, `web_schema`, `forms`: the shape of the whole file, and of single settings, as pydantic models
- `shape`: all problems of the shape
- `build`, `builder`: the way itself, and the objects
- `configuration`: the result
- `findings`, `messages`: problems, refusals and warnings, and their words
- `described`: what each setting means, for the reference page

Parts of it:

- `controllers`, `apart`: companies, and that no two share anything
- `notices`, `choices`: what callers hear and are asked
- `lines`, `countries`: lines with their plans, and the countries that steps are for
- `lookups`, `hooks`: a company's own systems: asked, and told
- `evidence`, `web`, `oidc`, `endpoints`: logs, the console and its identity provider,
  the service's address and token
- `outsourcing`: the papers that another company's calls need

In use:

- `changes`, `partial`: loading anew; what is usable of a file with mistakes
- `one_call`, `parsed_cache`: the part that one call needs, and a cache, for the script
- `looks`: files that may never answer

Its file:

- `editing`: added settings, with all comments kept
"""

from pathlib import Path

from .. import CONFIGURATION
from .build import for_call, inspect, load, load_usable, unusable
from .configuration import Configuration
from .partial import (
    HAS_MISTAKES,
    by_company,
    concerning,
    of_callers,
    of_calls,
    of_lines,
    refusing,
    require_reader,
    stops_service,
    without_hooks,
)

__all__ = [
    "DEFAULT_FILE",
    "HAS_MISTAKES",
    "Configuration",
    "by_company",
    "concerning",
    "for_call",
    "inspect",
    "load",
    "load_usable",
    "of_callers",
    "of_calls",
    "of_lines",
    "refusing",
    "require_reader",
    "stops_service",
    "unusable",
    "without_hooks",
]

DEFAULT_FILE = Path(CONFIGURATION)
