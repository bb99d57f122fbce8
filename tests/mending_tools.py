"""Tools with which tests of `doctor --fix` run commands."""

from __future__ import annotations

from collections.abc import Sequence

import commands
from informativa.operations.doctor.remedy_commands import Execution, execute


def here(words: Sequence[str]) -> Execution:
    """Run a command: our own in this process."""
    if words[0] != "informativa":
        return execute(words)
    ran = commands.run(*words[1:])
    return Execution(ran.returncode, f"{ran.stdout}{ran.stderr}".strip())
