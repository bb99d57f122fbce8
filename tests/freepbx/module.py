"""The FreePBX module: what it says, its translation compiled, and the archive that `fwconsole ma` installs.

`python -m freepbx.module` compiles the translation and writes dist/informativa-VERSION.tgz,
the same bytes each time.
"""

from __future__ import annotations

import gzip
import io
import re
import sys
import tarfile
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from informativa import __version__
from packages.release import write_sums

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "dialplan/freepbx/informativa"
_DAY = 1735689600  # seconds; of all files in the archive, and a year that every tar knows
_PHRASE = re.compile(r"(?<!\w)_\(\s*'((?:[^'\\]|\\.)*)'")


def files() -> list[Path]:
    """All files of the module, by name."""
    return sorted(file for file in MODULE.rglob("*") if file.is_file())


def phrases() -> set[str]:
    """All that the module says in a language: what stands in `_('…')`."""
    sources = [file.read_text(encoding="utf-8") for file in files() if file.suffix == ".php"]
    return {re.sub(r"\\(.)", r"\1", phrase) for text in sources for phrase in _PHRASE.findall(text)}


def compiled(catalogue: Path) -> bytes:
    """Return what gettext reads of a .po file."""
    into = io.BytesIO()
    with catalogue.open("rb") as text:
        write_mo(into, read_po(text))
    return into.getvalue()


def archive() -> bytes:
    """The module as FreePBX installs it: one folder `informativa`, with this version in module.xml."""
    into = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=into, mode="wb", mtime=_DAY, filename="") as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for file in files():
            data = file.read_bytes()
            if file.name == "module.xml":
                data = data.replace(b"@VERSION@", __version__.encode())
            entry = tarfile.TarInfo(f"informativa/{file.relative_to(MODULE)}")
            entry.size, entry.mtime, entry.mode = len(data), _DAY, 0o644
            tar.addfile(entry, io.BytesIO(data))
    return into.getvalue()


def write(folder: Path, version: str) -> None:
    """Put the archive of this version into a folder."""
    (folder / f"informativa-{version}.tgz").write_bytes(archive())


def main() -> int:
    """Compile, and write the archive and the sums of all that lies beside it."""
    for catalogue in MODULE.glob("i18n/*/LC_MESSAGES/*.po"):
        catalogue.with_suffix(".mo").write_bytes(compiled(catalogue))
    folder = ROOT / "dist"
    folder.mkdir(exist_ok=True)
    write(folder, __version__)
    write_sums(folder)
    print(f"dist/informativa-{__version__}.tgz")
    return 0


if __name__ == "__main__":
    sys.exit(main())
