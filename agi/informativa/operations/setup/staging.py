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
from ...system.files import point
from .. import init
from ..new_company import NewCompany

_DRAFT = ".informativa-setup-"  # and the process, so that a draft is known whose process was killed
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
        if (final / "keys").is_dir():
            shutil.copytree(final / "keys", folder / "keys", dirs_exist_ok=True)
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
        target = final / path
        _make_folders(staging.folder, final, path.parent)
        if not (path.parts[0] == "keys" and target.exists()):
            (staging.folder / path).replace(target)
    _make_folders(staging.folder, final, Path("ledger"))
    _same_rights(staging.folder, final)


def _make_folders(staging: Path, final: Path, relative: Path) -> None:
    for folder in (*reversed(relative.parents), relative):
        if not (final / folder).is_dir():
            (final / folder).mkdir()
            _same_rights(staging / folder, final / folder)


def _same_rights(like: Path, folder: Path) -> None:
    status = like.stat()
    with suppress(PermissionError):  # a folder of somebody else's, who lets us write there
        folder.chmod(status.st_mode & 0o777)
        os.chown(folder, status.st_uid, status.st_gid)


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
