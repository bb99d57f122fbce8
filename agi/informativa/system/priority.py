"""The priority of this process, for commands that count all callers while calls are answered."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

BOOTED = Path("/run/systemd/system")
"""A folder that is there where systemd runs the machine; sd_booted(3)."""
_MANAGER = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")
_IDLE_WEIGHT = "0"  # systemd.resource-control(5), CPUWeight=idle; systemd 252 and later
_SECONDS = 5.0


def give_way() -> None:
    """Lower this process for good: it computes only while no other has something to compute.

    Its scheduling policy counts among the processes of its session or service alone, among which Linux shares
    the processor first (sched(7), autogroup; cgroups). So where root calls on a machine with systemd, this
    process goes into a group of its own, too, which yields to all others; it stays in the foreground of its
    terminal. Where either is forbidden, the process is as fast as others.
    """
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    if os.geteuid() == 0 and BOOTED.is_dir():
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(  # noqa: S603  # no shell, and words of ours
                _scope(os.getpid()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_SECONDS,
                check=False,
            )


def _scope(process: int) -> tuple[str, ...]:
    """Return the command that has systemd move a process into an idle scope, as `systemd-run` does."""
    call = ("busctl", "--quiet", "--allow-interactive-authorization=no", "call", *_MANAGER)
    properties = ("2", "PIDs", "au", "1", str(process), "CPUWeight", "t", _IDLE_WEIGHT)
    unit = (f"informativa-{process}.scope", "fail")
    return (*call, "StartTransientUnit", "ssa(sv)a(sa(sv))", *unit, *properties, "0")
