"""Debian packages without root: apt with a state of its own, unpacked into a folder of the user's.

Only the standard library is used, because this also runs under a bare system Python, before any virtual
environment exists. Nothing is installed: a package's files are laid out under
``<cache>/<suite>/<names>/root`` and its maintainer scripts never run.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

Progress = Callable[[str, float], None]
"""Told what is being done, and which fraction (0..1) of the whole is behind us."""

_KEYRING = "/usr/share/keyrings/debian-archive-keyring"
_SPARE = 64 << 20  # bytes left free on the disk, so that filling it is never us
_UNPACKED = 4  # unpacked size of a .deb over its own, at most (3.1 seen for asterisk's closure)
_INSTALL_YOURSELF = (
    "Install asterisk and sip-tester so that asterisk and sipp are on PATH, then run this again."
)


def silent(_what: str, _fraction: float) -> None:
    """A progress that is not shown."""


class Unavailable(Exception):  # noqa: N818  # a state of this machine, not somebody's error
    """Something that the lab needs cannot be had here; says what, and what to do about it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem} {remedy}")
        self.problem = problem
        self.remedy = remedy


def cache_folder() -> Path:
    """Return where downloads are kept between runs: $INFORMATIVA_CACHE, else the user's own cache folder."""
    if own := os.environ.get("INFORMATIVA_CACHE"):
        return Path(own).absolute()
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if base.is_absolute():  # the XDG specification says that a relative one is to be ignored
        return base / "informativa"
    try:
        return Path.home() / ".cache" / "informativa"
    except RuntimeError as error:
        raise Unavailable(
            "This user has no home folder.",
            "Set INFORMATIVA_CACHE to a folder that can be written.",
        ) from error


def running_suite() -> str:
    """The code name of the Debian release that this machine runs ("trixie")."""
    with contextlib.suppress(OSError):
        match = re.search(r"^VERSION_CODENAME=\"?([\w-]+)", Path("/etc/os-release").read_text(), re.M)
        if match:
            return match[1]
    raise Unavailable("This machine does not say which Debian release it runs.", _INSTALL_YOURSELF)


_MISSING: dict[tuple[Path, str], Unavailable] = {}


def of_this_release(names: Sequence[str], progress: Progress, leave_out: str = "") -> Path:
    """Packages of the Debian that this machine runs, in the user's cache. Raises Unavailable; what
    could not be had is not tried again by the same process."""
    request = (cache_folder(), " and ".join(names))
    if request in _MISSING:
        raise _MISSING[request]
    try:
        return packages(running_suite(), names, request[0], progress, leave_out=leave_out)
    except Unavailable as error:
        own = error.remedy == _INSTALL_YOURSELF
        _MISSING[request] = Unavailable(error.problem, f"Install {request[1]}." if own else error.remedy)
        raise _MISSING[request] from error


def packages(
    suite: str,
    names: Sequence[str],
    cache: Path,
    progress: Progress,
    *,
    closure: bool = True,
    leave_out: str = "",
    architecture: str = "",
) -> Path:
    """The folder that holds ``names`` of ``suite``, unpacked; downloads them the first time. They are for
    this machine, unless another ``architecture`` is named.

    ``closure`` also brings all that they depend on, but for packages whose name matches ``leave_out``, an
    expression for what the machine has or what is never used. A later call with the same names needs no
    network.
    Folders appear whole or not at all, and are never changed afterwards, so a program may run from one
    while another process asks for something else.
    """
    requested = sorted(set(names))
    label = "+".join(requested) + ("" if closure else "+only") + (f" but {leave_out}" if leave_out else "")
    if len(label) > 80 or leave_out:
        label = hashlib.sha256(label.encode()).hexdigest()[:32]
    home = cache / "-".join(filter(None, (suite, architecture))) / label
    if _complete(home, requested):
        return home / "root"
    for tool in ("apt-get", "apt-config", "dpkg-deb"):
        if not shutil.which(tool):
            raise Unavailable(f"{tool} is not on this machine, so it is not a Debian.", _INSTALL_YOURSELF)
    with disk_errors(cache), only_one(home, progress):
        if not _complete(home, requested):
            for broken in (home, *home.parent.glob(f".{label}.*.work")):
                shutil.rmtree(broken, ignore_errors=True)
            work = Path(tempfile.mkdtemp(prefix=f".{label}.", suffix=".work", dir=home.parent))
            try:
                _fetch(_Apt(work, suite, architecture), requested, closure, leave_out, progress)
                (work / "tree").rename(home)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    progress("ready", 1.0)
    return home / "root"


def _complete(home: Path, requested: list[str]) -> bool:
    """Return whether an earlier run unpacked exactly these packages to the end."""
    try:
        return (home / "packages.txt").read_text().split() == requested and (home / "root").is_dir()
    except OSError:
        return False


@contextlib.contextmanager
def disk_errors(cache: Path) -> Iterator[None]:
    """Turn what a disk says into a sentence about the cache folder."""
    elsewhere = "Set INFORMATIVA_CACHE to a folder on another disk, or make room."
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Unavailable(f"The disk of {cache} is full.", elsewhere) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENOENT):
            raise Unavailable(
                f"The cache folder {cache} cannot be written ({error.strerror}).",
                "Set INFORMATIVA_CACHE to a folder that can.",
            ) from error
        raise


@contextlib.contextmanager
def only_one(home: Path, progress: Progress) -> Iterator[None]:
    """Hold the folder's lock. The kernel frees it when its holder dies, so it cannot be left behind."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with (home.parent / f".{home.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another download of the same", 0.0)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(apt: _Apt, requested: list[str], closure: bool, leave_out: str, progress: Progress) -> None:
    """Download and unpack into ``tree``. Shares of the time: index 10 %, download 70 %, unpacking 20 %."""
    progress("reading the package index", 0.0)
    apt.run(["update"], lambda part: progress("reading the package index", 0.1 * part))
    verb = ["install", "-y", "--download-only"] if closure else ["download"]
    listed, names = apt.run([*verb, "--print-uris", *requested], lambda _: None), requested
    if leave_out:
        every = re.findall(r"^'\S+' ([^\s_]+)_\S+\.deb ", listed, re.M)
        verb, names = ["download"], [name for name in every if not re.fullmatch(leave_out, name)]
        listed = apt.run([*verb, "--print-uris", *names], lambda _: None)
    size = sum(int(number) for number in re.findall(r"^'\S+' \S+\.deb (\d+) ", listed, re.M))
    need, free = size * (1 + _UNPACKED) + _SPARE, shutil.disk_usage(apt.work).free
    if need > free:
        raise OSError(errno.ENOSPC, f"{need >> 20} MiB needed, {free >> 20} MiB free")
    step = f"downloading {size / 1e6:.0f} MB"
    apt.run([*verb, *names], lambda part: progress(step, 0.1 + 0.7 * part))
    debs = sorted(apt.archives.glob("*.deb"))
    if not debs:
        raise Unavailable(
            f"apt-get downloaded nothing for {' '.join(requested)}.",
            "Run apt-get clean, then this again.",
        )
    root = apt.work / "tree" / "root"
    root.mkdir(parents=True)
    for done, deb in enumerate(debs):
        progress(f"unpacking {deb.name.split('_')[0]}", 0.8 + 0.2 * done / len(debs))
        unpacked = subprocess.run(["dpkg-deb", "-x", deb, root], capture_output=True, text=True, check=False)
        if unpacked.returncode:
            if "No space left" in unpacked.stderr:
                raise OSError(errno.ENOSPC, unpacked.stderr)
            raise Unavailable(f"{deb.name} cannot be unpacked: {unpacked.stderr.strip()}", "Run this again.")
    (apt.work / "tree" / "packages.txt").write_text("\n".join(requested) + "\n")


class _Apt:
    """apt-get that reads one suite and keeps everything it writes under ``work``."""

    def __init__(self, work: Path, suite: str, architecture: str = "") -> None:
        self.work = work
        self.archives = work / "cache" / "archives"
        self._suite = suite
        for folder in ("lists/partial", "cache/archives/partial", "log"):
            (work / folder).mkdir(parents=True)
        (work / "status").touch()
        keys = [f"signed-by={file}" for file in keyring()]
        options = " ".join([*keys, "check-valid-until=no"])  # an archived suite's index is past its date
        (work / "sources.list").write_text(f"deb [{options}] {archive()} {suite} main\n")
        settings = {
            "Dir::Etc::Main": "/dev/null",
            "Dir::Etc::Parts": "/dev/null",
            "Dir::Etc::SourceList": work / "sources.list",
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::Etc::Preferences": "/dev/null",
            "Dir::Etc::PreferencesParts": "/dev/null",
            "Dir::State::status": work / "status",
            "Dir::State::Lists": work / "lists",
            "Dir::State::extended_states": work / "extended_states",
            "Dir::Cache": work / "cache",
            "Dir::Log": work / "log",
            "Debug::NoLocking": "1",
            "APT::Sandbox::User": "",
            "APT::Install-Recommends": "false",
            "APT::Update::Error-Mode": "any",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Acquire::http::Timeout": "30",
        }
        if architecture:
            settings |= {"APT::Architecture": architecture, "APT::Architectures": architecture}
        lines = [*network(), *(f'{key} "{value}";' for key, value in settings.items())]
        (work / "apt.conf").write_text("\n".join(lines) + "\n")

    def run(self, arguments: Sequence[str], progress: Callable[[float], None]) -> str:
        """Run apt-get to its end, telling the fraction done; its output, or ``Unavailable``."""
        reader, writer = os.pipe()
        with (self.work / "output").open("w+") as output, os.fdopen(reader) as status:
            try:
                process = subprocess.Popen(
                    ["apt-get", f"-oAPT::Status-Fd={writer}", *arguments],
                    cwd=self.archives,
                    env={**os.environ, "APT_CONFIG": str(self.work / "apt.conf"), "LC_ALL": "C"},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=[writer],
                )
            finally:
                os.close(writer)
            try:
                for line in status:  # "dlstatus:1:23.5017:Retrieving file 3 of 177 (12s remaining)"
                    fields = line.split(":")
                    if fields[0] == "dlstatus":
                        progress(float(fields[2]) / 100)
                process.wait()
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
            output.seek(0)
            content = output.read()
        if process.returncode:
            raise _explained(content, self._suite)
        return content


def network() -> list[str]:
    """Return how this machine's apt reaches the network. Its other settings are left out: they may hold hooks
    that only root can run, or clean the downloads away."""
    dump = _output(["apt-config", "dump", "--format", '%F "%v";%n'])
    return [line for line in dump.splitlines() if re.match(r"Acquire::(https?|ftp|socks5h|tor)\b", line)]


def keyring() -> list[str]:
    """The file of Debian's keys, if this machine has it."""
    return [_KEYRING + end for end in (".pgp", ".gpg") if Path(_KEYRING + end).exists()][:1]


def archive() -> str:
    """The address of the Debian archive that this machine's apt is set up with."""
    form = "$(REPO_URI)|$(ORIGIN)|$(LABEL)"
    listed = _output(["apt-get", "indextargets", "--format", form, "Created-By: Packages"])
    sources = [line.split("|") for line in listed.splitlines() if line.count("|") == 2]
    # Origin is known once the index was read; before that the address is all there is to go by.
    for uri, origin, label in sources:
        if origin == label == "Debian":
            return uri
    for uri, _, _ in sources:
        if re.search(r"/debian/?$", uri):
            return uri
    raise Unavailable("apt on this machine knows no Debian archive.", _INSTALL_YOURSELF)


def _output(command: Sequence[str]) -> str:
    ran = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
    )
    return ran.stdout


def _explained(output: str, suite: str) -> Exception:
    """Return what apt-get's complaint means for the user."""
    if re.search(r"No space left on device|enough free space", output):
        return OSError(errno.ENOSPC, "apt-get: no space left")
    if missing := re.search(
        r"Unable to locate package (\S+)|Package '?(\S+?)'? has no installation cand", output
    ):
        name = missing[1] or missing[2]
        return Unavailable(f"Debian {suite} has no package {name} for this machine.", _INSTALL_YOURSELF)
    if re.search(r"does not have a Release file|404 +Not Found", output):
        return Unavailable(f"The Debian archive has no suite {suite} (any more).", _INSTALL_YOURSELF)
    if re.search(
        r"Could not (connect|resolve)|Temporary failure|Unable to connect|unreachable|timed out",
        output,
    ):
        return Unavailable(
            "The Debian archive cannot be reached.",
            "Connect this machine to the network once, then run this again.",
        )
    last = ([line for line in output.splitlines() if line.startswith("E:")] or ["no reason given"])[-1]
    return Unavailable(f"apt-get failed for Debian {suite}: {last}.", _INSTALL_YOURSELF)
