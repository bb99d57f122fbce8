"""The apt repository: apt takes it with its key, and refuses what was changed since it was signed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from informativa import __version__
from lab.debian import Unavailable
from packages import repository

KEY = "Archive of a test <archive@informativa.example>"


@pytest.fixture(scope="module")
def keys() -> Iterator[None]:
    """A keyring of gpg with that key, in a folder whose path is short enough for its agent's socket."""
    if missing := [tool for tool in ("gpg", "apt-ftparchive", "apt-get") if not shutil.which(tool)]:
        pytest.skip(f"{missing[0]} is not on this machine")
    home = tempfile.mkdtemp(prefix="gpg-")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GNUPGHOME", home)
        make = ["gpg", "--batch", "--passphrase", "", "--quick-generate-key", KEY, "ed25519", "sign", "never"]
        subprocess.run(make, check=True, capture_output=True)
        yield
        subprocess.run(["gpgconf", "--kill", "all"], check=True)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A package of that name that holds nothing, for this machine."""
    return built(tmp_path / "tree", __version__)


def built(tree: Path, version: str, note: str = "of a test") -> Path:
    """Build one of a version."""
    (tree / "DEBIAN").mkdir(parents=True)
    machine = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True)
    control = f"""\
Package: informativa
Version: {version}
Architecture: {machine.stdout.strip()}
Maintainer: nobody <nobody@informativa.example>
Description: {note}
"""
    (tree / "DEBIAN/control").write_text(control)
    package = tree.parent / f"informativa_{version}_{machine.stdout.strip()}.deb"
    subprocess.run(["dpkg-deb", "--build", tree, package], check=True, capture_output=True)
    return package


def apt(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run apt-get with nothing but this repository, by the sources file that it lays for admins."""
    state = folder.parent / "apt"
    for name in ("lists/partial", "archives/partial", "sources", "empty"):
        (state / name).mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    source = (folder / repository.SOURCES).read_text()
    keyring = source.replace("/usr/share/keyrings", str(folder))
    (state / "sources" / repository.SOURCES).write_text(keyring)
    settings = {
        "Dir::Etc::SourceList": "/dev/null",
        "Dir::Etc::SourceParts": state / "sources",
        "Dir::Etc::Main": "/dev/null",
        "Dir::Etc::Parts": state / "empty",
        "Dir::State::Lists": state / "lists",
        "Dir::State::status": state / "status",
        "Dir::Cache": state,
        "APT::Sandbox::User": "",
        "APT::Update::Error-Mode": "any",
        "Debug::NoLocking": "1",
    }
    options = [f"-o{name}={value}" for name, value in settings.items()]
    return subprocess.run(
        ["apt-get", *options, *arguments],
        cwd=state,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C", "APT_CONFIG": "/dev/null"},
    )


@pytest.mark.usefixtures("keys")
def test_apt_gets_the_package_from_there(small: Path, tmp_path: Path) -> None:
    """With the key that lies in the repository, apt reads its index and downloads the same bytes."""
    repository.lay(tmp_path / "repository", [small], KEY)
    updated = apt(tmp_path / "repository", "update")
    assert updated.returncode == 0, updated.stdout + updated.stderr
    downloaded = apt(tmp_path / "repository", "download", "informativa")
    assert downloaded.returncode == 0, downloaded.stdout + downloaded.stderr
    assert (tmp_path / "apt" / small.name).read_bytes() == small.read_bytes()


@pytest.mark.usefixtures("keys")
def test_versions_stay(small: Path, tmp_path: Path) -> None:
    """A repository to which the next version is added still has the one before."""
    repository.lay(tmp_path / "repository", [small], KEY)
    repository.lay(tmp_path / "repository", [built(tmp_path / "next", "9.9.9")], KEY)
    assert apt(tmp_path / "repository", "update").returncode == 0
    for version in (__version__, "9.9.9"):
        downloaded = apt(tmp_path / "repository", "download", f"informativa={version}")
        assert downloaded.returncode == 0, downloaded.stderr


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("changed", ["InRelease", "Packages"])
def test_apt_refuses_what_was_changed(changed: str, small: Path, tmp_path: Path) -> None:
    """A byte more in the signed index, or in the list of packages that it names, ends `apt-get update`."""
    repository.lay(tmp_path / "repository", [small], KEY)
    for file in (tmp_path / "repository/dists").rglob(changed):
        file.write_text(file.read_text().replace("informativa", "informativo", 1))
    if changed == "Packages":
        assert apt(tmp_path / "repository", "update").returncode == 100
        return
    refused = apt(tmp_path / "repository", "update")
    assert (refused.returncode, "InRelease" in refused.stderr) == (100, True)


@pytest.mark.usefixtures("keys")
def test_another_build_of_a_version_is_refused(small: Path, tmp_path: Path) -> None:
    """What machines may have installed already is not replaced under the same number."""
    repository.lay(tmp_path / "repository", [small], KEY)
    other = built(tmp_path / "other" / "tree", __version__, "other bytes")
    with pytest.raises(Unavailable, match="another build of the same version"):
        repository.lay(tmp_path / "repository", [other], KEY)


@pytest.mark.usefixtures("keys")
def test_signature_of_the_sums_is_verified(tmp_path: Path) -> None:
    """gpg accepts SHA256SUMS with its signature, and not with another byte."""
    sums = tmp_path / "SHA256SUMS"
    sums.write_text("0" * 64 + "  informativa.deb\n")
    signature = repository.sign(sums, KEY)
    assert (
        subprocess.run(["gpg", "--verify", signature, sums], capture_output=True, check=False).returncode == 0
    )
    sums.write_text("1" * 64 + "  informativa.deb\n")
    assert (
        subprocess.run(["gpg", "--verify", signature, sums], capture_output=True, check=False).returncode == 1
    )


@pytest.mark.usefixtures("keys")
def test_mistakes_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No key, a key that gpg does not have, and no package each end with 1 and with what to type."""
    for arguments, sentence in (
        ([], "Nobody is named who signs. Type: make repository KEY=NAME"),
        (["--key", KEY], f"There is no package in {tmp_path}. Type: make deb"),
    ):
        assert repository.main([*arguments, "--packages", str(tmp_path)]) == 1
        assert sentence in capsys.readouterr().err
    built(tmp_path / "tree", "1.0.0")
    assert repository.main(["--key", "nobody@nowhere.example", "--packages", str(tmp_path)]) == 1
    assert "gpg has no key 'nobody@nowhere.example' to sign with." in capsys.readouterr().err
