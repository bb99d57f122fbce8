"""A bare Debian in which systemd runs, as a container with this machine's network, for one test."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from lab import bare
from lab.debian import Unavailable
from lab.process import Child

PACKAGES = ("adduser", "ca-certificates", "git", "make", "python3", "systemd", "zlib1g")
"""What looks at the unit, and what the package asks for."""
_BOOT = 120.0  # seconds; about three on an idle machine


class MachineError(Exception):
    """A command in the container did not do what it must; says what it printed."""


class Machine:
    """A running one, whose root is `root`; `leader` is its systemd, as this machine numbers processes."""

    def __init__(self, root: Path, leader: int) -> None:
        self.root = root
        self.enter = (
            "nsenter",
            f"--target={leader}",
            "--mount",
            "--pid",
            "--ipc",
            "--uts",
            "--root",
            "--wdns=/",
        )

    def run(self, command: str, *, ends: int = 0, **environment: str) -> str:
        """Return what a shell command prints in there; raises MachineError unless it ends with that code."""
        clean = {
            "DEBIAN_FRONTEND": "noninteractive",
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            **environment,
        }
        ran = subprocess.run(
            [*self.enter, "sh", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env=clean,
        )
        if ran.returncode != ends:
            raise MachineError(f"{command!r} ended with {ran.returncode}:\n{ran.stdout}")
        return ran.stdout


@contextlib.contextmanager
def booted(suite: str, shared: Sequence[Path]) -> Iterator[Machine]:
    """A Debian of that suite; `shared` folders are there too, under the same names. Raises Unavailable
    and MachineError."""
    bare.possible()
    if not shutil.which("systemd-nspawn"):
        raise Unavailable("systemd-nspawn is not on this machine.", "Type: apt-get install systemd-container")
    with bare.copied(suite, PACKAGES) as root:
        (root / "etc/dpkg/dpkg.cfg.d/quick").write_text("force-unsafe-io\n")  # no power fails in a test
        log = root.parent / "boot.log"
        binds = [f"--bind={folder}" for folder in shared]
        # Else it would be the folder's name, which all have. One that was ended with its test may have left
        # something under its name, and chance is the same in each run.
        name = f"--machine=lab-{time.time_ns():x}"
        boot = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot", f"--directory={root}"]
        child = Child([*boot, name, *binds], cwd=root.parent, output=log)
        try:
            machine = Machine(root, _leader(child, log))
            yield machine
            with contextlib.suppress(MachineError):
                machine.run("systemctl poweroff --force --force")
            child.wait(30)
        finally:
            child.end(60)


def _leader(child: Child, log: Path) -> int:
    """The container's first process, once it has started all that it starts. Raises MachineError."""
    until = time.monotonic() + _BOOT
    while True:
        children = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
        for pid in map(int, children):
            machine = Machine(Path("/"), pid)
            with contextlib.suppress(MachineError):
                machine.run("test -d /run/systemd/system && systemctl is-system-running --wait")
                return pid
        if child.wait(0.1) or time.monotonic() > until:
            raise MachineError(f"No systemd runs in a container here: {log.read_text()[-500:]}")
