"""`informativa evidence verifier-page`: the page in which callers check their receipts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...operations.controllers import select_for_logs
from ...operations.evidence import logs, verifier_page
from ...views.text import evidence as view
from ..options import Config, Json, Of, print_result, warn_of_unrelated
from ..words import _


def add_to(app: typer.Typer) -> None:
    """Give the group this command."""
    app.command("verifier-page")(_verifier_page)


def _verifier_page(
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="VKEY", help="A further log's key to trust, as of another box."),
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Where the page goes.")
    ] = Path("check-receipt.html"),
    as_json: Json = False,
) -> None:
    """Write the page in which callers check their receipts, for your website: one file, without network."""
    from ...views import verifier_page as page_view  # not for other commands: jinja2 takes 30 ms

    selection = select_for_logs(config, controller or (), several=False)
    warn_of_unrelated(selection.unrelated)
    page = verifier_page.verifier_page(
        selection.named[0], selection.configuration.evidence, logs.trusted_keys(key or [])
    )
    written = verifier_page.write(page, output, page_view.page)
    print_result(written, view.verifier_page_lines(written, _), as_json=as_json)
