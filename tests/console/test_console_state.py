"""The state that requests of one console share, without a browser: what is loaded anew, and whose a session
is."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from informativa.config import load
from informativa.console import console as console_module
from informativa.console.console import Console
from informativa.console.jobs import Job
from informativa.console.sessions import Session
from informativa.operations.evidence.bundle_content import Bundle

AS = "acme"


@pytest.fixture
def console(folder: Path) -> Iterator[Console]:
    """A console of two companies, which nobody serves."""
    web = load(folder / "informativa.yaml").web
    made = Console(folder / "informativa.yaml", replace(web, folder=str(folder / "web")))
    yield made
    made.close()


class Inspections:
    """The real inspection of the configuration, which is counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.files: list[Path] = []
        self._inspect: Callable[[Path], Any] = console_module.inspect
        monkeypatch.setattr(console_module, "inspect", self)

    def __call__(self, file: Path) -> Any:
        """Inspect it."""
        self.files.append(file)
        return self._inspect(file)

    @property
    def count(self) -> int:
        """The number of inspections since the last time."""
        files, self.files = self.files, []
        return len(files)


@pytest.fixture
def inspections(monkeypatch: pytest.MonkeyPatch) -> Inspections:
    """The inspections of a test."""
    return Inspections(monkeypatch)


def test_file_is_inspected_when_it_has_changed(console: Console, inspections: Inspections) -> None:
    """By content, and also by mode or owner, which decide who may read it; once for all pages."""
    configuration, problems = console.inspected()
    assert inspections.files == [console.file]
    assert (sorted(configuration.controllers), problems) == (["acme", "borealis"], ())
    assert console.inspected() == (configuration, problems)
    assert console.inspected()[0] is configuration
    assert inspections.count == 1
    text = console.file.read_text()
    console.file.write_text(f"{text}# mine\n")
    assert console.inspected()[0] is not configuration
    assert inspections.count == 1
    console.file.chmod(0o640)
    console.inspected()
    assert inspections.count == 1
    aside = console.file.with_name("aside")
    console.file.rename(aside)
    aside.rename(console.file)
    console.inspected()
    assert inspections.count == 1


def older(*files: Path) -> None:
    """Let files be so old that no change of them is of the moment at which the configuration was read."""
    for file in files:
        os.utime(file, (1, 1))


class Marks:
    """The marks of companies' files, of which a test says the times and the key."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.key, self.seconds = (10, 20), list[float]()
        self.secret: bytes | None = None
        self.ledger: object = "its place"
        self.hangs = False
        monkeypatch.setattr(console_module, "within", self._within)
        monkeypatch.setattr(console_module, "file_mark", lambda _ledger: self.ledger)
        read = console_module._key
        monkeypatch.setattr(
            console_module, "_key", lambda file: read(file) if self.secret is None else self.secret
        )
        self._state: Callable[[Path], tuple[int, ...]] = console_module._state
        monkeypatch.setattr(console_module, "_state", self._key_or_file)

    def _key_or_file(self, file: Path) -> tuple[int, ...]:
        return self.key if file.suffix == ".key" else self._state(file)

    def _within(self, seconds: float, work: Callable[[], object]) -> object:
        self.seconds.append(seconds)
        if self.hangs:
            raise TimeoutError
        return work()


@pytest.fixture
def marks(monkeypatch: pytest.MonkeyPatch) -> Marks:
    """The marks of a test."""
    return Marks(monkeypatch)


def test_company_whose_key_changes_has_all_inspected_again(
    console: Console, inspections: Inspections, marks: Marks
) -> None:
    """Once: from the next page on the new one is known. The same for the place of its ledger."""
    console.inspected(AS)
    console.inspected(AS)
    assert inspections.count == 1
    marks.key = (11, 20)
    console.inspected()
    assert inspections.count == 0
    console.inspected(AS)
    console.inspected(AS)
    assert inspections.count == 1
    marks.ledger = "another"
    console.inspected("borealis")
    assert inspections.count == 0
    console.inspected(AS)
    console.inspected(AS)
    assert inspections.count == 1
    assert set(marks.seconds) == {1.0}


@pytest.mark.parametrize(("secret", "inspected"), [(b"another", 2), (b"", 2), (None, 1)])
def test_first_page_of_a_company_rests_on_its_key(
    console: Console, inspections: Inspections, marks: Marks, secret: bytes | None, inspected: int
) -> None:
    """Another one than was inspected, or none, has all inspected again, whatever the time of its file is."""
    console.inspected()
    marks.key, marks.secret = (1000, 20), secret
    console.inspected(AS)
    console.inspected(AS)
    assert inspections.count == inspected


def test_company_that_is_not_there_or_hangs_is_inspected_by_the_file_alone(
    console: Console, inspections: Inspections, marks: Marks
) -> None:
    """Its page rests on what was loaded; when the disk answers, the mark is compared with the one before."""
    first = console.inspected(AS)
    marks.hangs, marks.key = True, (11, 20)
    assert console.inspected(AS) is first
    assert console.inspected("nobody") is first
    assert inspections.count == 1
    marks.hangs = False
    assert console.inspected(AS) is not first


def test_marks_are_of_the_key_and_the_ledger_of_that_company(console: Console) -> None:
    """By what the system says of them."""
    controller = console.inspected()[0].controllers[AS]
    key, ledger = console.file.with_name("keys") / "acme.key", Path(controller.ledger)
    ledger.parent.mkdir(exist_ok=True)
    ledger.touch()
    mark = console._load().mark(AS)
    assert mark is not None
    status, place = key.stat(), ledger.stat()
    assert mark.key == controller.key
    assert mark.key_state == (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
    assert mark.ledger == (place.st_dev, place.st_ino)
    key.unlink()
    changed = console._load().mark(AS)
    assert changed is not None
    assert (changed.key_state, changed.key) == ((), b"")


def test_pages_at_once_inspect_once_for_a_change(console: Console, inspections: Inspections) -> None:
    """Whoever comes second finds what the first has loaded."""
    console.inspected(AS)
    loaded = console._load()
    first, second = console._load(instead_of=loaded), console._load(instead_of=loaded)
    assert (first is loaded, second is first) == (False, True)
    assert inspections.count == 2


# -- sessions and forms --------------------------------------------------------------------------------------


def session(changed: str = "monday", account: str = "") -> Session:
    """Return a session of anna, of an account that an identity provider gave if there is one."""
    login = SimpleNamespace(account=account) if account else None
    return cast("Session", SimpleNamespace(name="anna", changed=changed, provider_login=login))


def test_account_of_a_session_is_the_one_that_is_stored(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless it was changed or removed since; an identity provider's is none while a stored one has its
    name."""
    stored: dict[str, Any] = {"anna": SimpleNamespace(changed="monday")}
    monkeypatch.setattr(console.accounts, "get", stored.get)
    assert console.account_of(session()) is stored["anna"]
    assert console.account_of(session("tuesday")) is None
    assert console.account_of(session(account="from the provider")) is None
    stored.clear()
    assert console.account_of(session()) is None
    assert console.account_of(session(account="from the provider")) == "from the provider"


def test_token_of_forms_is_of_the_session(console: Console) -> None:
    """It cannot be made without the console's secret, and takes whatever a browser sends."""
    console.secret = b"secret"
    for token in ("t", "\udcff"):
        text = token.encode("utf-8", "surrogatepass")
        assert console.csrf(token) == hmac.new(b"secret", text, hashlib.sha256).hexdigest()


def test_secrets_and_names_are_random_and_long(console: Console) -> None:
    """32 bytes of a secret; names of files of 24 digits."""
    assert len(console.secret) == 32
    names = {console.new_name() for _ in range(10)}
    assert ({len(name) for name in names}, len(names)) == ({24}, 10)
    assert console.now().tzinfo is UTC


@pytest.mark.parametrize("certificate", ["", "cert.pem"])
def test_console_with_a_certificate_speaks_tls(console: Console, certificate: str) -> None:
    """Then its cookies are for TLS alone."""
    console.settings = replace(console.settings, certificate=certificate)
    assert console.secure is bool(certificate)


def test_limits_are_those_of_the_console(folder: Path) -> None:
    """Four forms without a session and eight requests to the provider at a time; five minutes from the
    password to the code; accounts lie in the folder of the settings."""
    web = replace(load(folder / "informativa.yaml").web, folder=str(folder / "web"), idle=77.0)
    console = Console(folder / "informativa.yaml", web)
    try:
        assert (console.anonymous_limiter.total_tokens, console.provider_limiter.total_tokens) == (4, 8)
        assert (console.sessions.idle, console.half_logins.idle) == (77.0, 300.0)
        assert (console.file, console.settings, console.provider) == (folder / "informativa.yaml", web, None)
        assert console.accounts.file.parent == folder / "web"
        assert dict(console.anonymous_by_address) == {}
        assert console.templates.get_template("login.html")
        assert console.folder == console._scratch.folder
    finally:
        console.close()


def test_console_with_an_identity_provider_asks_that_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its settings."""
    provider = cast("Any", object())
    monkeypatch.setattr(console_module, "ProviderClient", lambda of: ("client", of))
    web = replace(load(folder / "informativa.yaml").web, folder=str(folder / "web"), provider=provider)
    console = Console(folder / "informativa.yaml", web)
    assert console.provider == ("client", provider)
    console.close()


def test_end_of_a_console_deletes_its_files(folder: Path) -> None:
    """Streams and jobs end first."""
    console = Console(folder / "informativa.yaml", load(folder / "informativa.yaml").web)
    closed = list[str]()
    console.live = cast("Any", SimpleNamespace(close=lambda: closed.append("live")))
    console.jobs = cast("Any", SimpleNamespace(close=lambda: closed.append("jobs")))
    (console.folder / "bundle.zip").touch()
    console.close()
    assert closed == ["live", "jobs"]
    assert not console.folder.exists()


def test_file_of_a_job_goes_with_it(tmp_path: Path) -> None:
    """Only a bundle has one, and it may be gone."""
    file = tmp_path / "bundle.zip"
    file.touch()
    bundle = object.__new__(Bundle)
    object.__setattr__(bundle, "file", file)
    for result in (bundle, bundle, SimpleNamespace(file=tmp_path), None):
        console_module._delete_file(cast("Job", SimpleNamespace(result=result)))
    assert not file.exists()
    assert tmp_path.exists()


def test_jobs_of_the_console_delete_their_files(console: Console) -> None:
    """When they are forgotten."""
    assert console.jobs._on_removed is console_module._delete_file
