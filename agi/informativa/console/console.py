"""The state that all requests of one console share."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from anyio import CapacityLimiter

from ..config import Configuration, inspect
from ..config.builder import file_mark
from ..config.controllers import parse_key
from ..ledgers.remembered_callers import RememberedCallers
from ..model import WebServer
from ..model.errors import ConfigProblem
from ..operations.access_log import OpenAccessLogs
from ..operations.accounts import store as accounts
from ..operations.accounts.user_account import UserAccount
from ..operations.evidence.bundle_content import Bundle
from ..system.patience import within
from ..views import console_templates as view
from .jobs import Job, Jobs
from .live import LiveCalls
from .provider_client import ProviderClient
from .scratch import Scratch
from .sessions import Session, Sessions
from .throttle import Throttle

HALF_LOGIN_SECONDS = 300.0  # from the password to the code
ANONYMOUS_AT_ONCE = 4  # forms without a session that are handled at a time
MARK_SECONDS = 1.0  # for the files of a company that a page is about
AT_PROVIDER = 8  # requests that wait for the identity provider at a time

Inspected = tuple[Configuration, tuple[ConfigProblem, ...]]


class Console:
    """The state that requests share. `file` is the configuration; it is read again when it has changed."""

    def __init__(self, file: Path, settings: WebServer) -> None:
        self.file, self.settings = file, settings
        self.secret = secrets.token_bytes(32)
        self.accounts = accounts.AccountFile(Path(settings.folder))
        self.sessions, self.throttle = Sessions(settings.idle), Throttle()
        self.half_logins = Sessions(HALF_LOGIN_SECONDS)
        self.anonymous_limiter = CapacityLimiter(ANONYMOUS_AT_ONCE)
        self.provider = ProviderClient(settings.provider) if settings.provider else None
        self.provider_limiter = CapacityLimiter(AT_PROVIDER)
        self.anonymous_by_address = Counter[str]()
        self.jobs = Jobs(_delete_file)
        self.live = LiveCalls()
        self.access_logs = OpenAccessLogs()
        self.callers = RememberedCallers()
        self._scratch = Scratch()
        self.folder = self._scratch.folder
        self.templates = view.environment()
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None

    @property
    def secure(self) -> bool:
        """Tell if the console itself speaks TLS."""
        return bool(self.settings.certificate)

    def now(self) -> datetime:
        """Return the machine's time, in UTC."""
        return datetime.now(UTC)

    def account_of(self, session: Session) -> UserAccount | None:
        """Return the account of a session; `None` if it was changed or removed since, or a stored account has
        the name that an identity provider gave."""
        stored = self.accounts.get(session.name)
        if session.provider_login is not None:
            return session.provider_login.account if stored is None else None
        return stored if stored is not None and stored.changed == session.changed else None

    def csrf(self, token: str) -> str:
        """Return the token of the forms of a session."""
        return hmac.new(self.secret, token.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def new_name(self) -> str:
        """Return a name that no other file has."""
        return secrets.token_hex(12)

    def close(self) -> None:
        """End all streams and jobs, and delete all files."""
        self.live.close()
        self.jobs.close()
        self.access_logs.close()
        self._scratch.close()

    def inspected(self, company: str = "") -> Inspected:
        """Return the configuration as the file stands now, and its problems. Where the key of that company
        has changed, or the place of its ledger, all is inspected again. Raises ConfigError if no part of it
        can be used."""
        loaded = self._load()
        mark = loaded.mark(company)  # without the lock: a disk that hangs is one company's (I10)
        if mark is not None:
            if loaded.is_other(company, mark):
                loaded = self._load(instead_of=loaded)
            loaded.marks[company] = mark
        return loaded.inspected

    def _load(self, instead_of: _Loaded | None = None) -> _Loaded:
        """Return what was loaded last, unless the file has changed or it is the one to be replaced."""
        file_state = _state(self.file)
        with self._lock:
            if self._loaded is None or self._loaded is instead_of or self._loaded.file_state != file_state:
                self._loaded = _Loaded(file_state, inspect(self.file))
            return self._loaded


@dataclass(frozen=True)
class _Loaded:
    """A configuration with its problems; the state of its file before it was read, and the marks of the
    companies that somebody has asked about since."""

    file_state: tuple[int, ...]
    inspected: Inspected
    marks: dict[str, _Mark] = field(default_factory=dict)

    def mark(self, company: str) -> _Mark | None:
        """Return the mark of a company's files now; `None` where there is no such company or they do not
        answer."""
        configuration, _problems = self.inspected
        controller = configuration.controllers.get(company)
        if controller is None:
            return None
        key = configuration.folder / configuration.key_files[company]
        ledger = Path(controller.ledger)
        try:
            return within(MARK_SECONDS, lambda: _Mark(_state(key), _key(key), file_mark(ledger)))
        except TimeoutError:
            return None

    def is_other(self, company: str, mark: _Mark) -> bool:
        """Tell if a company's files are others than those that were inspected. Of its first mark only the key
        is compared: the time of a file is of another clock on a file server."""
        earlier = self.marks.get(company)
        return mark.key != self.inspected[0].controllers[company].key if earlier is None else mark != earlier


@dataclass(frozen=True)
class _Mark:
    """The state of a company's key and the key itself, and the place of its ledger."""

    key_state: tuple[int, ...]
    key: bytes = field(repr=False)
    ledger: object


def _state(file: Path) -> tuple[int, ...]:
    """Return what changes with a file's content, owner or mode; nothing where there is none."""
    try:
        status = file.stat()
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def _key(file: Path) -> bytes:
    """Return the key in a file; empty if there is none."""
    try:
        return parse_key(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return b""


def _delete_file(job: Job) -> None:
    """Delete the file that a job wrote."""
    if isinstance(job.result, Bundle):
        job.result.file.unlink(missing_ok=True)
