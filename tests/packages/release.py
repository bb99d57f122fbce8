"""The notes of a release, and the sums of what is in it.

`python tests/packages/release.py 1.2.3` prints that version's part of the changelog.

Ends with 1 unless version, changelog and tag agree. Only the standard library, because it runs before
anything is installed.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUMS = "SHA256SUMS"
SIGNATURE = f"{SUMS}.asc"


def main(arguments: Sequence[str]) -> int:
    """Print it; the exit code."""
    (version,) = arguments
    wrong = list(disagreements(version))
    for problem in wrong:
        print(problem, file=sys.stderr)
    if wrong:
        return 1
    print(of_version(_read("CHANGELOG.md"), version))
    return 0


def disagreements(version: str, root: Path = ROOT) -> list[str]:
    """Return what keeps that version from being released from this checkout, each with what to do."""
    return [*_of_version(version, root), *_of_tags(version, root)]


def _of_version(version: str, root: Path) -> Iterator[str]:
    if f'__version__ = "{version}"' not in _read("agi/informativa/__init__.py", root):
        yield f"The package is not {version}: mend __version__ in agi/informativa."
    changelog = _read("CHANGELOG.md", root)
    if not of_version(changelog, version):
        yield f"The changelog says nothing of {version}: name its first heading so."
    if of_version(changelog, "Unreleased"):
        yield f"The changelog has something unreleased: move it under {version}, or out of it."


def _of_tags(version: str, root: Path) -> Iterator[str]:
    tag = f"v{version}"
    here = _git(root, "tag", "--points-at", "HEAD").split()
    for other in here:
        if re.fullmatch(r"v\d+\.\d+\.\d+", other) and other != tag:
            yield f"This commit is tagged {other}, and the package is {version}: take one of them back."
    if tag not in here and _git(root, "tag", "--list", tag):
        yield f"{tag} is another commit already: a version is released once. Give this one the next number."
    if _git(root, "status", "--porcelain"):
        yield "There are changes that are not committed: commit them, or put them away (git stash -u)."


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, check=True
    ).stdout.strip()


def _read(name: str, root: Path = ROOT) -> str:
    return (root / name).read_text(encoding="utf-8")


def of_version(changelog: str, version: str) -> str:
    """Return what stands below the heading `## 1.2.3`, with a date behind it or without; '' if there is
    none."""
    heading = rf"^## {re.escape(version)}(?: [^\n]*)?\n(.*?)(?=^## |\Z)"
    section = re.search(heading, changelog, re.MULTILINE | re.DOTALL)
    return section[1].strip() if section else ""


def write_sums(folder: Path) -> None:
    """Write the SHA-256 of every file in a folder into its SHA256SUMS, as `sha256sum -c` reads it."""
    files = sorted(file for file in folder.iterdir() if file.is_file() and file.name not in (SUMS, SIGNATURE))
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
