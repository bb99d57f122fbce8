"""The one file: it runs as it is, and lays itself as an environment for service and script."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from agi_script import Script, events, play_nothing
from informativa import __version__
from informativa.operations import init
from lab.debian import Unavailable
from lab.office import Office
from packages import pex


@pytest.fixture(scope="session")
def file(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that `make pex` makes."""
    try:
        return pex.build(tmp_path_factory.mktemp("pex"), wheel)
    except Unavailable as error:
        pytest.skip(str(error))


def run(*command: str | Path, ends: int = 0, **environment: str) -> str:
    """Return what a command prints to either side; it ends with that code."""
    ran = subprocess.run(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert ran.returncode == ends, ran.stdout
    return ran.stdout


def test_it_runs_as_it_is(file: Path, tmp_path: Path) -> None:
    """Help, version, a first configuration and its check need no installation."""
    root = {"PEX_ROOT": str(tmp_path / "root")}
    assert run(file, "--version", **root) == f"informativa {__version__}\n"
    assert "COMMAND" in run(file, "--help", **root)
    run(file, "init", tmp_path / "etc", **root)
    assert "borealis" in run(file, "check", "-c", tmp_path / "etc/informativa.yaml", ends=1, **root)


def test_it_lays_an_environment_whose_script_answers(file: Path, tmp_path: Path) -> None:
    """With no network: the script, started by the link that the dialplan names, does its call."""
    root, place, etc = tmp_path / "root", tmp_path / "opt", tmp_path / "etc"
    run(file, "venv", place, PEX_TOOLS="1", PEX_ROOT=str(root), PIP_NO_INDEX="1")
    assert run(place / "bin/informativa", "--version") == f"informativa {__version__}\n"
    init.init(etc)
    script = Script(etc / "informativa.yaml", program=place / "bin/informativa-agi")
    play_nothing(script, etc)
    assert script.end() == (0, "")
    assert [event.status for event in events(etc)] == ["FAILED"]


def test_it_knows_its_own_service(file: Path, tmp_path: Path) -> None:
    """Whatever its process is called: neither `check` nor `doctor` take it for another program."""
    environment = {**os.environ, "PEX_ROOT": str(tmp_path / "root")}
    office = Office(tmp_path / "etc")
    command = [str(file), "serve", "-c", str(office.config)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as service:
        try:
            assert service.stdout is not None
            assert any(b"ready" in line for line in service.stdout)
            root = {"PEX_ROOT": str(tmp_path / "root")}
            output = run(file, "check", "-c", office.config, **root)
            assert f"127.0.0.1:{office.port}: the service runs (process {service.pid} of " in output
            assert "is taken by" not in run("sh", "-c", f"{file} doctor -c {office.config}; true", **root)
        finally:
            service.terminate()
