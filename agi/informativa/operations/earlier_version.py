"""The file that brings an earlier version of informativa: a Debian package, a wheel or a pex. It says which
version it is and which schema of ledgers it knows, and is asked for what it would write.

The version before is a file and not a name, because informativa is in no archive that could be asked for it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from shlex import quote

from ..ledgers.reversing import EarlierSchema
from ..model.errors import InformativaError
from ..model.text import Foreign, Text

OF_PACKAGE = Path("/usr/lib/informativa")  # where the Debian package lays the program
_FIRST = "informativa/ledgers/migrations/0001_event_and_standing.sql"
_VERSION = re.compile(rb'^__version__ = "([\w.+]+)"$', re.MULTILINE)
_ACTIONS = re.compile(r"^class Action\(StrEnum\):\n(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
_NOT_UNDERSTOOD = 2  # the exit code of a command line with unknown words
_NEEDLESS = "informativa/data/prompts/"  # sound, the most of its bytes
_START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from informativa.cli.main import main; sys.exit(main())"
)


class PackageKind(StrEnum):
    """The kinds of files that bring a version, by how their names end."""

    DEBIAN = ".deb"
    WHEEL = ".whl"
    PEX = ".pex"


class UnknownWordsError(InformativaError):
    """A command of an earlier version, or an option, that it does not have."""


@dataclass(frozen=True)
class EarlierVersion:
    """A version of informativa as it lies, without its prompts, in `folder`; and the file that brings it."""

    file: Path
    kind: PackageKind
    version: str
    schema: int
    folder: Path

    @property
    def of_ledgers(self) -> EarlierSchema:
        """The schema of its ledgers."""
        return EarlierSchema(self.version, self.schema)

    @property
    def actions(self) -> frozenset[str] | None:
        """The words for actions that its access log can be read with; `None` where that cannot be told."""
        try:
            text = (self.folder / "informativa/model/words.py").read_text(encoding="utf-8")
        except OSError:
            return None
        words = _ACTIONS.search(text)
        return frozenset(re.findall(r'^    [A-Z_]+ = "([a-z-]+)"', words[1], re.MULTILINE)) if words else None

    def ask(self, *words: str | Path) -> str:
        """Return what one of its commands prints, run on the packages that are installed here. Raises
        InformativaError with what it says if it fails; UnknownWordsError if it does not know the words."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("INFORMATIVA_")
        }
        ran = subprocess.run(  # noqa: S603  # our own program
            [sys.executable, "-c", _START, self.folder, *words],
            cwd=self.folder,
            env=environment | {"LC_ALL": "C.UTF-8", "LANGUAGE": "C", "PYTHONUTF8": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            message = ran.stderr.strip().removeprefix("informativa: ")
            kind = UnknownWordsError if ran.returncode == _NOT_UNDERSTOOD else InformativaError
            raise kind(
                Text(
                    "informativa {version} cannot go on with this configuration: {message}",
                    version=self.version,
                    message=Foreign(message),
                ),
                Text("Take out of it what that version does not know, then type the same again."),
            )
        return ran.stdout

    def install_commands(self, prefix: Path) -> tuple[str, ...]:
        """Return the commands that install it in the place of the program in `prefix`, for a shell."""
        file, python = quote(str(self.file)), quote(str(prefix / "bin/python"))
        match self.kind:
            case PackageKind.DEBIAN:
                return (f"DEBIAN_FRONTEND=noninteractive dpkg --install {file}",)
            case PackageKind.WHEEL:  # the second one for packages that it alone needs
                return (
                    f"{python} -m pip install --quiet --no-deps --force-reinstall {file}",
                    f"{python} -m pip install --quiet {file}",
                )
            case PackageKind.PEX:
                return (f"PEX_TOOLS=1 {_base_python()} {file} venv --force --compile {quote(str(prefix))}",)


def _base_python() -> str:
    """Return the Python that made the environment in which this program is, for a shell."""
    return quote(getattr(sys, "_base_executable", sys.executable))


@contextmanager
def open_package(file: Path, prefix: Path) -> Iterator[EarlierVersion]:
    """Lay the version that a file brings into a temporary folder, for the time of a `with` block. Raises
    InformativaError for a file that is no package of informativa, or not for the program in `prefix`."""
    kind = _kind(file, prefix)
    with tempfile.TemporaryDirectory(prefix="informativa-") as name:
        folder = Path(name)
        try:
            _unpack(file, kind, folder)
            (version,) = _VERSION.findall((folder / "informativa/__init__.py").read_bytes())
            schema = max(int(sql.name[:4]) for sql in (folder / _FIRST).parent.glob("*.sql"))
        except (OSError, ValueError, tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
            reason = Foreign(getattr(error, "strerror", None) or str(error))
            raise InformativaError(
                Text("{file} is no package of informativa that can be read ({why}).", file=file, why=reason),
                Text("Name the file of the version to go back to, as it was built or downloaded."),
            ) from error
        yield EarlierVersion(file.absolute(), kind, version.decode(), schema, folder)


def _kind(file: Path, prefix: Path) -> PackageKind:
    """Return the kind of a file, by its name. Raises InformativaError if it does not fit the program in
    `prefix`."""
    if not file.is_file():
        raise InformativaError(
            Text("There is no file {file}.", file=file),
            Text("Name the file of the version to go back to: informativa rollback FILE"),
        )
    try:
        kind = PackageKind(file.suffix)
    except ValueError:
        raise InformativaError(
            Text("{file} is neither a Debian package nor a wheel nor a pex.", file=file),
            Text("Name one whose name ends in .deb, .whl or .pex."),
        ) from None
    if prefix == OF_PACKAGE and kind is not PackageKind.DEBIAN:
        raise InformativaError(
            Text("informativa was installed by its Debian package, and {file} is none.", file=file),
            Text("Name the Debian package of the version to go back to."),
        )
    if prefix != OF_PACKAGE and (kind is PackageKind.DEBIAN or not (prefix / "pyvenv.cfg").exists()):
        raise InformativaError(
            Text("{file} cannot take the place of the informativa in {prefix}.", file=file, prefix=prefix),
            Text(
                "In a virtual environment name a wheel or a pex. Where informativa came in another way, go"
                " back by the same way."
            ),
        )
    return kind


def _unpack(file: Path, kind: PackageKind, folder: Path) -> None:
    """Lay the package `informativa` of a file into a folder. Raises OSError, ValueError, TarError and
    BadZipFile."""
    if kind is PackageKind.DEBIAN:
        with tempfile.TemporaryFile() as data:
            unpacking = ["dpkg-deb", "--fsys-tarfile", str(file)]
            if subprocess.run(unpacking, stdout=data, stderr=subprocess.PIPE, check=False).returncode:  # noqa: S603
                raise ValueError(file.name)
            data.seek(0)
            with tarfile.open(fileobj=data) as tar:
                files = {member.name: member for member in tar if member.isreg()}
                _lay(list(files), lambda name: _content(tar, files[name]), folder)
    else:
        with zipfile.ZipFile(file) as archive:
            _lay(archive.namelist(), archive.read, folder)


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = tar.extractfile(member)
    assert stream is not None  # a regular file
    return stream.read()


def _lay(names: list[str], read: Callable[[str], bytes], folder: Path) -> None:
    """Write the files of the package `informativa`, wherever it is among these names. Raises ValueError if it
    is not, and for a name that leads out of it."""
    (root,) = {name.removesuffix(_FIRST) for name in names if name.endswith(_FIRST)}
    for name in names:
        place = name.removeprefix(root)
        is_ours = name.startswith(f"{root}informativa/") and not place.startswith(_NEEDLESS)
        if not is_ours or name.endswith("/"):
            continue
        if ".." in PurePosixPath(place).parts:
            raise ValueError(name)
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(read(name))
