"""Files that come with the program are found, whichever way it is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from informativa.system import shipped

ROOT = Path(__file__).resolve().parent.parent


def files(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by their path in it."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def editable(tmp_path: Path) -> Path:
    """The program of an environment in which this clone was installed by `pip install -e`."""
    environment = tmp_path / "environment"
    venv.create(environment, symlinks=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "tested.pth").write_text(sysconfig.get_path("purelib"))  # what it depends on
    python = environment / "bin/python"
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--ignore-installed", "--quiet")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", *offline, "-e", ROOT]
    subprocess.run(pip, capture_output=True, text=True, timeout=120, check=True, cwd=tmp_path)
    return environment / "bin/informativa"


@pytest.mark.night
@pytest.mark.shipped_prompts
@pytest.mark.slow
def test_editable_installation_is_a_working_program(editable: Path, folder: Path, tmp_path: Path) -> None:
    """`pip install -e` runs the clone's own modules, and lays, writes and speaks what the wheel does."""

    def run(*arguments: str | Path) -> str:
        ran = subprocess.run(
            [editable, *arguments], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    where = "import informativa; print(informativa.__file__)"
    python = [editable.with_name("python"), "-c", where]
    result = subprocess.run(python, capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path)
    assert Path(result.stdout.strip()) == ROOT / "agi/informativa/__init__.py"
    run("init", tmp_path / "laid")
    assert files(tmp_path / "laid/prompts") == files(folder / "prompts")
    assert "[informativa]" in run("dialplan", "-c", folder / "informativa.yaml")
    run("prompts", "texts", tmp_path / "texts")
    assert files(tmp_path / "texts") == files(ROOT / "prompts/texts")


def test_wheel_has_all_that_the_clone_ships(tmp_path: Path) -> None:
    """A language or a dialplan that is added to the clone is not forgotten in the wheel."""
    if shipped.folder("prompts") == ROOT / "prompts":
        pytest.skip("this is an editable installation; `make setup` installs the wheel")
    ignore = shutil.ignore_patterns(*shipped.NOT_PROMPTS)
    shutil.copytree(ROOT / "prompts", tmp_path / "prompts", ignore=ignore)
    assert files(Path(str(shipped.folder("prompts")))) == files(tmp_path / "prompts")
    assert files(Path(str(shipped.folder("texts")))) == files(ROOT / "prompts/texts")
    dialplans = files(Path(str(shipped.folder("dialplan"))))
    assert set(dialplans) == {"freepbx.conf", "informativa.conf"}
    assert dialplans.items() <= files(ROOT / "dialplan").items()
