"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path,
    typer.Option("-c", "--config", envvar="INFORMATIVA_CONFIG", metavar="FILE", help="The configuration."),
]
