"""A folder for the temporary files of a run, which each worker's tests must leave empty.

Programs that end in order delete their temporary files. Those that a test kills cannot, and have a TMPDIR in
that test's own folder. The name is short, and the folder open to every user: sockets are in it, and files of
servers that run as another user.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator, Mapping
from multiprocessing.util import Finalize
from pathlib import Path

import pytest

_FOLDER = pytest.StashKey[Path]()
_ORIGINS = pytest.StashKey[dict[str, str]]()
_OF_PYTHON = "pymp-"  # multiprocessing deletes it when the worker ends
_LAST = -101  # it does that with -100


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder, and delete it when the run ends; each of xdist's workers makes its own in it."""
    before = {name: os.environ.get(name) for name in ("TMPDIR", "PYTEST_DEBUG_TEMPROOT")}
    worker = getattr(config, "workerinput", None)
    if worker:
        folder = Path(os.environ["TMPDIR"], worker["workerid"])
        folder.mkdir()
    else:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())  # whose files outlive the run
        folder = Path(tempfile.mkdtemp(prefix="tests-"))
    folder.chmod(0o1777)
    os.environ["TMPDIR"], tempfile.tempdir = str(folder), None
    config.stash[_FOLDER], config.stash[_ORIGINS] = folder, {}

    def end() -> None:
        if not worker:  # after multiprocessing's own, which complains of a folder that is not there
            Finalize(None, shutil.rmtree, (folder, True), exitpriority=_LAST)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        tempfile.tempdir = None

    config.add_cleanup(end)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    """Note during which test each file appeared; have the last test fail if some are still there."""
    result = yield
    origins = item.config.stash[_ORIGINS]
    note(origins, item.config.stash[_FOLDER], item.nodeid)
    if nextitem is None and origins:
        pytest.fail(complaint(origins), pytrace=False)
    return result


def note(origins: dict[str, str], folder: Path, test: str) -> None:
    """Bring `origins`, the test of each file in a folder, up to date after a test."""
    names = {file.name for file in folder.iterdir() if not file.name.startswith(_OF_PYTHON)}
    for name in origins.keys() - names:
        del origins[name]
    for name in names - origins.keys():
        origins[name] = test


def complaint(origins: Mapping[str, str]) -> str:
    """Return the words about files that are left."""
    lines = (f"  {name}, which appeared during {test}" for name, test in sorted(origins.items()))
    return "\n".join(("In the folder for temporary files are left:", *lines))
