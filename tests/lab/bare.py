"""Debians with next to nothing in them, and commands run there on a copy of the checkout: `python -m lab.bare
trixie:plain bookworm:root -- make demo -- make test`.

A root comes from debootstrap and is kept in the cache; each place gets a copy of it, in mount and process
namespaces of its own: whatever happens, nothing stays mounted and nothing goes on running. Downloads of one
command are there for the next. Only the standard library is used: nothing needs to be set up before.
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
from itertools import groupby
from pathlib import Path

from .debian import Unavailable, archive, cache_folder, disk_errors, keyring, network, only_one

PACKAGES = ("ca-certificates", "git", "make", "python3", "python3-venv")  # what the README asks for
CHECKOUT = Path(__file__).resolve().parents[2]
HOMES = {"plain": "home/plain", "root": "root"}  # of the users, below the root
_TOOLS = ("debootstrap", "unshare", "chroot", "git")
_NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private")


def main(arguments: Sequence[str]) -> int:
    """Run each command in each place; return the exit code, 1 if one failed or a place cannot be made."""
    places, *commands = [
        list(part) for dashes, part in groupby(arguments, lambda word: word == "--") if not dashes
    ]
    results = []
    try:
        possible()
        for place in places:
            suite, _colon, user = place.partition(":")
            with _root(suite, user) as root:
                for command in commands:
                    _say(f"Debian {suite}, as {user}: {shlex.join(command)}")
                    began = time.monotonic()
                    code = _run(root, user, command)
                    seconds = time.monotonic() - began
                    results.append(
                        (code, f"{place} {shlex.join(command)}: exit code {code}, {seconds:.0f} s")
                    )
    except Unavailable as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    for _code, result in results:
        _say(result)
    return 1 if any(code for code, _result in results) else 0


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
def copied(suite: str, packages: Sequence[str] = PACKAGES) -> Iterator[Path]:
    """A root of its own with these packages alone, which goes again. Raises Unavailable, OSError."""
    cache = cache_folder() / "bare"
    with disk_errors(cache):
        made = _made(suite, packages, cache)
        with tempfile.TemporaryDirectory(prefix=f".{suite}.", suffix=".work", dir=cache) as work:
            root = Path(work) / "root"
            subprocess.run(["cp", "-a", "--reflink=auto", made, root], check=True)
            yield root


@contextlib.contextmanager
def _root(suite: str, user: str) -> Iterator[Path]:
    """The same with the checkout in it, as a clone that is the user's."""
    with copied(suite) as root:
        checkout = root / HOMES[user] / "informativa"
        copy_checkout(checkout)
        author = ("-c", "user.name=bare", "-c", "user.email=bare@example.org")
        for command in (("init", "-q"), ("add", "-A"), (*author, "commit", "-qm", "Copy the checkout")):
            _quietly("git", "-C", str(checkout), *command)
        _quietly("chroot", str(root), "chown", "-R", f"{user}:", f"/{HOMES[user]}")
        yield root


def _made(suite: str, packages: Sequence[str], cache: Path) -> Path:
    """The root that is copied; made the first time, which takes a minute or two."""
    made = cache / "-".join((suite, *packages))
    with only_one(made, lambda step, _part: _say(step)):
        if made.exists():
            return made
        _say(f"making a Debian {suite} by debootstrap")
        with tempfile.TemporaryDirectory(prefix=f".{suite}.", suffix=".work", dir=cache) as work:
            root = Path(work) / "root"
            include = f"--include={','.join(packages)}"
            _quietly(
                *_NAMESPACES, "debootstrap", "--variant=minbase", include,
                *(f"--keyring={file}" for file in keyring()), suite, str(root), archive(),
            )  # fmt: skip
            (root / "etc/apt/apt.conf.d/99network").write_text("\n".join([*network(), ""]))
            for name in ("hosts", "resolv.conf"):
                shutil.copy(f"/etc/{name}", root / "etc" / name)
            _quietly("chroot", str(root), "useradd", "--create-home", "plain")
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


def _run(root: Path, user: str, command: Sequence[str]) -> int:
    home = HOMES[user]
    settings = _network_of_pip()
    settings |= {
        "HOME": f"/{home}",
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
    }
    binds = [_bound(Path(value), root) for value in settings.values() if value != f"/{home}"]
    binds.append(_kept(root / home))
    environment = [f"{name}={value}" for name, value in settings.items()]
    inside = f"cd /{home}/informativa && {shlex.join(command)}"
    enter = ["chroot", str(root), "runuser", "-u", user, "--", "env", "-i", *environment, "sh", "-c", inside]
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


def _kept(home: Path) -> str:
    """Return what makes downloads those of the last time: what pip and the lab fetch is pinned, wherever it
    lies."""
    status = home.stat()
    downloads = cache_folder() / "bare" / f"downloads-{status.st_uid}"
    downloads.mkdir(exist_ok=True)
    os.chown(downloads, status.st_uid, status.st_gid)
    (home / ".cache").mkdir(exist_ok=True)
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
