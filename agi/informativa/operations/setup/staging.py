"""A new configuration before it is in its place: beside it, complete, with the owner that it is to have. It
is moved there as a whole; where a folder is there already, its configuration comes last."""

from __future__ import annotations

import os
import pwd
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ...asterisk import dialplan
from ...model import NumberForm
from ...model.errors import InformativaError
from ...model.text import Text, command
from ...system.files import make_folder, point, read_foreign
from ...system.pinned_path import pin
from .. import init
from ..new_company import NewCompany

_DRAFT = ".informativa-setup-"  # and the process, so that a draft is known whose process was killed
_LARGEST_KEY = 1 << 20
_LINK_TARGET = "informativa-agi"


@dataclass(frozen=True)
class Staging:
    """A new configuration at `folder`, which is to become `final`."""

    folder: Path
    final: Path
    laid: init.NewConfiguration

    @property
    def text(self) -> str:
        """The text of the configuration."""
        return (self.folder / init.FILE).read_text(encoding="utf-8")

    def files(self) -> list[Path]:
        """Return all files in it, and links, by their paths within it; the configuration is the last."""
        paths = (path for path in self.folder.rglob("*") if path.is_symlink() or not path.is_dir())
        return sorted(
            (path.relative_to(self.folder) for path in paths), key=lambda path: (path.name == init.FILE, path)
        )


@contextmanager
def staged(
    final: Path, company: NewCompany, callers: NumberForm, listen: str, user: pwd.struct_passwd
) -> Iterator[Staging]:
    """Lay a configuration that is to become `final`, for the time of a block. Keys that are there stay in
    use. Raises InformativaError."""
    around = next(folder for folder in final.parents if folder.is_dir())
    place = around if os.access(around, os.W_OK) else None  # a preview needs no right to write there
    with tempfile.TemporaryDirectory(prefix=f"{_DRAFT}{os.getpid()}-", dir=place) as work:
        folder = Path(work) / final.name
        laid = init.prepare(folder, final, callers, company)
        _listen(folder / init.FILE, listen)
        _copy_keys(final / "keys", folder / "keys", user)
        point(dialplan.started(folder / init.FILE), Path(sys.executable).with_name(_LINK_TARGET))
        _give(folder, user)
        yield Staging(folder, final, laid)


def remove_abandoned(folder: Path) -> None:
    """Remove drafts of processes that are no more: keys are in them."""
    for draft in folder.glob(f"{_DRAFT}*"):
        process = draft.name.removeprefix(_DRAFT).partition("-")[0]
        if not Path("/proc", process).exists():
            shutil.rmtree(draft, ignore_errors=True)


def move_into_place(staging: Staging) -> None:
    """Move a configuration into its place: at once where there is nothing, or else file by file. Raises
    OSError."""
    final = staging.final
    if not final.exists():
        final.parent.mkdir(parents=True, exist_ok=True)
        staging.folder.rename(final)
        return
    for path in staging.files():
        _make_folders(staging.folder, final, path.parent)
        with pin(final / path.parent) as folder:
            if not (path.parts[0] == "keys" and (folder / path.name).exists()):
                (staging.folder / path).replace(folder / path.name)
    _make_folders(staging.folder, final, Path("ledger"))
    status = staging.folder.stat()
    with pin(final) as folder, suppress(PermissionError):  # somebody else's, who lets us write there
        folder.chmod(status.st_mode & 0o777)
        os.chown(folder, status.st_uid, status.st_gid)


def _make_folders(staging: Path, final: Path, relative: Path) -> None:
    for path in (*reversed(relative.parents), relative):
        if path.name:
            status = (staging / path).stat()
            with pin((final / path).parent) as around:
                make_folder(around / path.name, status, status.st_mode & 0o777)


def _copy_keys(source: Path, target: Path, user: pwd.struct_passwd) -> None:
    """Copy the keys that are there. Root takes none but the user's own: he could lay a link to any file among
    them. Raises InformativaError."""
    if not source.is_dir():
        return
    with pin(source) as folder:
        for key in sorted(path for path in folder.iterdir() if path.is_symlink() or not path.is_dir()):
            owners = (user.pw_uid,) if os.geteuid() == 0 else ()
            content = None if key.is_symlink() else read_foreign(key, _LARGEST_KEY, *owners)
            if content is None:
                raise InformativaError(
                    Text("{file} is no key of {user}.", file=source / key.name, user=user.pw_name),
                    Text("Give it to him, or put it elsewhere: {command}",
                         command=command("ls", "-l", source)),
                )  # fmt: skip
            (target / key.name).touch(0o600)
            (target / key.name).write_bytes(content)


def _listen(file: Path, listen: str) -> None:
    """Put the service's address into a configuration that `init` wrote."""
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(f"listen: {init.LISTEN}", f"listen: {listen}", 1), encoding="utf-8")


def _give(folder: Path, user: pwd.struct_passwd) -> None:
    """Give a folder with all that is in it to a user, as root."""
    folder.chmod(0o755)
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.lchown(path, user.pw_uid, user.pw_gid)
