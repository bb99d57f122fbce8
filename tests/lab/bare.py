"""A Debian of another release with next to nothing in it, and a command run there on a copy of the checkout:
`python -m lab.bare bookworm -- make fast`. The root comes from debootstrap and is kept in the cache; each
command gets a copy of it, as a plain user, in mount and process namespaces of its own: whatever happens,
nothing stays mounted and nothing goes on running. Downloads of one command are there for the next.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from .debian import Unavailable, archive, cache_folder, disk_errors, keyring, network, only_one

# What the README asks for, what looks at the unit, and what the Debian package asks for.
PACKAGES = ("adduser", "make", "python3", "sox", "systemd", "zlib1g")
CHECKOUT = Path(__file__).resolve().parents[2]
_USER = "plain"
_HOME = f"home/{_USER}"
_TOOLS = ("debootstrap", "unshare", "chroot", "git")
_NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private")


def main(arguments: Sequence[str]) -> int:
    """The command's exit code; 0, with the reason told, where no such root can be made."""
    suite, _dashes, *command = arguments
    began = time.monotonic()
    try:
        possible()
        with _root(suite) as root:
            _say(f"running in Debian {suite}: {shlex.join(command)}")
            code = _run(root, command)
    except Unavailable as error:
        _say(f"skipped: {error}")
        return 0
    except KeyboardInterrupt:
        return 130
    _say(
        f"Debian {suite}: {'passed' if code == 0 else f'exit code {code}'}, {time.monotonic() - began:.0f} s"
    )
    return code


def possible() -> None:
    """Raises Unavailable where no root can be made and entered."""
    if os.geteuid():
        raise Unavailable("Only root can make and enter another root.", "Run this as root.")
    for tool in _TOOLS:
        if not shutil.which(tool):
            raise Unavailable(f"{tool} is not on this machine.", f"Type: apt-get install {tool}")
    entered = subprocess.run([*_NAMESPACES, "true"], capture_output=True, text=True, check=False)
    if entered.returncode:
        raise Unavailable(f"No namespaces here ({entered.stderr.strip()}).", "Run this outside a container.")


@contextlib.contextmanager
def copied(suite: str) -> Iterator[Path]:
    """A bare root of its own, which goes again. Raises Unavailable, CalledProcessError."""
    cache = cache_folder() / "bare"
    with disk_errors(cache):
        made = _made(suite, cache)
        with tempfile.TemporaryDirectory(prefix=f".{suite}.", suffix=".work", dir=cache) as work:
            root = Path(work) / "root"
            subprocess.run(["cp", "-a", "--reflink=auto", made, root], check=True)
            yield root


@contextlib.contextmanager
def _root(suite: str) -> Iterator[Path]:
    """The same with the checkout in it, which is the plain user's."""
    with copied(suite) as root:
        copy_checkout(root / _HOME / "informativa")
        subprocess.run(["chroot", root, "chown", "-R", f"{_USER}:", f"/{_HOME}"], check=True)
        yield root


def _made(suite: str, cache: Path) -> Path:
    """The root that is copied; made the first time, which takes a minute or two."""
    made = cache / "-".join((suite, *PACKAGES))
    with only_one(made, lambda step, _part: _say(step)):
        if made.exists():
            return made
        _say(f"making a Debian {suite} by debootstrap")
        with tempfile.TemporaryDirectory(prefix=f".{suite}.", suffix=".work", dir=cache) as work:
            root = Path(work) / "root"
            include = f"--include={','.join(PACKAGES)}"
            _quietly(
                *_NAMESPACES, "debootstrap", "--variant=minbase", include,
                *(f"--keyring={file}" for file in keyring()), suite, str(root), archive(),
            )  # fmt: skip
            (root / "etc/apt/apt.conf.d/99network").write_text("\n".join([*network(), ""]))
            for name in ("hosts", "resolv.conf"):
                shutil.copy(f"/etc/{name}", root / "etc" / name)
            _quietly("chroot", str(root), "useradd", "--create-home", _USER)
            root.rename(made)
    return made


def copy_checkout(place: Path) -> None:
    """Copy what a commit of all that is here would hold."""
    ask = ["git", "-C", str(CHECKOUT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in filter(None, subprocess.run(ask, capture_output=True, check=True).stdout.split(b"\0")):
        file = CHECKOUT / os.fsdecode(name)
        if file.is_file():
            copy = place / os.fsdecode(name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy)


def _run(root: Path, command: Sequence[str]) -> int:
    settings = _network_of_pip()
    settings |= {
        "HOME": f"/{_HOME}",
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
    }
    binds = [_bound(Path(value), root) for value in settings.values() if value != f"/{_HOME}"]
    binds.append(_kept(root))
    environment = [f"{name}={value}" for name, value in settings.items()]
    inside = f"cd /{_HOME}/informativa && {shlex.join(command)}"
    enter = ["chroot", str(root), "runuser", "-u", _USER, "--", "env", "-i", *environment, "sh", "-c", inside]
    lines = [
        "set -e",
        f"mount -t proc proc {shlex.quote(f'{root}/proc')}",
        f"mount --rbind /dev {shlex.quote(f'{root}/dev')}",
        f"mount -t tmpfs -o mode=1777 shm {shlex.quote(f'{root}/dev/shm')}",
        *filter(None, binds),
        shlex.join(enter),  # not exec: the first process must stay root's, or it outlives unshare
        "exit $?",
    ]
    return subprocess.run([*_NAMESPACES, "sh", "-c", "\n".join(lines)], check=False).returncode


def _kept(root: Path) -> str:
    """Return what makes downloads those of the last time: what pip and the lab fetch is pinned, wherever it
    lies."""
    downloads, home = cache_folder() / "bare" / "downloads", root / _HOME
    downloads.mkdir(exist_ok=True)
    os.chown(downloads, home.stat().st_uid, home.stat().st_gid)
    (home / ".cache").mkdir()
    return f"mount --bind {shlex.quote(str(downloads))} {shlex.quote(f'{home}/.cache')}"


def _bound(path: Path, root: Path) -> str:
    """Return what makes a file or folder of this machine the same there; '' for what is none."""
    if not path.is_absolute() or not path.exists():
        return ""
    mount_point = root / path.relative_to("/")
    if path.is_dir():
        mount_point.mkdir(parents=True, exist_ok=True)
    else:
        mount_point.parent.mkdir(parents=True, exist_ok=True)
        mount_point.touch()
    return f"mount --bind -o ro {shlex.quote(str(path))} {shlex.quote(str(mount_point))}"


def _network_of_pip() -> dict[str, str]:
    """Return how pip reaches its packages on this machine, as environment variables."""
    ran = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    environment = {
        name: value
        for name, value in os.environ.items()
        if re.match(r"(?i)(SSL_CERT|REQUESTS_CA|\w+_proxy)", name)
    }
    return environment | pip_settings(ran.stdout)


def network_within(root: Path) -> dict[str, str]:
    """Return how pip reaches its packages from within a root, where the files lie then that this takes."""
    settings = {name: value for name, value in _network_of_pip().items() if not Path(value).is_dir()}
    for name, value in settings.items():
        if Path(value).is_file():
            place = root / "root/network" / name
            place.parent.mkdir(exist_ok=True)
            shutil.copy(value, place)
            settings[name] = f"/root/network/{name}"
    return settings


def pip_settings(listed: str) -> dict[str, str]:
    """`pip config list` as the environment variables that say the same; what the environment said wins."""
    settings: dict[str, str] = {}
    for line in sorted(listed.splitlines(), key=lambda line: line.startswith(":env:")):
        if match := re.fullmatch(r"(?:global|:env:)\.([\w-]+)='(.*)'", line):
            settings["PIP_" + match[1].upper().replace("-", "_")] = match[2].replace("\\n", " ").strip()
    return settings


def _quietly(*command: str) -> None:
    """Run it; raises Unavailable with its last words if it fails."""
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if ran.returncode:
        last = "; ".join(ran.stdout.strip().splitlines()[-2:]) or f"exit code {ran.returncode}"
        raise Unavailable(f"No such Debian could be made: {last}.", f"Type: {shlex.join(command)}")


def _say(step: str) -> None:
    print(f"bare: {step}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
