"""The state that all requests of one console share."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from anyio import CapacityLimiter

from ..config import Configuration, inspect
from ..model import WebServer
from ..operations.accounts import store as accounts
from ..operations.accounts.user_account import UserAccount
from ..operations.evidence.bundle_content import Bundle
from ..views import console_templates as view
from .jobs import Job, Jobs
from .live import LiveCalls
from .provider_client import ProviderClient
from .scratch import Scratch
from .sessions import Session, Sessions
from .throttle import Throttle

HALF_LOGIN_SECONDS = 300.0  # from the password to the code
ANONYMOUS_AT_ONCE = 4  # forms without a session that are handled at a time
AT_PROVIDER = 8  # requests that wait for the identity provider at a time


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
        self._scratch = Scratch()
        self.folder = self._scratch.folder
        self.templates = view.environment()
        self._lock = threading.Lock()
        self._cached: tuple[tuple[int, ...], Configuration] | None = None

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

    def csrf(self, token: str, account: str) -> str:
        """Return the token of the forms of a session; of its account, too, behind a web server that says who
        somebody is: there somebody else may have planted the session's token. Elsewhere who was logged out
        meanwhile is told so."""
        text = f"{token} {account if self.settings.header else ''}".encode("utf-8", "surrogatepass")
        return hmac.new(self.secret, text, hashlib.sha256).hexdigest()

    def new_name(self) -> str:
        """Return a name that no other file has."""
        return secrets.token_hex(12)

    def close(self) -> None:
        """End all streams and jobs, and delete all files."""
        self.live.close()
        self.jobs.close()
        self._scratch.close()

    def configuration(self) -> Configuration:
        """Return the configuration as the file stands now. Raises ConfigError if no part of it can be
        used."""
        status = self.file.stat()
        file_state = (status.st_mtime_ns, status.st_size, status.st_ino)
        with self._lock:
            if self._cached is None or self._cached[0] != file_state:
                self._cached = file_state, inspect(self.file)[0]
            return self._cached[1]


def _delete_file(job: Job) -> None:
    """Delete the file that a job wrote."""
    if isinstance(job.result, Bundle):
        job.result.file.unlink(missing_ok=True)
