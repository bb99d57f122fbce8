"""`informativa support-bundle`: what somebody who helps needs to see, in one file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...operations.support import bundle
from ...views.support import bundle_message, members
from ..options import Config, Json, print_result
from ..words import _


def add_to(app: typer.Typer) -> None:
    """Give the program this command."""
    app.command("support-bundle")(_support_bundle)


def _support_bundle(
    config: Config = DEFAULT_FILE,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="A new file; informativa-support-TIME.tar.gz, if not given.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a file for somebody who helps: versions, settings, check, doctor, status, last errors. No number,
    pseudonym, reference or secret is in it."""
    now = datetime.now(UTC)
    file = output or Path(f"informativa-support-{now:%Y-%m-%dT%H-%M-%S}.tar.gz")
    result = bundle.write(file, members(bundle.collect(config, now)), now)
    print_result(result, bundle_message(result, _), as_json=as_json)
