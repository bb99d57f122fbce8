"""Writes the two requirements files of the tests anew: `python -m lab.requirements [--upgrade]`.

What pyproject.toml asks for and all that this needs in turn, on every Python that informativa runs on, each
at one version with the hashes of its files. No address stands there: where packages come from is pip's own
setting. Without `--upgrade` what still fits keeps its version, so that a change to pyproject.toml changes
nothing else.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .mutants import REQUIREMENTS as MUTANTS
from .setup import OLDEST, REQUIREMENTS, ROOT

RESOLVER = "uv==0.13.9"
EXTRAS = ("test", "lint", "speech", "timestamp", "postgres", "web")


def main(arguments: Sequence[str]) -> int:
    """Resolve and write both; the exit code."""
    if set(arguments) - {"--upgrade"}:
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        uv = _resolver(Path(folder))
        python = ".".join(map(str, OLDEST))
        own = [
            "--quiet",
            "--generate-hashes",
            "--no-header",
            "--no-emit-index-url",
            "--python-version",
            python,
        ]
        compile_: list[str | Path] = [uv, "pip", "compile", "--universal", *own, *arguments]
        extras = [word for extra in EXTRAS for word in ("--extra", extra)]
        _run([*compile_, *extras, "--output-file", REQUIREMENTS, "pyproject.toml"])
        _run(
            [*compile_, "--no-deps", "--no-annotate", "--output-file", MUTANTS, "-"],
            "\n".join(pinned(MUTANTS)),
        )
    return 0


def pinned(file: Path) -> list[str]:
    """The names of what a file pins."""
    return re.findall(r"^([A-Za-z0-9._-]+)==", file.read_text(encoding="utf-8"), re.MULTILINE)


def _resolver(folder: Path) -> Path:
    """uv, in an environment that goes again."""
    _run([sys.executable, "-m", "venv", folder])
    _run([folder / "bin/pip", "install", "--quiet", "--disable-pip-version-check", RESOLVER])
    return folder / "bin/uv"


def _run(command: Sequence[str | Path], given: str = "") -> None:
    subprocess.run(command, cwd=ROOT, check=True, input=given, text=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
