"""Fixtures that several test files use."""

from __future__ import annotations

import functools
import gc
import math
import os
import random
import shutil
import signal
import tempfile
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from informativa.config import findings, looks
from informativa.operations.doctor import checks, examination, probe, write_trial
from informativa.operations.init import init
from informativa.process import self_report
from lab import audio
from lab.browser import close_browsers
from lab.chance import (  # noqa: F401  # hooks, too
    NIGHT,
    SEED,
    USUAL,
    by_day,
    mixed,
    pytest_fixture_setup,
    pytest_runtest_protocol,
    sample,
    stream,
)
from lab.failures import pytest_runtest_makereport, pytest_testnodedown  # noqa: F401  # hooks, too
from lab.fast_folder import fast_folder
from lab.fewer_reports import pytest_sessionstart  # noqa: F401  # a hook, too
from lab.leftovers import pytest_configure, pytest_runtest_teardown  # noqa: F401  # hooks, too
from lab.office import Office, lay, listen_at, numbered, without_masters
from lab.ports import free_port
from lab.remembered import remember

HERE = Path(__file__).parent
pytest_plugins = ("lab.left_out",)

pytest.register_assert_rewrite("doubles", "evidence", "console", "traces")  # what tests share

Office.quick = True  # the demo and the benchmark start the program as an admin does

os.environ["LANGUAGE"] = "en"  # the commands speak whoever's locale it is; test_i18n.py sets its own

# A shell starts what runs in the background without SIGINT, nohup without SIGHUP, and whatever a test starts
# would inherit that. A handler is not inherited, and this one lets the tests themselves go on as before.
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, lambda *_: None)

if (fast := fast_folder()) is not None:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(fast))

remember()

FEW = bool(os.environ.get("INFORMATIVA_FEW"))  # `make check`, `make again`

SLOW = {
    "asterisk", "freepbx", "packages", "torture", "test_bench.py", "test_lab.py",
    "evidence/test_crosscheck.py", "evidence/test_killing.py", "evidence/test_receipt_in_browser.py",
}  # fmt: skip
"""Folders and files below tests/ that start an Asterisk, a PostgreSQL, a browser and other programs."""


@functools.cache  # of 12,000 tests in 500 files
def _is_slow(file: Path) -> bool:
    path = file.relative_to(HERE) if file.is_relative_to(HERE) else file
    return not SLOW.isdisjoint((path.parts[0], str(path)))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect ten thousand tests, which stay to the end, without looking for garbage among them meanwhile."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Have each worker begin at another file: in a new clone it compiles some, and reads what others did."""
    report = yield
    worker = getattr(collector.config, "workerinput", None)
    if worker and report.result and collector.path == HERE:
        first = len(report.result) * int(worker["workerid"].removeprefix("gw")) // worker["workercount"]
        report.result[:] = report.result[first:] + report.result[:first]
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make check` leaves out, and have files of every kind run side by side."""
    for item in items:
        if _is_slow(item.path) or "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
    sample(items, 3 if FEW else None)
    items[:] = mixed(items)


# How long an example takes, and how long to make it, is the machine's business. What held a hundred times
# need only run once more.
settings.register_profile(
    "lab",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=10 if FEW else by_day(25, at_night=100),
    derandomize=SEED == USUAL,
    print_blob=True,  # what fails with another seed can be run again
)
settings.load_profile("lab")

TIMES = float(os.environ.get("INFORMATIVA_TORTURE") or 1)
"""The number of tries of an attack for one by day: `inf` in `make torture`, less in `make nightly`."""


@pytest.fixture(scope="session")
def short_prompts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `prompts` as `informativa init` lays it, in which each text takes a second or two.

    Those that are shipped take up to a minute and a half, and `check` looks at each of their samples.
    """
    laid = tmp_path_factory.mktemp("laid") / "etc"
    init(laid)
    without_masters(laid / "prompts")
    for seed, file in numbered(laid / "prompts"):
        audio.write_wav(file, audio.synthetic(2.0 if file.stem == "full" else 1.0, seed))
    for language in ("es", "fr"):  # no company of the example speaks them
        shutil.rmtree(laid / "prompts" / language)
    return laid / "prompts"


@pytest.fixture(scope="session", autouse=True)
def _offices(short_prompts: Path) -> None:
    """Have each `Office` laid with them."""
    Office.prompts = short_prompts


@pytest.fixture(scope="session", autouse=True)
def _browsers() -> Iterator[None]:
    """Close them before it is looked at what tests have left."""
    yield
    close_browsers()


@pytest.fixture(scope="session", autouse=True)
def _patient_program() -> Iterator[None]:
    """Have the program in this process wait longer for a busy machine, whose disk seems slow to it.
    Tests of these limits set them."""
    patient = [replace(check, seconds=max(60.0, 4 * check.seconds)) for check in checks.CHECKS]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(looks, "LOOK_SECONDS", 60.0)
        patched.setattr(findings, "COMPANY_SECONDS", 120.0)
        patched.setattr(checks, "CHECKS", tuple(patient))
        patched.setattr(examination, "SECONDS", 60.0)
        patched.setattr(probe, "SECONDS", 15.0)  # less than the check that asks
        patched.setattr(write_trial, "SECONDS", 60.0)
        patched.setattr(self_report, "TRIAL_SECONDS", 60.0)
        yield


@pytest.fixture
def folder(tmp_path: Path, short_prompts: Path, request: pytest.FixtureRequest) -> Path:
    """A configuration as `informativa init` lays it, its papers named, in a folder of its own."""
    shipped = request.node.get_closest_marker("shipped_prompts")
    lay(tmp_path / "etc", None if shipped else short_prompts)
    return tmp_path / "etc"


@pytest.fixture
def own_port(folder: Path) -> None:
    """Its service has a port that no service beside the tests has: `check` says of one that is taken."""
    listen_at(folder / "informativa.yaml", f"127.0.0.1:{free_port()}")


@pytest.fixture(scope="module")
def module_folder(tmp_path_factory: pytest.TempPathFactory, short_prompts: Path) -> Path:
    """The same, one for all tests of a file, for those that change nothing."""
    laid = tmp_path_factory.mktemp("module") / "etc"
    lay(laid, short_prompts)
    return laid


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may look into, as into all that is made in it; pytest's are closed to others,
    and so may be the folder for temporary files."""
    mask = os.umask(0o022)
    try:
        with tempfile.TemporaryDirectory(dir="/tmp") as name:
            Path(name).chmod(0o755)
            yield Path(name)
    finally:
        os.umask(mask)


@pytest.fixture
def rounds() -> Callable[[int, int], int]:
    """`rounds(short, long)`: so many in `make test`, and so many at most in `make torture`."""
    return lambda short, long: int(min(long, short * TIMES)) if math.isfinite(TIMES) else long


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """The test's dice, thrown the same way each time (lab/chance.py)."""
    return stream(request.node.nodeid)
