"""Commands about the program itself: `completion`, `man`, `help`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from ...operations.generated import Generated, write
from ...views import terminal
from ..completion import Shell, script
from ..manual import page
from ..options import print_generated
from ..tree import tree


def add_to(app: typer.Typer, run: Callable[[Sequence[str]], int]) -> None:
    """Give the program these commands; `run` is the program itself, and gives its exit code."""

    @app.command()
    def completion(
        shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
    ) -> None:
        """Print what completes commands: informativa completion bash > /etc/bash_completion.d/informativa."""
        terminal.verbatim(script(shell, tree(app)))

    @app.command()
    def man(
        output: Annotated[
            Path | None,
            typer.Option("-o", "--output", metavar="DIR", help="Write it there: /usr/local/share/man/man1"),
        ] = None,
    ) -> None:
        """Print the manual page, or write it: informativa man | man -l -."""
        text, file = page(tree(app)), output / "informativa.1" if output else None
        if file is not None:
            write(file, text)
        print_generated(Generated(text, file, "man informativa"))

    @app.command(name="help", context_settings={"help_option_names": []}, hidden=True)
    def help_(words: Annotated[list[str] | None, typer.Argument(metavar="[COMMAND]...")] = None) -> None:
        """Say what a command does, as COMMAND --help does."""
        raise typer.Exit(run([*(words or []), "--help"]))
