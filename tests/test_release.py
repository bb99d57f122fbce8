"""A release: what it refuses, what is in it, and that two of one commit are the same."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.backends.openssl import backend
from psycopg import pq

from informativa import __version__
from packages import carried, release, release_build, sbom
from packages.release import ROOT, disagreements

pytestmark = pytest.mark.skipif(
    not shutil.which("git"), reason="git, which tells what is committed, is not here"
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with a version, a changelog, and all of it committed."""
    (tmp_path / "agi/informativa").mkdir(parents=True)
    (tmp_path / "agi/informativa/__init__.py").write_text('__version__ = "1.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n## 1.2.0\n\n- New.\n")
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    return tmp_path


def git(where: Path, *arguments: str) -> None:
    """In that repository, as nobody in particular."""
    own = (
        "-c",
        "user.name=x",
        "-c",
        "user.email=x@example",
        "-c",
        "tag.gpgsign=false",
        "-c",
        "commit.gpgsign=false",
    )
    subprocess.run(["git", *own, *arguments], cwd=where, check=True, capture_output=True, timeout=60)


def commit(where: Path) -> None:
    """All that there is."""
    git(where, "add", "-A")
    git(where, "commit", "-qm", "x")


def test_release_needs_a_changelog_of_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    """The notes are that version's part and no other's; without one, or of another version, none."""
    changelog = "# Changelog\n\n## 1.3.0\n\n- New.\n\n## 1.2.0 (2026-11-25)\n\n- Old.\n- Older.\n"
    assert release.of_version(changelog, "1.3.0") == "- New."
    assert release.of_version(changelog, "1.2.0") == "- Old.\n- Older."
    assert release.of_version(changelog, "1.2") == ""
    assert release.main(["99.0.0"]) == 1
    assert "__version__" in capsys.readouterr().err
    script = [sys.executable, ROOT / "tests/packages/release.py", __version__]
    ran = subprocess.run(script, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == (1 if ran.stderr else 0)  # 1 while something is unreleased, or not committed
    assert "says nothing of" not in ran.stderr
    assert "The package is not" not in ran.stderr


def test_version_changelog_and_tag_that_agree(checkout: Path) -> None:
    """With that tag, and before it is made, nothing is in the way."""
    assert disagreements("1.2.0", checkout) == []
    git(checkout, "tag", "v1.2.0")
    assert disagreements("1.2.0", checkout) == []


def test_each_disagreement_is_told_with_what_to_do(checkout: Path) -> None:
    """Another version, no heading, something unreleased, another tag, the tag elsewhere, open changes."""
    assert [problem.partition(":")[0] for problem in disagreements("1.3.0", checkout)] == [
        "The package is not 1.3.0",
        "The changelog says nothing of 1.3.0",
    ]
    git(checkout, "tag", "v1.1.0")
    assert "This commit is tagged v1.1.0, and the package is 1.2.0" in disagreements("1.2.0", checkout)[0]
    git(checkout, "tag", "v1.2.0")
    log = checkout / "CHANGELOG.md"
    log.write_text(log.read_text().replace("## Unreleased\n", "## Unreleased\n\n- Later.\n"))
    assert [problem.partition(":")[0] for problem in disagreements("1.2.0", checkout)] == [
        "The changelog has something unreleased",
        "This commit is tagged v1.1.0, and the package is 1.2.0",
        "There are changes that are not committed",
    ]
    commit(checkout)
    assert "v1.2.0 is another commit already" in disagreements("1.2.0", checkout)[1]


@pytest.mark.night
@pytest.mark.slow
def test_release_is_whole_and_the_same_twice(tmp_path: Path) -> None:
    """Wheel, sdist, FreePBX module, bill of materials, sums, notes; two builds of one commit are the same."""
    for name in ("one", "two"):
        release_build.build(tmp_path / name, __version__, release_build.OF_PYTHON)
    files = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    assert sorted(files) == [
        "SHA256SUMS",
        f"informativa-{__version__}-py3-none-any.whl",
        f"informativa-{__version__}.tar.gz",
        f"informativa-{__version__}.tgz",
        "informativa.cdx.json",
        "notes.md",
    ]
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "two").iterdir()}
    assert files["notes.md"].startswith(b"**To do after this upgrade:**")
    assert [line for line in files["notes.md"].decode().splitlines() if line.startswith("### ")] == [
        "### Added",
        "### Changed",
        "### Deprecated",
        "### Fixed",
        "### Security",
    ]


def sums(folder: Path) -> list[str]:
    """Check SHA256SUMS by sha256sum, and give its lines."""
    command = ["sha256sum", "--strict", "--check", "SHA256SUMS"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    return ran.stdout.splitlines()


def test_every_file_is_in_the_sums(tmp_path: Path) -> None:
    """Whatever a builder puts into a release, and the notes, `sha256sum -c` looks at; a file that is added
    later is in the sums once these are written again."""

    def two(folder: Path, _version: str) -> None:
        (folder / "informativa.new").write_bytes(b"one\n")
        (folder / "signature").write_bytes(b"two\n")

    folder = tmp_path / "dist"
    release_build.build(folder, __version__, (release_build.Builder("two", two),))
    assert sums(folder) == ["informativa.new: OK", "notes.md: OK", "signature: OK"]
    (folder / "informativa.tgz").write_bytes(b"three\n")
    release.write_sums(folder)
    assert sums(folder) == ["informativa.new: OK", "informativa.tgz: OK", "notes.md: OK", "signature: OK"]


def test_one_package_alone_has_the_sums_of_the_whole_folder(tmp_path: Path) -> None:
    """`make deb` and `make pex` write the sums of what lay there before, too."""
    (tmp_path / "informativa.tgz").write_bytes(b"before\n")

    def one(folder: Path, _wheel: Path) -> list[Path]:
        (folder / "package").write_bytes(b"new\n")
        return [folder / "package"]

    assert carried.command("deb", one, [str(tmp_path)]) == 0
    assert sums(tmp_path) == ["informativa.tgz: OK", "package: OK"]


def test_what_is_brought() -> None:
    """All that the wheel needs is required, what extras bring optional, what tests need is not in it."""
    facts = json.loads(sbom.bill("informativa"))
    assert (facts["bomFormat"], facts["specVersion"]) == ("CycloneDX", "1.6")
    scopes = {
        component["name"].lower().replace("_", "-"): component["scope"] for component in facts["components"]
    }
    assert {scopes[name] for name in ("panoramisk", "pyst2", "pyyaml", "pydantic-core")} == {"required"}
    assert {scopes[name] for name in ("starlette", "psycopg", "py-nanotts")} == {"optional"}
    assert not {"pytest", "hypothesis", "patroni", "ruff"} & set(scopes)
    references = {component["bom-ref"] for component in facts["components"]}
    needed = {one for component in facts["dependencies"] for one in component.get("dependsOn", ())}
    assert needed == references
    assert facts["metadata"]["component"]["licenses"] == [{"expression": "Apache-2.0"}]


@pytest.mark.night
def test_native_libraries_are_listed_with_their_versions() -> None:
    """Of what a wheel carries beside its modules and of what is compiled into them, each under its wheel; the
    versions are those that the libraries themselves tell, and two lists are the same."""
    text = sbom.bill("informativa")
    assert text == sbom.bill("informativa")
    within = {
        part["name"].lower().replace("_", "-"): {one["name"]: one for one in part.get("components", ())}
        for part in json.loads(text)["components"]
    }
    psycopg = within["psycopg-binary"]
    assert {"krb5", "openldap", "openssl", "postgresql"} <= set(psycopg)
    assert psycopg["postgresql"]["version"] == f"{pq.version() // 10000}.{pq.version() % 10000}"
    assert re.fullmatch(r"3\.\d+\.\d+", psycopg["openssl"]["version"])
    files = [one["location"] for one in psycopg["openssl"]["evidence"]["occurrences"]]
    assert [re.sub("-[0-9a-f]{8}", "", file) for file in files] == ["libcrypto.so.3", "libssl.so.3"]
    openssl = re.match(r"OpenSSL (\S+)", backend.openssl_version_text())
    assert openssl is not None
    assert within["cryptography"]["openssl"]["version"] == openssl[1]
    assert within["uvloop"]["libuv"]["version"].startswith("1.")
    assert within["pyyaml"]["libyaml"]["version"] == yaml._yaml.get_version_string()
    assert "pyo3" in within["pydantic-core"]
    assert set(within["argon2-cffi-bindings"]) == {"argon2"}


@pytest.mark.night
def test_every_compiled_part_is_accounted_for() -> None:
    """A distribution with compiled modules names what is in them, or is one whose code is its own."""
    bill = json.loads(sbom.bill("informativa"))
    named = {part["name"].lower().replace("_", "-") for part in bill["components"] if part.get("components")}
    compiled = {
        name
        for name in (part["name"].lower().replace("_", "-") for part in bill["components"])
        if any(".so" in str(file) for file in distribution(name).files or ())
    }
    assert compiled - named == {"cbor2", "markupsafe"}


def test_failed_build_leaves_nothing(tmp_path: Path) -> None:
    """A release is there as a whole or not at all."""

    def broken(folder: Path, _version: str) -> None:
        (folder / "half").touch()
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        release_build.build(tmp_path / "release", "1.2.0", (release_build.Builder("half", broken),))
    assert not (tmp_path / "release").exists()


def test_workflow_builds_by_the_same_command() -> None:
    """What a tag has built is what `make release` builds."""
    assert "run: make release RELEASE=dist\n" in (ROOT / ".github/workflows/release.yml").read_text()
