"""A network that loses packets: the loopback address of a network namespace, with a rule of nftables."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
from pathlib import Path
from typing import Self

from lab.builds import loader
from lab.debian import Progress, Unavailable, of_this_release, silent

_CLONE_NEWNET = 0x40000000  # linux/sched.h
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1  # linux/sockios.h, linux/if.h
_libc = ctypes.CDLL(None, use_errno=True)


def nft(progress: Progress = silent) -> list[str]:
    """The command: the machine's own, or Debian's, downloaded the first time; or ``Unavailable``."""
    if own := shutil.which("nft", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"):
        return [own]
    root = of_this_release(["nftables"], progress)
    return [*map(str, loader(root)), f"{root}/usr/sbin/nft"]


class LossyNetwork:
    """While it lasts this thread, and all threads and programs that it starts, have a network of their own,
    which is 127.0.0.1 alone. For root; a context manager; ``Unavailable`` says why there is none."""

    def __enter__(self) -> Self:
        if os.geteuid():
            raise Unavailable("A network namespace is for root to make.", "Run this as root.")
        self._nft = nft()
        self._before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        if _libc.unshare(_CLONE_NEWNET):
            os.close(self._before)
            raise Unavailable(f"No network namespace: {os.strerror(ctypes.get_errno())}.", "")
        try:
            with socket.socket() as any_of_them:
                fcntl.ioctl(any_of_them, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
            self._run("add table inet lossy; add chain inet lossy way { type filter hook input priority 0; }")
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def lose(self, percent: int, port: int) -> None:
        """From now on so many packets in a hundred to that port, and from it, are gone."""
        chance = f"numgen random mod 100 < {percent}" if percent < 100 else ""
        rules = (
            f"add rule inet lossy way tcp {way} {port} {chance} counter drop" for way in ("dport", "sport")
        )
        self._run("; ".join(("flush chain inet lossy way", *(rules if percent else ()))))

    @property
    def lost(self) -> int:
        """Return how many packets, since `lose` was last said."""
        entries = json.loads(self._run("list chain inet lossy way", "-j"))["nftables"]
        parts = (part for entry in entries for part in entry.get("rule", {}).get("expr", ()))
        return sum(part["counter"]["packets"] for part in parts if "counter" in part)

    def _run(self, rules: str, *options: str) -> str:
        command = [*self._nft, *options, rules]
        ran = subprocess.run(command, cwd=Path("/"), capture_output=True, text=True, check=False)
        if ran.returncode:
            raise Unavailable(f"nft failed: {ran.stderr.strip()}.", "Its kernel may lack nf_tables.")
        return ran.stdout

    def _leave(self) -> None:
        if _libc.setns(self._before, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "this thread cannot go back to its network")
        os.close(self._before)
