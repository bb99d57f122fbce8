"""The signing key belongs to another user than the service, as docs/evidence.md ("Who signs") says it."""

from __future__ import annotations

import asyncio
import ctypes
import importlib
import os
import pkgutil
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from shlex import quote
from tempfile import gettempdir

import pytest

import informativa
from commands import PROGRAM
from evidence import independent
from evidence.ledger import audited
from evidence.logs import written
from examples import PLAYED
from informativa.cli.main import main
from informativa.config import load
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.settings import EvidenceConfig
from informativa.operations.init import init
from informativa.process import maintenance, storage
from lab.office import fill_in
from lab.process import die_with

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away and runs as others"),
    pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed"),
]

for module in pkgutil.walk_packages(informativa.__path__, "informativa."):
    importlib.import_module(module.name)  # a user that a fork becomes may not read our Python

CLONE_NEWNS = 0x20000  # linux/sched.h
SERVICE, SIGNER = 54321, 54322  # user ids that are nobody's
PAGE = Path(__file__).parents[2] / "docs/evidence.md"


@pytest.fixture
def file(open_folder: Path) -> Path:
    """A configuration that is the service's, with its ledgers, in a folder that every user may look into."""
    init(open_folder / "etc")
    fill_in(open_folder / "etc/informativa.yaml")
    configuration = written(open_folder / "etc", "domain: acme.example", "box: pbx-1", "interval: 1 second")
    for path in (configuration.parent, *configuration.parent.rglob("*")):
        os.chown(path, SERVICE, SERVICE)
    return configuration


def as_service(work: Callable[[], object]) -> str:
    """Run a function as the service's user, in a fork, because that user may not run our Python, and return
    its output."""
    with tempfile.TemporaryFile() as output:
        started = os.fork()
        if not started:
            try:
                _become_service(os.getppid())
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
                sys.stdout = sys.stderr = os.fdopen(1, "w", encoding="utf-8")
                print("exit", work(), flush=True)
            finally:
                os._exit(0)
        os.waitpid(started, 0)
        output.seek(0)
        return output.read().decode()


def _become_service(parent: int) -> None:
    _open_ways()
    os.setgroups([])
    os.setresgid(SERVICE, SERVICE, SERVICE)
    os.setresuid(SERVICE, SERVICE, SERVICE)
    die_with(parent)


def _open_ways() -> None:
    """Let everybody come to our Python, the program and temporary files, for this process alone: in
    a mount namespace of its own, where a folder that is closed to others, as root's home, is another one."""
    (program,) = informativa.__path__
    ways = (sys.prefix, sys.base_prefix, program, Path(__file__).parents[1], gettempdir())
    places = {Path(place).resolve() for place in ways}
    closed = {folder for place in places for folder in place.parents if not folder.stat().st_mode & 1}
    outermost = [folder for folder in closed if closed.isdisjoint(folder.parents)]
    if not outermost:
        return
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    lines = ["set -e", "mount --make-rprivate /", "mount -t tmpfs ways /mnt"]
    for number, place in enumerate(sorted(places)):
        lines += [f"mkdir /mnt/{number}", f"mount --bind {quote(str(place))} /mnt/{number}"]
    lines += [f"mount -t tmpfs -o mode=755 ways {quote(str(folder))}" for folder in outermost]
    for number, place in enumerate(sorted(places)):
        if not closed.isdisjoint(place.parents):
            where = quote(str(place))
            lines += [f"mkdir -p {where}", f"mount --bind /mnt/{number} {where}"]
    subprocess.run(["sh", "-c", "\n".join(lines)], check=True)


class Service:
    """A small service: on command it records a call and then signs, as the real one does every minute."""

    def __init__(self, file: Path) -> None:
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        parent = os.getpid()
        self._started = os.fork()
        if not self._started:
            try:
                os.close(self._commands)
                _become_service(parent)
                self._serve(file, commands, answers)
            finally:
                os._exit(0)
        os.close(commands)
        os.close(answers)

    def _serve(self, file: Path, commands: int, answers: int) -> None:
        acme, signing = load(file).controllers["acme"], maintenance.Signing()
        with closing(storage.store(acme)) as store:
            while os.read(commands, 1):
                store.append([PLAYED])
                try:
                    sequenced = asyncio.run(signing.sign(acme, EvidenceConfig()))
                    os.write(answers, b"%d\n" % (sequenced.size if sequenced else 0))
                except Exception as error:
                    os.write(answers, f"{error}\n".encode())

    def call(self) -> str:
        """A call; how many records are signed, or why they cannot be."""
        os.write(self._commands, b".")
        return os.read(self._answers, 1000).decode().strip()

    def stop(self) -> None:
        """It has ended when this returns."""
        os.close(self._commands)
        os.waitpid(self._started, 0)
        os.close(self._answers)


def typed(file: Path, change: Callable[[str], str]) -> list[str]:
    """Return the commands that the page tells an admin to type, for this configuration; `change` replaces the
    user's name."""
    section = PAGE.read_text(encoding="utf-8").partition("## Who signs")[2]
    block = section.partition("```\n")[2].partition("```")[0]
    lines = [change(line).partition("  ")[0].strip() for line in block.splitlines()]
    return [line.replace("FILE", str(file)).replace("LEDGERS", str(file.parent / "ledger")) for line in lines]


CAPABLE = "--inh-caps=+dac_override --ambient-caps=+dac_override"
USERS = {
    "root": ("", lambda line: line),
    "another": (
        f"setpriv --reuid={SIGNER} --regid={SIGNER} --clear-groups {CAPABLE}",
        lambda line: line.replace("root: LEDGERS/acme.log/signing", f"{SIGNER}:{SIGNER} LEDGERS/acme.log"),
    ),
}


@pytest.mark.parametrize("user", [pytest.param("root", marks=pytest.mark.night), "another"])
@pytest.mark.slow
def test_another_user_signs_what_the_service_records(file: Path, user: str) -> None:
    """Word for word as the page has it: the service goes on recording, cannot read the key, and leaves
    signing to the other user, who signs what comes in; so say the doctor and the command."""
    prefix, change = USERS[user]
    service, ledger = Service(file), file.parent / "ledger/acme.sqlite3"
    assert service.call() == "2"  # record 1 is the rule of the log
    sequencer: subprocess.Popen[bytes] | None = None
    for line in typed(file, change):
        match line.split():
            case ["systemctl", "stop", "informativa"]:
                service.stop()
            case ["systemctl", "start", "informativa"]:
                service = Service(file)
            case ["informativa", "evidence", "sequence", *more]:
                sequencer = subprocess.Popen([*prefix.split(), PROGRAM, "evidence", "sequence", *more])
            case ["informativa", *more]:
                subprocess.run([PROGRAM, *more], check=True, stdout=subprocess.DEVNULL)
            case command:
                subprocess.run(command, check=True)
    assert sequencer is not None
    try:
        size_before = int(service.call())
        while (size := int(service.call())) < size_before + 5:
            assert sequencer.poll() is None
    finally:
        sequencer.terminate()
    assert sequencer.wait(60) == 0
    key = LogFolder(ledger).published(1).key()
    assert key is not None
    audit = audited(ledger, key)
    assert (audit.is_sound, audit.signed >= size) == (True, True)
    note = LogFolder(ledger).published(1).checkpoint() or b""
    assert independent.checkpoint(note, str(key))[0] == audit.signed

    secret = LogFolder(ledger).folder / "signing/1.key"
    assert secret.stat().st_uid == (0 if user == "root" else SIGNER)
    assert as_service(lambda: os.access(secret, os.R_OK)) == "exit False\n"
    refusal = f"The signing key in {secret.parent} belongs to another user, who signs."
    for command in ("checkpoint", "publish"):
        typed_by_service = ["evidence", command, "-c", str(file), "--controller", "acme"]
        output = as_service(partial(main, typed_by_service))
        assert output == f"informativa: {refusal}\nexit 1\n"
    output = as_service(lambda: main(["doctor", "-c", str(file)]))
    assert f"✔ evidence: {refusal.removesuffix('.')}" in output
    service.stop()
