"""The page for the controller of an outsourced call centre, typed word for word on bare Debians."""

from __future__ import annotations

import json
import re
import shutil
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bench import rivals
from bench.records import event
from evidence.serving import Asked, Reply, answering
from informativa import config
from informativa.ledgers.sqlite import SqliteStore
from lab.debian import Unavailable
from lab.office import BIN, Office
from lab.ports import free_port
from lab.setup import ROOT
from packages import deb, machine
from packages.machine import Machine, MachineError

PAGE = ROOT / "docs/controller.md"
LOG = "acme.example/informativa/acme/pbx-1/1"
UNITS = ("informativa-witness.service", "informativa-monitor.service")
_VKEY = re.compile(r"[^\s+]+\+[0-9a-f]{8}\+\S+")
_PATIENCE = 150.0  # seconds: the monitor looks every minute
DROP_IN = "/etc/systemd/system/informativa-witness.service.d/port.conf"
READER = "plain"
CALLER = rivals.number(0)


class Page:
    """The blocks of the page by their sections and languages, and what takes the place of its examples."""

    def __init__(self, text: str) -> None:
        self._blocks: list[tuple[str, str, str]] = []
        self.instead: dict[str, str] = {}
        for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
            title = section.partition("\n")[0]
            for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", section, re.DOTALL | re.MULTILINE):
                self._blocks.append((title, language, block))

    def block(self, having: str, language: str = "sh") -> str:
        """The one block of that language with a text in it, as a reader would type it."""
        (block,) = [text for _title, kind, text in self._blocks if kind == language and having in text]
        for example, value in self.instead.items():
            block = block.replace(example, value)
        return block


@dataclass
class Mailbox:
    """A mail server that takes everything, on a port of its own."""

    port: int = 0
    mails: list[str] = field(default_factory=list)


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """One that runs."""
    box = Mailbox()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while words := self.rfile.readline().upper().split():
                if words[0] == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = iter(self.rfile.readline, b".\r\n")
                    box.mails.append(b"".join(lines).decode())
                self.wfile.write(b"221 bye\r\n" if words[0] == b"QUIT" else b"250 yes\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()


class CallCentre:
    """An ordinary installation outside the machine, whose log is published below `web`."""

    def __init__(self, folder: Path) -> None:
        self.web = folder / "web"
        self.web.mkdir()
        self.office = Office(folder / "office")
        self._acme = ("--controller", "acme", "-c", str(self.office.config))

    def configure(self, approver: str, witness: str, port: int) -> None:
        """Configure what the controller asks for."""
        line = "    ledger: ledger/acme.sqlite3\n"
        self.office.edit(line, f"    approver: {approver}\n    erasures: each\n{line}")
        publish = f"folder: {self.web}, independent: true, controllers: [acme]"
        witness = f"key: {witness}, url: 'http://127.0.0.1:{port}', controllers: [acme]"
        self.office.edit(
            "\noperator:",
            "\nevidence:\n  domain: acme.example\n  box: pbx-1\n"
            f"  publish: [{{{publish}}}]\n  witness: [{{{witness}}}]\noperator:",
        )
        acme = config.load(self.office.config).controllers["acme"]
        with closing(SqliteStore(acme.ledger, log=acme.log)) as store:
            store.append([event(acme, 1)])

    def type(self, *arguments: str, ends: int = 0) -> str:
        """Return what a command about the company prints there."""
        command = [BIN / "informativa", *arguments, *self._acme]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == ends, ran.stdout + ran.stderr
        return ran.stdout

    def publish(self) -> None:
        """Publish as the service does every minute."""
        self.type("evidence", "checkpoint")
        self.type("evidence", "publish")

    def served(self, asked: Asked) -> Reply:
        """The answer of a web server for the published files."""
        file = self.web / asked.path.lstrip("/")
        if not file.is_file():
            return 404, "text/plain", b""
        return 200, "application/octet-stream", file.read_bytes()


@pytest.fixture(params=["bookworm", "trixie", "noble"])
def debian(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A bare Debian or Ubuntu with next to nothing in it, whose apt asks nothing."""
    try:
        with machine.booted(request.param, []) as booted:
            assume = booted.root / "etc/apt/apt.conf.d/98yes"
            assume.write_text('APT::Get::Assume-Yes "true";\nAPT::Install-Recommends "false";\n')
            try:
                booted.run("apt-get update")
            except MachineError as error:
                pytest.skip(f"apt has no archive here: {str(error)[-300:]}")
            yield booted
    except Unavailable as error:
        pytest.skip(str(error))


def until(condition: Callable[[], object], debian: Machine) -> None:
    """Wait until something is so; the journal of both units where it never is."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(debian.run("journalctl --no-pager -u informativa-witness -u informativa-monitor"))
        time.sleep(0.2)


def as_reader(debian: Machine, command: str, ends: int = 0) -> str:
    """Return what the approver types, in his own home."""
    script = debian.root / "home" / READER / "typed"
    script.write_text(command)
    return debian.run(
        f"cd /home/{READER} && runuser -u {READER} -- env HOME=/home/{READER} sh -e typed", ends=ends
    )


def test_units_and_policy_of_the_package_are_those_of_the_page() -> None:
    """Whoever has another Linux writes from the page what the package lays."""
    page = Page(PAGE.read_text(encoding="utf-8"))
    for unit, has in zip(UNITS, ("the witness", "the monitor"), strict=True):
        assert page.block(has, "ini") == (deb.SOURCES / unit).read_text()
    assert page.block("quorum", "") == (deb.SOURCES / "policy").read_text()


def test_the_page(debian: Machine, package: Path, tmp_path: Path) -> None:
    """A witness that signs, a first look, a mail of a note that waits, the word of the approver, and a
    webhook that hears of it: all from what the page says to type."""
    page, centre = Page(PAGE.read_text(encoding="utf-8")), CallCentre(tmp_path)
    shutil.copy(package, debian.root / "root")
    debian.run(f"apt-get install /root/{package.name}")
    port = free_port()

    # The keys of the witness and of the approver, which the call centre gets.
    witness = _VKEY.search(debian.run(f"set -e\n{page.block('witness key')}"))
    approver = _VKEY.search(as_reader(debian, page.block("approver-key")))
    assert witness
    assert approver
    centre.configure(approver[0], witness[0], port)
    centre.type("evidence", "checkpoint")
    key = _VKEY.search(centre.type("evidence", "key"))
    assert key

    # The policy with these keys, and the witness, which signs.
    example = page.block("quorum", "")
    debian.run(f"set -e\n{page.block('examples/policy')}")
    policy = debian.root / "etc/informativa-monitor/policy"
    assert policy.read_text() == example
    log_example, witness_example = _VKEY.findall(example)
    with answering(centre.served) as web, mailbox() as mail:
        for old, new in {
            log_example: key[0],
            witness_example: witness[0],
            "https://proof.example": web.url,
            "VKEY": approver[0],
            "host smtp.acme.example": f"host 127.0.0.1\nport {mail.port}",
        }.items():
            page.instead[old] = new
        policy.write_text(page.block("quorum", ""))
        debian.run("systemd-analyze verify " + " ".join(f"/usr/lib/systemd/system/{unit}" for unit in UNITS))
        _use_port(debian, page, port)
        debian.run(page.block("--now informativa-witness"))
        until(lambda: "answers" in debian.run("journalctl -u informativa-witness"), debian)
        centre.publish()
        assert re.search(r"request for a signature.*200", debian.run("journalctl -u informativa-witness"))

        # The first look by hand; it may read what the witness signed, and not its key.
        debian.run(f"set -e\n{page.block('chgrp')}")
        debian.run("runuser -u monitor -- cat /var/lib/informativa-witness/key/witness.key", ends=1)
        first = debian.run(page.block("--once"))
        assert LOG in first

        # A note that waits, of which the unit sends a mail.
        centre.type("caller", "erase", CALLER, "--instruction", "OPS/17", "--yes", ends=3)
        centre.publish()
        debian.run(f"set -e\n{page.block('monitor-mail <<')}")
        debian.run(f"set -e\n{page.block('--run /usr')}")
        debian.run(page.block("--now informativa-monitor"))
        until(lambda: any('"waits"' in text for text in mail.mails), debian)
        (text,) = [text for text in mail.mails if '"waits"' in text]
        assert "Subject: informativa: a finding" in text
        finding = json.loads(text.partition("\r\n\r\n")[2])
        assert (finding["kind"], finding["standing"], finding["log"]) == ("note", "waits", LOG)

        # The word of the approver.
        debian.run(f"apt-get install rsync && adduser {READER} monitor")
        page.instead |= {"monitor.acme.example:": "", f"{LOG} 42": f"{LOG} {finding['index']}"}
        typed = page.block("rsync").rstrip("\n")
        output = as_reader(debian, f"{typed} --yes\n")  # there is no terminal to answer at
        assert "OPS/17" in output
        debian.run(f"cd /home/{READER}\n{page.block('.approval')}")

        # The call centre fetches it from the witness, and a webhook hears that it is there.
        hooks: list[Asked] = []
        with answering(lambda asked: (hooks.append(asked), (204, "text/plain", b""))[1]) as hook:
            page.instead["https://hooks.example"] = hook.url
            debian.run(f"set -e\n{page.block('install curl')}")
            _fetched(centre, debian)
            centre.publish()
            until(lambda: any(b'"approved"' in asked.body for asked in hooks), debian)
            acts = [json.loads(asked.body) for asked in hooks]
            assert ("approved", finding["index"]) in [(one["standing"], one["index"]) for one in acts]
            assert hooks[0].path == "/informativa"


def _use_port(debian: Machine, page: Page, port: int) -> None:
    """Have the witness listen on a port that nobody else on this machine has."""
    (line,) = re.findall(r"^ExecStart=.*", page.block("the witness", "ini"), re.MULTILINE)
    drop_in = debian.root / DROP_IN.lstrip("/")
    drop_in.parent.mkdir()
    drop_in.write_text(f"[Service]\nExecStart=\n{line} --listen 127.0.0.1:{port}\n")


def _fetched(centre: CallCentre, debian: Machine) -> None:
    """Have the service of the call centre run until it has the approval and did what that allows."""
    (approval,) = (debian.root / "var/lib/informativa-witness/approvals").iterdir()
    assert approval.suffix == ".approval"
    time.sleep(6)  # the witness reads the folder every five seconds
    centre.office.start()
    centre.office.wait_logged("an approval was noted")
    centre.office.stop()  # it erases when it starts, and then every minute: nobody need wait for that
    centre.office.start()
    centre.office.wait_logged("erasure carried out")
    centre.office.stop()
