"""Commands that count all callers, and compute only while no other process wants to."""

from __future__ import annotations

import os
import sys

import pytest

from informativa.cli.main import main


@pytest.mark.parametrize(
    ("words", "policies"),
    [(("config", "diff"), [5]), (("reload",), [5]), (("config", "upgrade"), []), (("status",), [])],
    ids=["config diff", "reload", "config upgrade", "status"],
)
def test_a_command_that_counts_all_callers_gives_way(
    words: tuple[str, ...], policies: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes SCHED_IDLE, which is 5, before it loads what it needs; others stay as they are."""
    taken: list[int] = []
    monkeypatch.setattr(os, "sched_setscheduler", lambda _process, policy, _parameters: taken.append(policy))
    monkeypatch.setattr(sys, "argv", ["informativa", *words, "--help"])
    assert main() == 0
    assert taken == policies


def test_a_command_goes_on_where_it_may_not_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that forbids it has the work done all the same."""

    def refuse(*_arguments: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    monkeypatch.setattr(sys, "argv", ["informativa", "reload", "--help"])
    assert main() == 0


def test_a_command_within_another_program_leaves_that_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever calls the program's function keeps the priority of his process."""
    monkeypatch.setattr(os, "sched_setscheduler", lambda *_arguments: pytest.fail("gave way"))
    assert main(["reload", "--help"]) == 0
