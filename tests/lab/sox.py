"""The program sox, which prompts are spoken with: the machine's own, or Debian's without root."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

from .builds import loader
from .debian import Progress, cache_folder, packages


def put_on_path(folder: Path, progress: Progress) -> None:
    """Have this process, and all that it starts, find a sox; where there is none, one is put into `folder`.
    Raises Unavailable."""
    if shutil.which("sox"):
        return
    root = packages("testing", ["sox"], cache_folder(), progress)
    command = shlex.join([*loader(root), f"{root}/usr/bin/sox"])
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "sox"
    program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    program.chmod(0o755)
    os.environ["PATH"] = f"{folder.absolute()}:{os.environ.get('PATH', os.defpath)}"
