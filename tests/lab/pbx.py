"""A real Asterisk, started for one test and ended with it."""

from __future__ import annotations

import contextlib
import functools
import os
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from . import audio, conf
from .ami import Event, Listener
from .builds import Build
from .fast_folder import short_folder
from .ports import PORTS, free_port
from .process import Child, until

_BOOT = 60.0  # seconds; under one second seen on an idle machine, so this is for a busy one
_PATIENCE = 30.0  # seconds that an answer or an event may take; a fraction of one on an idle machine
_TRIES = 5  # with other ports each time
_SOCKET_PATH = 107  # bytes, the most that a Unix socket's address holds (sys/un.h)
_RTP_PORTS = 400

# Log lines that an Asterisk without any optional part writes at every start, and that mean nothing.
_NOISE = re.compile(r"loader\.c: Module .* was deprecated in Asterisk version")


class PbxError(Exception):
    """The lab's Asterisk did not do what it must; says what, and shows the end of its log."""


class Pbx:
    """Asterisk, with its own folders under ``folder``, listening on 127.0.0.1 only; a context manager.

    ``extensions`` is extensions.conf; calls come in at its context ``from-lab``. ``agi_bin`` is where AGI
    scripts are looked for. ``files`` (name → text) are put beside extensions.conf, and may replace what the
    lab wrote. ``prefix`` is a command to run it under. Starting again in the same folder, after ``stop`` or
    ``kill``, finds AstDB as it was; but Asterisk writes it once a second, so that what was put there in the
    last second before ``kill`` is lost.
    """

    def __init__(
        self,
        build: Build,
        folder: Path,
        extensions: str,
        *,
        agi_bin: Path | None = None,
        extra_files: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        self.build = build
        self.folder = folder.absolute()
        self.host = "127.0.0.1"
        self.ports = conf.Ports(0, 0, range(0))
        self.ami_user, self.ami_secret = "lab", secrets.token_hex(16)
        self._files = {"extensions.conf": extensions, **(extra_files or {})}
        self._prefix = prefix
        self._folders = conf.Folders(
            **{name: self.folder / name for name in ("etc", "var", "data", "spool", "run", "log")},
            agi=agi_bin.absolute() if agi_bin else self.folder / "agi",
        )
        self._log_start = self.log.stat().st_size if self.log.exists() else 0  # of an earlier run's, if any
        self._child: Child | None = None
        self._listener = Listener()

    # -- being there -----------------------------------------------------------------------------------

    def __enter__(self) -> Pbx:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def etc(self) -> Path:
        """The folder of its configuration files."""
        return self._folders.etc

    @property
    def sounds(self) -> Path:
        """Return where prompts without an absolute path are looked for, also below the name of a language."""
        return self._folders.data / "sounds"

    @property
    def log(self) -> Path:
        """Its log: notices, warnings, errors and the steps of each call."""
        return self._folders.log / "messages.log"

    @property
    def pid(self) -> int | None:
        """Its process id, while it runs."""
        return self._child.pid if self._child and self._child.status is None else None

    def start(self) -> None:
        """Start it and wait until it takes calls."""
        if self.pid:
            raise PbxError("This Asterisk runs already; stop it first.")
        run = self.folder / "run"
        if len(os.fsencode(run / "asterisk.ctl")) > _SOCKET_PATH:
            run = Path(tempfile.mkdtemp(prefix="lab-", dir=short_folder()))
        self._folders = conf.Folders(**{**vars(self._folders), "run": run})
        self._folders.make()
        try:
            for _ in range(_TRIES):
                self.ports = conf.Ports(free_port(socket.SOCK_DGRAM), free_port(), _rtp_range())
                conf.write(self.build, self._folders, self.ports, self.ami_secret, self._files)
                self._boot()
                if self._listens():
                    self._listener.connect(self.host, self.ports.ami, self.ami_user, self.ami_secret)
                    return
                if self._child and self._child.wait(1):
                    raise PbxError(f"Asterisk ended with {self._child.status} while starting.{self._tail()}")
                self.stop()
            raise PbxError(f"No free port was found on {self.host} in {_TRIES} tries.{self._tail()}")
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End it in an orderly way: calls are hung up. Does nothing if it does not run."""
        self.resume()
        self._listener.close()
        if self._child and self._child.status is None:
            with contextlib.suppress(PbxError):
                self.cli("core stop now")
            if not self._child.wait(_PATIENCE):
                self._child.end()
        self._clean()

    def pause(self) -> None:
        """Have it stand still until `resume`, `stop` or `kill`. While nobody calls, it looks for packets 200
        times a second: 6 ms of processor time."""
        if self._child:
            self._child.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Have it go on."""
        if self._child:
            self._child.send(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a power cut would (``kill -9``). Does nothing if it does not run."""
        if self._child:
            self._child.kill()
        self._listener.close()
        self._clean()

    def _clean(self) -> None:
        self._child = None
        if self._folders.run != self.folder / "run":
            shutil.rmtree(self._folders.run, ignore_errors=True)

    def _boot(self) -> None:
        console = self._folders.log / "console.log"
        for stale in (self._folders.run / "asterisk.ctl", console):  # a killed one leaves its socket behind
            stale.unlink(missing_ok=True)
        configuration = str(self.etc / "asterisk.conf")
        command = [*self._prefix, *self.build.asterisk, "-C", configuration, "-f", *_in_time()]
        # HOME: the console keeps a history file there, and must find a folder even where the user has none.
        env = {**os.environ, "HOME": str(self.folder)}
        try:
            self._child = Child(command, cwd=self.folder, output=console, env=env)
        except OSError as error:
            raise PbxError(f"{command[0]} cannot be started: {error}. Is it still installed?") from error
        until = time.monotonic() + _BOOT
        while not self._booted():
            if self._child.wait(0.02):
                raise PbxError(f"Asterisk ended with {self._child.status} while starting.{self._tail()}")
            if time.monotonic() > until:
                raise PbxError(f"Asterisk did not start within {_BOOT:.0f} s.{self._tail()}")

    def _booted(self) -> bool:
        """Return whether its console answers that it is up; the socket is there a moment before anyone
        listens."""
        if not (self._folders.run / "asterisk.ctl").exists():
            return False
        try:
            self.cli("core waitfullybooted", timeout=_BOOT)
        except PbxError:
            return False
        return True

    def _listens(self) -> bool:
        """Return whether it got the ports; somebody else may have taken one since they were seen free."""
        with contextlib.suppress(OSError), socket.create_connection((self.host, self.ports.ami), 5) as ami:
            return ami.recv(100).startswith(b"Asterisk") and "lab-udp" in self.cli("pjsip show transports")
        return False

    def _tail(self) -> str:
        text = ""
        for path in (self._folders.log / "console.log", self.log):
            with contextlib.suppress(OSError):
                text += path.read_text(errors="replace")
        return " The end of its log:\n" + "\n".join(text.splitlines()[-25:])

    # -- talking to it ---------------------------------------------------------------------------------

    def cli(self, command: str, timeout: float = _PATIENCE) -> str:
        """Return what a console command prints."""
        remote = [*self.build.asterisk, "-C", str(self.etc / "asterisk.conf"), "-rx", command]
        try:
            ran = subprocess.run(
                remote,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout,
                check=False,
                env={**os.environ, "HOME": str(self.folder)},
                start_new_session=True,
            )
        except subprocess.TimeoutExpired as error:
            raise PbxError(f"“{command}” got no answer in {timeout:.0f} s.{self._tail()}") from error
        if ran.returncode:
            raise PbxError(f"“{command}” failed: {ran.stderr.decode(errors='replace').strip()}{self._tail()}")
        return ran.stdout.decode(errors="replace")

    def reload_dialplan(self, extensions: str | None = None) -> None:
        """Read the dialplan again, after writing ``extensions`` as extensions.conf if given."""
        if extensions is not None:
            self._files["extensions.conf"] = extensions
            (self.etc / "extensions.conf").write_text(extensions)
        self.cli("dialplan reload")

    def channels(self) -> int:
        """Return how many channels are up, in whatever state."""
        match = re.search(r"(\d+) active channel", self.cli("core show channels count"))
        if not match:
            raise PbxError(f"Asterisk does not tell its channels.{self._tail()}")
        return int(match[1])

    def wait_quiet(self) -> None:
        """Wait until no channel is up. Raises PbxError if that never comes."""
        deadline = time.monotonic() + _PATIENCE
        while channels := self.channels():
            if time.monotonic() > deadline:
                raise PbxError(f"{channels} channels are still up.{self._tail()}")
            time.sleep(0.05)

    def threads(self) -> list[str]:
        """Name, system call with its arguments, and place in the kernel of each of its threads (proc(5))."""
        rows = []
        for task in Path(f"/proc/{self.pid}/task").glob("*"):
            with contextlib.suppress(OSError):
                rows.append(
                    " ".join((task / name).read_text().strip() for name in ("comm", "syscall", "wchan"))
                )
        return sorted(rows)

    def report(self) -> str:
        """Its channels, what each thread waits for, and the end of its log, for a call that failed."""
        channels = self.cli("core show channels verbose", 5)
        return "\n".join([channels, *self.threads(), self._tail()])

    def warnings(self) -> list[str]:
        """The WARNING and ERROR lines of its log, without those that every bare start writes."""
        lines = self.log.read_bytes()[self._log_start :].decode(errors="replace").splitlines()
        return [
            line for line in lines if re.match(r"\[.*?\] (WARNING|ERROR)\[", line) and not _NOISE.search(line)
        ]

    def forget_log(self) -> None:
        """Empty its log, which it goes on writing at the end."""
        os.truncate(self.log, 0)
        self._log_start = 0

    def events(self, name: str) -> list[Event]:
        """The UserEvents of that name so far, oldest first."""
        return self._listener.named(name)

    def forget_events(self) -> None:
        """Forget the UserEvents so far, so that the next wait is for a new one."""
        self._listener.forget()

    def recording(self, file: str) -> audio.Samples:
        """The recording of a call, once it is whole: MixMonitor closes its file after the call, in a thread
        that is less urgent than calls are. A ``file`` without a folder is where MixMonitor puts it."""
        path = self._folders.spool / "monitor" / file
        until(lambda: audio.is_closed(path), _PATIENCE, lambda: f"MixMonitor did not close {path}.")
        return audio.read_wav(path)

    def wait_event(self, predicate: Callable[[Event], bool], timeout: float = _PATIENCE) -> Event:
        """The first UserEvent, past or to come, that ``predicate`` takes; ``PbxError`` if none comes."""
        event = self._listener.wait(predicate, timeout)
        if event is None:
            raise PbxError(f"No such UserEvent came in {timeout} s.{self._tail()}")
        return event


@functools.cache
def _in_time() -> Sequence[str]:
    """The option by which Asterisk runs before all that is not urgent, where that may be done: what a caller
    hears must not have gaps because the tests beside it take all processors. AGI scripts run as others."""
    with contextlib.suppress(OSError):
        if subprocess.run(["chrt", "--rr", "10", "true"], capture_output=True, check=False).returncode == 0:
            return ("-p",)
    return ()


def _rtp_range() -> range:
    """Ports below those that the system and the lab give to others, picked so that two instances rarely meet.

    Meeting does no harm, as Asterisk tries the next port of its range when one is taken.
    """
    for start in _starts():
        with contextlib.ExitStack() as probes:
            try:
                for port in range(start, start + _RTP_PORTS, 20):
                    probe = probes.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return range(start, start + _RTP_PORTS)
    raise PbxError(f"No free range of UDP ports was found between 10000 and {PORTS.start}.")


def _starts() -> Iterator[int]:
    starts = list(range(10000, PORTS.start, _RTP_PORTS))
    random.shuffle(starts)
    yield from starts
