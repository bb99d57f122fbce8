"""Commands that count all callers, and compute only while no other process wants to."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import run
from informativa.cli import main as cli
from informativa.cli.main import main
from informativa.system import priority


@pytest.fixture(autouse=True)
def no_systemd(tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """A machine on which systemd does not run, and a policy that stays as it is."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(priority, "BOOTED", tmp_path / "not there")
        patched.setattr(os, "sched_setscheduler", lambda *_arguments: None)
        yield patched


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a command that is called in this process do as one in a process of its own."""
    monkeypatch.setattr(cli, "give_way", priority.give_way)


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize(
    ("word", "policies"),
    [("reload", [5]), ("status", [])],
    ids=["reload", "status"],
)
def test_a_command_that_counts_all_callers_gives_way(
    word: str, policies: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes SCHED_IDLE, which is 5, before it loads what it needs; others stay as they are."""
    taken: list[int] = []
    monkeypatch.setattr(os, "sched_setscheduler", lambda _process, policy, _parameters: taken.append(policy))
    monkeypatch.setattr(sys, "argv", ["informativa", word, "--help"])
    assert main() == 0
    assert taken == policies


@pytest.mark.usefixtures("program")
def test_a_command_goes_on_where_it_may_not_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that forbids it has the work done all the same."""

    def refuse(*_arguments: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    monkeypatch.setattr(sys, "argv", ["informativa", "reload", "--help"])
    assert main() == 0


@pytest.mark.usefixtures("program")
def test_a_command_within_another_program_leaves_that_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever calls the program's function keeps the priority of his process."""
    monkeypatch.setattr(os, "sched_setscheduler", lambda *_arguments: pytest.fail("gave way"))
    assert main(["reload", "--help"]) == 0


def test_a_command_that_a_test_calls_leaves_the_tests_their_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever comes after it in this process, or is started from it, is as urgent as before."""
    monkeypatch.setattr(os, "sched_setscheduler", lambda *_arguments: pytest.fail("gave way"))
    assert run("reload", "--help").returncode == 0


@pytest.mark.parametrize(("user", "scopes"), [(0, 1), (1000, 0)], ids=["root", "a plain user"])
def test_root_moves_into_an_idle_group_of_systemd(
    user: int, scopes: int, no_systemd: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Weight 0 is idle; a plain user, whom systemd would refuse, asks for nothing."""
    commands: list[tuple[str, ...]] = []

    def run(command: tuple[str, ...], **_options: object) -> None:
        commands.append(command)

    no_systemd.setattr(priority, "BOOTED", tmp_path)
    no_systemd.setattr(os, "geteuid", lambda: user)
    no_systemd.setattr(subprocess, "run", run)
    priority.give_way()
    process = str(os.getpid())
    expected = (
        f"informativa-{process}.scope",
        "fail",
        "2",
        "PIDs",
        "au",
        "1",
        process,
        "CPUWeight",
        "t",
        "0",
        "0",
    )
    assert [command[-11:] for command in commands] == [expected] * scopes


@pytest.mark.parametrize("trouble", [FileNotFoundError, subprocess.TimeoutExpired("busctl", 5)])
def test_a_command_goes_on_where_systemd_does_not_answer(
    trouble: type[Exception] | Exception, no_systemd: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without busctl, or with a bus that hangs, the work is done all the same."""

    def fail(*_arguments: object, **_options: object) -> None:
        raise trouble

    no_systemd.setattr(priority, "BOOTED", tmp_path)
    no_systemd.setattr(os, "geteuid", lambda: 0)
    no_systemd.setattr(subprocess, "run", fail)
    priority.give_way()
