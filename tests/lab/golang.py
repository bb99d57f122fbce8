"""Go and its package golang.org/x/mod: the machine's own, or Debian's, taken without root."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .debian import Progress, Unavailable, of_this_release, silent

_X_MOD = "src/golang.org/x/mod/sumdb/tlog"


def compiler(progress: Progress = silent) -> str:
    """Return the program `go`. Raises Unavailable."""
    if own := shutil.which("go"):
        return own
    root = _unpacked(progress)
    for program in sorted(root.glob("usr/lib/go-*/bin/go")):
        return str(program)
    raise Unavailable(f"There is no go in {root}.", "Install golang-go.")


def sources(progress: Progress = silent) -> Path:
    """Return the GOPATH that has golang.org/x/mod. Raises Unavailable."""
    own = Path(os.environ.get("GOPATH") or "/usr/share/gocode")  # where Debian's packages of Go have theirs
    return own if (own / _X_MOD).is_dir() else _unpacked(progress) / "usr/share/gocode"


def _unpacked(progress: Progress) -> Path:
    return of_this_release(["golang-go", "golang-golang-x-mod-dev"], progress)
