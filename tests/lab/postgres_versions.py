"""PostgreSQL of several Debians, each on its own C library, without root."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from .builds import loader
from .databases import LEFT_OUT, given, newest_server
from .debian import Progress, Unavailable, cache_folder, packages, silent

SUITES = {15: "bookworm", 17: "trixie", 18: "forky"}
"""The major versions that Debian has, from 14 on, each with a suite that has it."""
CHOSEN = "INFORMATIVA_POSTGRESQL"
"""The environment variable with the major version on which the tests of boxes run, in place of the newest."""

_LEFT_OUT = LEFT_OUT.replace("libc6|", "", 1)


def chosen(folder: Path) -> Path | None:
    """Return the programs of the version that the environment names, laid out in a folder; `None` where it
    names none."""
    version = os.environ.get(CHOSEN)
    return obtain(int(version), folder) if version else None


def obtain(version: int, folder: Path, progress: Progress = silent) -> Path:
    """Lay out a folder with the programs of a version, downloaded the first time (about 30 MB), and return
    the place of postgres, initdb and the others there. Raises Unavailable.

    Each is a script that starts the program by its own Debian's loader: initdb starts postgres, and would
    take the machine's. Beside them is what PostgreSQL looks for at places relative to its programs.
    """
    root = packages(SUITES[version], [f"postgresql-{version}"], cache_folder(), progress, leave_out=_LEFT_OUT)
    programs = newest_server(root / "usr/lib/postgresql")
    if programs is None:
        raise Unavailable(f"There is no PostgreSQL in {root}.", "Delete that folder, and run this again.")
    scripts = folder / programs.relative_to(root)
    scripts.mkdir(parents=True)
    (folder / "usr/share").symlink_to(root / "usr/share")
    (scripts.parent / "lib").symlink_to(programs.parent / "lib")
    command = shlex.join(loader(root))
    for program in programs.iterdir():
        script = scripts / program.name
        script.write_text(f'#!/bin/sh\nexec {command} --argv0 "$0" {shlex.quote(str(program))} "$@"\n')
        script.chmod(0o755)
    given(folder)
    return scripts
