"""A release from end to end, in a folder: `make release`, RELEASE=DIR for another one than `dist`.

With `--trial` it is built although something keeps it from being released, as the changelog of a version that
is still being written does.

Everything in it is made by one row of `BUILDERS`; each Debian package and the one file take a minute.
Made twice of one commit, it is the same byte for byte.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from freepbx import module
from informativa import __version__
from lab.debian import Unavailable
from packages import deb, pex, sbom
from packages.release import ROOT, disagreements, of_version, write_sums


@dataclass(frozen=True)
class Builder:
    """The builder of one kind of package: it puts its files into a folder, for a version. Two builds of one
    commit must come to the same bytes; $SOURCE_DATE_EPOCH is the time of the commit."""

    name: str
    build: Callable[[Path, str], None]


def _wheel_and_sdist(folder: Path, _version: str) -> None:
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", str(folder)], check=True, cwd=ROOT)


def _bill(folder: Path, _version: str) -> None:
    (folder / "informativa.cdx.json").write_text(sbom.bill("informativa"), encoding="utf-8")


def _deb(folder: Path, _version: str) -> None:
    deb.build_all(folder, _wheel(folder))


def _pex(folder: Path, _version: str) -> None:
    pex.build(folder, _wheel(folder))


def _wheel(folder: Path) -> Path:
    (file,) = folder.glob("*.whl")
    return file


OF_PYTHON = (
    Builder("wheel and sdist", _wheel_and_sdist),
    Builder("what the wheel brings with it", _bill),
    Builder("FreePBX module", module.write),
)
BUILDERS = (*OF_PYTHON, Builder("Debian packages", _deb), Builder("one file", _pex))


def main(arguments: Sequence[str]) -> int:
    """Build it; the exit code."""
    is_trial, folders = "--trial" in arguments, [name for name in arguments if name != "--trial"]
    reasons = disagreements(__version__)
    for reason in reasons:
        print(f"release: {reason}", file=sys.stderr)
    if reasons and not is_trial:
        return 1
    folder = (ROOT / (folders[0] if folders else "dist")).absolute()
    if folder.exists() and any(folder.iterdir()):
        print(f"release: {folder} is not empty. Name another one: make release RELEASE=DIR", file=sys.stderr)
        return 1
    try:
        build(folder, __version__)
    except Unavailable as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    print(f"release: informativa {__version__} is in {folder}. Next, as docs/CONTRIBUTING.md says: the tag.")
    return 0


def build(folder: Path, version: str, builders: Sequence[Builder] = BUILDERS) -> None:
    """Build all of it, then the notes, then the sums of every file. Of a build that fails nothing is left."""
    asked = ["git", "log", "-1", "--format=%ct"]
    committed = subprocess.run(asked, check=True, capture_output=True, text=True, cwd=ROOT).stdout.strip()
    os.environ["SOURCE_DATE_EPOCH"] = committed
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for builder in builders:
            print(f"release: {builder.name}", file=sys.stderr, flush=True)
            builder.build(folder, version)
        for left in folder.glob(".*"):
            left.unlink()
        notes = of_version((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version)
        (folder / "notes.md").write_text(f"{notes}\n", encoding="utf-8")
        write_sums(folder)
    except BaseException:
        shutil.rmtree(folder)
        raise


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
