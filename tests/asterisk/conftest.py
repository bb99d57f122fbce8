"""A real Asterisk of each version, and informativa beside it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import audio, builds
from lab.debian import Unavailable
from lab.office import Office
from lab.pbx import Pbx

from .site import EXTENSIONS, SECONDS, Site

HERE = Path(__file__).parent
ON_BOTH_BY_DAY = {"test_calls", "test_dialplan"}
"""The files whose subject is what Asterisk itself does; the others run on Asterisk 16 at night."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave for the night what an older Asterisk can hardly change."""
    for item in items:
        if item.path.parent == HERE and item.path.stem not in ON_BOTH_BY_DAY and "[asterisk16" in item.name:
            item.add_marker(pytest.mark.night)


@pytest.fixture(scope="session", params=["testing", "bullseye"], ids=["asterisk22", "asterisk16"])
def build(request: pytest.FixtureRequest) -> builds.Build:
    """An Asterisk of each of the two versions in wide use."""
    try:
        return builds.obtain(request.param, lambda _what, _fraction: None)
    except Unavailable as error:
        pytest.skip(f"Asterisk of {request.param}: {error}")


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Prompts that resemble speech and are unlike each other."""
    folder = tmp_path_factory.mktemp("sounds")
    files = {}
    for seed, (name, seconds) in enumerate({**SECONDS, "after": 0.8}.items()):
        files[name] = folder / f"{name.replace('/', '-')}.wav"
        audio.write_wav(files[name], audio.synthetic(seconds, seed=seed))
    return files


@pytest.fixture(scope="session")
def pbxs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[builds.Build], Pbx]]:
    """One Asterisk of each version for all tests of a worker."""
    with contextlib.ExitStack() as started:

        @functools.cache
        def of(build: builds.Build) -> Pbx:
            return started.enter_context(Pbx(build, tmp_path_factory.mktemp("pbx"), "[from-lab]\n"))

        yield of


@pytest.fixture(scope="module")
def pbx(build: builds.Build, pbxs: Callable[[builds.Build], Pbx]) -> Iterator[Pbx]:
    """The same for the tests of a file, with an empty log and AstDB; each test brings its own dialplan."""
    running = pbxs(build)
    running.resume()
    if not running.pid:  # a test that failed killed it
        running.start()
    running.cli("database deltree informativa")
    running.reload_dialplan("[from-lab]\n")
    running.forget_log()
    running.forget_events()
    yield running
    running.pause()


@pytest.fixture
def site_without_dialplan(pbx: Pbx, sounds: dict[str, Path], tmp_path: Path) -> Iterator[Site]:
    """informativa on its own configuration and ledgers, its service running; nothing calls it yet."""
    office = Office(tmp_path / "etc", {f"{name}.wav": sounds[name] for name in SECONDS})
    site = Site(pbx, office, {name: audio.read_wav(file) for name, file in sounds.items()})
    office.start()
    yield site
    site.close()


@pytest.fixture
def site(site_without_dialplan: Site, sounds: dict[str, Path]) -> Site:
    """The same with a dialplan that calls it, and AstDB as it is on a new PBX."""
    pbx, office = site_without_dialplan.pbx, site_without_dialplan.office
    after = str(sounds["after"]).removesuffix(".wav")
    pbx.cli("database deltree informativa")
    pbx.reload_dialplan(EXTENSIONS % {"after": after, "informativa": office.dialplan()})
    return site_without_dialplan
