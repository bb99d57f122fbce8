"""First configuration in a new folder: one company, or two as an example, their keys, and the prompts."""

from __future__ import annotations

import errno
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ..config.endpoints import DEFAULT_TOKEN
from ..config.schema import ServiceSettings
from ..model import NumberForm
from ..model.errors import InformativaError
from ..model.text import Text, command
from ..system import shipped
from .doctor import ports
from .generated import unwritten
from .keys import write_secret
from .new_company import NewCompany, recorded_languages, required_packages
from .packages import adding
from .packages.request import NoticeRequest, typed_command
from .packages.selection import common_text

FILE = "informativa.yaml"
LISTEN = ServiceSettings().listen
"""The service's address in a new configuration."""
_CONTROLLERS = ("acme", "borealis")  # those of config/template.yaml


@dataclass(frozen=True)
class NewConfiguration:
    """A new configuration, with all that it names."""

    file: Path
    warnings: tuple[Text, ...]
    """The settings to change in it first."""
    company: str = ""
    """The company's name; '' for the two of the example."""
    text: str = ""
    """The configuration of that company."""
    notices: tuple[str, ...] = ()
    """The notices of today that are in it."""
    left_out: tuple[LeftOut, ...] = ()
    written: bool = True


@dataclass(frozen=True)
class LeftOut:
    """A notice of today that could not be laid, for these reasons, and the command that adds it."""

    notice: str
    reasons: tuple[Text, ...]
    next: str


def init(
    folder: Path,
    callers: NumberForm = NumberForm.EITHER,
    company: NewCompany | None = None,
    *,
    write: bool = True,
) -> NewConfiguration:
    """Create a configuration in `folder`, as a whole or not at all, of the two example companies or of
    `company`; `callers` is the form in which the trunk writes numbers. Without `write` only tell what would
    be created. Raises InformativaError, also where the folder is not empty."""
    laid = _Laid()
    try:
        if folder.exists() and any(folder.iterdir()):
            raise InformativaError(
                Text("{folder} is not empty.", folder=folder),
                Text("Name a new folder: informativa init DIR"),
            )
        if not write:
            with tempfile.TemporaryDirectory(prefix="informativa-") as trial:
                laid = _fill(Path(trial) / "etc", callers, company, folder)
            return _configuration(folder, company, laid, written=False)
        existing = folder.exists()
        place = folder if existing else folder.parent
        place.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".informativa-", dir=place))
        try:
            laid = _fill(work, callers, company, folder)
            work.chmod(0o755)
            if existing:
                _move_into(folder, work)
            else:
                work.rename(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    except (OSError, shutil.Error) as error:
        raise _unwritable(folder, error) from error
    return _configuration(folder, company, laid, written=True)


def prepare(work: Path, final: Path, callers: NumberForm, company: NewCompany) -> NewConfiguration:
    """Create the configuration of a company in the new folder `work`, which is to be moved to `final`. Raises
    InformativaError."""
    try:
        laid = _fill(work, callers, company, final)
    except (OSError, shutil.Error) as error:
        raise _unwritable(final, error) from error
    return _configuration(final, company, laid, written=False)


@dataclass(frozen=True)
class _Laid:
    """The result of filling a folder for one company."""

    text: str = ""
    notices: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def _configuration(
    folder: Path, company: NewCompany | None, laid: _Laid, *, written: bool
) -> NewConfiguration:
    name = company.name if company else ""
    return NewConfiguration(
        folder / FILE, tuple(_port_warnings()), name, laid.text, laid.notices, laid.left_out, written
    )


def _move_into(folder: Path, work: Path) -> None:
    """Fill a folder that cannot be replaced, such as a container's volume. The configuration comes last:
    after a power failure before that there is none."""
    for path in sorted(work.iterdir(), key=lambda path: path.name == FILE):
        path.rename(folder / path.name)
    with suppress(PermissionError):  # a folder of somebody else's, who lets us write there
        folder.chmod(0o755)


def _fill(folder: Path, callers: NumberForm, company: NewCompany | None, final: Path) -> _Laid:
    for private in ("keys", "ledger"):
        (folder / private).mkdir(mode=0o700, parents=True)
    for controller in company.ids if company else _CONTROLLERS:
        write_secret(folder / "keys" / f"{controller}.key")
    write_secret(folder / DEFAULT_TOKEN)
    other_languages = set(recorded_languages()) - set(company.languages) if company else ()
    with resources.as_file(shipped.folder("prompts")) as prompts:
        ignored = shutil.ignore_patterns(*shipped.NOT_PROMPTS, *other_languages)
        shutil.copytree(prompts, folder / "prompts", ignore=ignored)
    laid = _lay_company(folder, callers, company, final) if company else _lay_example(folder, callers)
    for path in (folder / "prompts", *(folder / "prompts").rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)  # Asterisk reads them, however narrow pip's umask was
    return laid


def _lay_example(folder: Path, callers: NumberForm) -> _Laid:
    template = resources.files("informativa.config") / "template.yaml"
    text = template.read_text(encoding="utf-8")
    chosen = text.replace(f"callers: {NumberForm.EITHER} ", f"callers: {callers} ")
    (folder / FILE).write_text(chosen, encoding="utf-8")
    return _Laid()


def _lay_company(folder: Path, callers: NumberForm, company: NewCompany, final: Path) -> _Laid:
    """Write the configuration of one company, and add the notices of today that lack nothing."""
    file = folder / FILE
    file.write_text(company.configuration(callers), encoding="utf-8")
    notices: list[str] = []
    left_out: list[LeftOut] = []
    for package in required_packages(company.notices):
        values = company.values_of(package)
        text = common_text(package, company.languages)
        request = NoticeRequest(package.id, company.id, values=values, text=text)
        try:
            added = adding.add(file, request, write=True)
        except InformativaError as error:
            left_out.append(LeftOut(package.id, (error.text,), typed_command(final / FILE, request)))
            continue
        if added.written:
            notices.append(package.id)
        else:
            typed = added.next.replace(command("-c", file), command("-c", final / FILE))
            left_out.append(LeftOut(package.id, added.missing, typed))
    file.with_name(f"{FILE}.bak").unlink(missing_ok=True)
    return _Laid(file.read_text(encoding="utf-8"), tuple(notices), tuple(left_out))


def _unwritable(folder: Path, error: OSError) -> InformativaError:
    full = error.errno == errno.ENOSPC or "No space left" in str(error)  # shutil.Error has it in its text
    return unwritten(
        folder,
        error,
        Text("Make room on that disk.")
        if full
        else Text("Name a folder that you may write, or run this as root."),
    )


def _port_warnings() -> list[Text]:
    """Return a warning if the port of a new configuration is taken."""
    with suppress(OSError):  # no such address here, say, which `check` tells
        if ports.occupied(LISTEN) is not None:
            message = Text(
                "{address} is taken already; in the new configuration set service.listen to another port"
            )
            return [message.format(address=LISTEN)]
    return []
