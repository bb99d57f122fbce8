"""Dialplans, users and files as `informativa doctor` knows them; and an Asterisk that is none of ours."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import pty
import re
import shutil
import socket
import subprocess
import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from commands import PROGRAM, run, typed
from doubles import line, notice, version
from informativa import config
from informativa.model.errors import InformativaError
from informativa.model.text import Text
from informativa.operations.doctor import (
    asterisk,
    asterisk_files,
    checks,
    dialplan,
    installation,
    ledgers,
    ports,
    service,
    users,
    write_trial,
)
from informativa.operations.doctor.account import ACTIONS, WRITE, of_configuration
from informativa.operations.doctor.checks import ACTIONS as NEEDED
from informativa.operations.doctor.checks import CHECKS, Needs, Run, Suite
from informativa.operations.doctor.dialplan import FORMATS, MODULES, DialplanStep
from informativa.operations.doctor.examination import (
    Examination,
    check_configuration,
    count_by_state,
    examine,
    results,
    run_checks,
)
from informativa.operations.doctor.findings import Finding, State, ok, unknown, warning, wrong
from informativa.operations.doctor.system import System
from informativa.process import storage
from informativa.process.preparation import verify_recordings
from informativa.prompts.installed import EXTENSIONS
from informativa.views.documents import document
from informativa.views.messages import ENGLISH, language
from informativa.views.text.account import instructions
from informativa.views.text.doctor import findings
from lab.office import Office, lay
from lab.ports import free_port

SHIPPED = (Path(__file__).resolve().parent.parent / "dialplan/informativa.conf").read_text()
OTHER = 54321  # a user id that is nobody's
_BUILT_IN = {"Set", "MSet", "Goto", "GotoIf", "Hangup"}


class Manager:
    """Asterisk's manager interface as a test wants it: `answers` by action, some made when it is asked.

    Any other action is refused, or gets no answer at all where the manager `hangs`.
    """

    def __init__(self, *, hangs: bool = False, **answers: str | Callable[[], str]) -> None:
        self.answers = answers
        self.hangs = hangs
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One conversation."""
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        asked: dict[str, str] = {}
        async for raw in reader:
            name, _, value = raw.decode().strip().partition(": ")
            if name:
                asked[name] = value
            else:
                answer = self.answers.get(asked.get("Action", ""))
                identity = f"ActionID: {asked['ActionID']}\r\n"
                if answer is not None:
                    text = answer() if callable(answer) else answer
                    writer.write(f"Response: Success\r\n{identity}{text}\r\n".encode())
                elif not self.hangs:
                    writer.write(f"Response: Error\r\n{identity}Message: Permission denied\r\n\r\n".encode())
                asked = {}
        writer.close()


@contextmanager
def served(manager: Manager) -> Iterator[None]:
    """The manager interface in a thread of its own."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(manager.serve, "127.0.0.1", 0))
    manager.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.close()


def doctor(folder: Path, manager: Manager) -> dict[str, list[tuple[str, str]]]:
    """State and finding by check, where `manager` is Asterisk's."""
    file = folder / "informativa.yaml"
    secret = folder / "keys/manager.secret"
    secret.touch(0o600)
    secret.write_text("secret")
    with served(manager):
        settings = f"manager: {{address: '127.0.0.1:{manager.port}', user: x, secret: keys/manager.secret}}\n"
        file.write_text(settings + file.read_text())
        ran = run("doctor", "--json", "-c", file)
    assert ran.stderr == ""
    by_check: dict[str, list[tuple[str, str]]] = {}
    for one in json.loads(ran.stdout)["findings"]:
        by_check.setdefault(one["check"], []).append((one["state"], one["finding"]))
    return by_check


LOGIN = "Message: Authentication accepted\r\n"
COMMANDS = "".join(f"{action}: What it does. (Priv: some)\r\n" for action in ACTIONS)


@pytest.mark.parametrize(("apart", "state"), [(0, "ok"), (3600, "wrong"), (-3600, "wrong")])
def test_clocks(folder: Path, apart: int, state: str) -> None:
    """A clock that is an hour from ours, in either direction, is found."""

    def pong() -> str:
        return f"Ping: Pong\r\nTimestamp: {time.time() + apart:.6f}\r\n"

    by_check = doctor(folder, Manager(Login=LOGIN, ListCommands=COMMANDS, Ping=pong))
    assert by_check["clock"][0][0] == state


@pytest.mark.parametrize(
    ("given", "state"), [("16.28.0~dfsg", "ok"), ("18.9-cert1", "ok"), ("13.1", "warning"), ("99", "warning")]
)
def test_versions(folder: Path, given: str, state: str) -> None:
    """A version that informativa was never tried with is told."""
    settings = f"AMIversion: 5.0.4\r\nAsteriskVersion: {given}\r\n"
    by_check = doctor(folder, Manager(Login=LOGIN, ListCommands=COMMANDS, CoreSettings=settings))
    assert by_check["version"][0][0] == state
    assert given in by_check["version"][0][1]


@pytest.mark.slow
def test_asterisk_that_hangs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that lets us in and then says nothing: every check ends after its time, and the others are made all
    the same."""
    assert checks.SECONDS == 5.0
    hasty = (replace(check, seconds=1.0) if check.asks_asterisk else check for check in checks.CHECKS)
    monkeypatch.setattr(checks, "CHECKS", tuple(hasty))
    by_check = doctor(folder, Manager(hangs=True, Login=LOGIN, ListCommands=COMMANDS))
    for check in ("version", "modules", "context", "lines", "spool", "clock"):
        assert by_check[check] == [("wrong", "no answer in 1 s")]
    assert by_check["configuration"][0][0] == "ok"


def test_our_own_contexts_are_no_callers() -> None:
    """What the shipped file calls in itself, for test calls, brings no caller to the notice."""
    assert dialplan.calling_steps(dialplan.parsed(SHIPPED)) == []


def test_dialplan_needs_what_is_looked_for() -> None:
    """The table of modules has all applications and functions that our dialplan uses, and no others."""
    text = "\n".join(row.partition(";")[0] for row in SHIPPED.splitlines())
    applications = {step.application for step in dialplan.parsed(SHIPPED)}
    applications |= set(re.findall(r"\?([A-Z][a-z]+)\(", text))  # in ExecIf
    functions = set(re.findall(r"\$\{([A-Z_]+)\(", text)) | set(re.findall(r"Set\(([A-Z]+)\(", text))
    named = {name for names in MODULES.values() for name in names}
    assert (applications - _BUILT_IN) | functions == named


def test_every_format_has_its_module() -> None:
    """Every kind of file that a prompt may have is one whose module is looked for."""
    assert set(EXTENSIONS) == FORMATS.keys()


def test_checks_ask_only_what_the_account_may() -> None:
    """The rights of the account suffice for every action, and each is needed by some."""
    classes = set(WRITE.split(","))
    assert all(classes & set(needed) for needed in ACTIONS.values())
    assert all(any(not (classes - {one}) & set(needed) for needed in ACTIONS.values()) for one in classes)
    assert {*NEEDED.values()} <= ACTIONS.keys()


def test_registry_of_checks() -> None:
    """Each check has an id of its own, and only the doctor's may need Asterisk."""
    assert len({check.id for check in CHECKS}) == len(CHECKS)
    asking = [check for check in CHECKS if check.asks_asterisk]
    assert {check.suites for check in asking} == {Suite.DOCTOR}
    assert {"context", "lines", "clock", "spool"} <= {check.id for check in asking}


def test_each_need_has_a_name() -> None:
    """Python 3.11.2, that of Debian 12, forgets in `|` each bit that no member stands for."""
    values = {need.value for need in Needs}
    assert len(values) == 7
    assert all(value & (value - 1) == 0 for value in values)


@pytest.mark.parametrize(
    ("extension", "data", "reached"),
    [
        ("_[+0-9].", "informativa,s,1(${EXTEN})", True),
        ("0212345678", "informativa,s,1(${EXTEN})", True),
        ("_02XXXXXX.", "$[${DIALPLAN_EXISTS(informativa,s,1)}]?informativa,s,1(${EXTEN})", True),
        ("_0-2[3-9]NX!", "informativa,s,1(${EXTEN})", False),
        ("_0-2[1-3]NX!", "informativa,s,1(${EXTEN})", True),
        ("_02.", "$[1]?Gosub(informativa,s,1(${EXTEN}))", True),
        ("_02.", "$[${DIALPLAN_EXISTS(informativa,s,1)}]?elsewhere,s,1(${EXTEN})", False),
        ("_03.", "informativa,s,1(${EXTEN})", False),
        ("s", "informativa,s,1(${EXTEN})", False),
        ("s", "informativa,s,1(${FROM_DID})", True),
        ("s", "informativa,s,1(${CUT(X,,1)},more)", True),
        ("s", "informativa,s,1(+390212345678)", True),
        ("s", "informativa,s,1(+390287654321)", False),
        ("_X.", "informativa-lines,s,1(${EXTEN})", False),
        ("_X.", "informativa,read,1", False),
    ],
)
def test_which_lines_are_reached(extension: str, data: str, reached: bool) -> None:
    """A step that calls us reaches the lines that its extension matches, or that it names."""
    own = line(notice(version("1")))
    assert own.number == "+390212345678"
    calling = dialplan.calling_steps([DialplanStep("from-trunk", extension, 1, "Gosub", data)])
    assert (dialplan.unreached([own], calling) == []) == reached


def looked(check: Run, case: System) -> list[Finding]:
    """Return what one check finds."""
    return asyncio.run(results(check, case))


@pytest.fixture
def public(open_folder: Path, short_prompts: Path) -> Path:
    """A configuration in a folder that other users may look into."""
    lay(open_folder / "etc", short_prompts)
    return open_folder / "etc"


def case(folder: Path) -> System:
    """Return the system where somebody else runs Asterisk."""
    file = folder / "informativa.yaml"
    configuration, problems = config.inspect(file)
    return System(file, configuration, problems, asterisk_uid=OTHER)


def test_prompt_that_asterisk_cannot_read(public: Path) -> None:
    """Modes count for Asterisk's user: of the file, and of the folders above it."""
    assert [finding.state for finding in looked(asterisk.sounds, case(public))] == ["ok"]
    (public / "prompts/it/full.wav").chmod(0o640)
    (problem,) = looked(asterisk.sounds, case(public))
    assert (problem.state, "it/full.wav" in str(problem.finding)) == ("wrong", True)
    (public / "prompts/it/full.wav").chmod(0o644)
    (public / "prompts/en").chmod(0o700)
    assert len(looked(asterisk.sounds, case(public))) == 3  # three texts
    assert "chmod a+x" in str(looked(asterisk.sounds, case(public))[0].fix)


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone may give files away")
@pytest.mark.slow
def test_whose_service_it_is_was_seen_before_ports_are_tried(public: Path) -> None:
    """A check that listens on the service's port for a moment is not taken for the service by another."""
    file = public / "informativa.yaml"
    port = free_port()
    edit(public, "127.0.0.1:4588", f"127.0.0.1:{port}")
    make_ledgers(public, OTHER)
    system = asyncio.run(check_configuration(file))[0]
    with socket.create_server(("127.0.0.1", port)):
        assert system.users() == {OTHER: str(OTHER)}


def test_process_that_ends_while_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program's end is nothing that a look at who has what open could fail by."""
    scan, ended = os.scandir, "/proc/1/fd"

    def scandir(path: str | Path = ".") -> Iterator[os.DirEntry[str]]:
        if str(path).rstrip("/") == ended:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listener = ports.occupied(f"127.0.0.1:{taken.getsockname()[1]}")
    assert not listener or listener.process == os.getpid()


def test_key_that_asterisk_cannot_read(public: Path) -> None:
    """Keys that belong to another user than Asterisk's are found: its script would not start."""
    modes = looked(service.files, case(public))
    assert [finding.state for finding in modes] == ["wrong", "wrong"]
    assert [str(finding.fix) for finding in modes] == [
        f"chown -R -h {OTHER} {public}/keys; chmod -R u+rX {public}/keys"
    ] * 2


def test_what_scripts_cannot_use_is_told(folder: Path) -> None:
    """What is kept for scripts and cannot be used by them is told, with what to type; nothing else is."""
    file = folder / "informativa.yaml"
    loaded = config.load(file, keep=True)
    assert looked(installation.cached, System(file, loaded, ())) == []
    (folder / ".informativa.yaml.parsed").chmod(0o666)
    parsed = folder / ".informativa.yaml.parsed"
    assert looked(installation.cached, System(file, loaded, ())) == [
        warning(
            f"scripts cannot use {parsed} (others than its owner and root can write it),"
            " and take twice their time",
            f"rm {parsed}; informativa check -c {file}",
        )
    ]


def make_ledgers(folder: Path, uid: int | None = None) -> None:
    """Make ledgers as the service does when it starts; they and their folder belong to `uid`, or to who
    tests."""
    uid, gid = (os.geteuid(), -1) if uid is None else (uid, uid)
    for controller in config.load(folder / "informativa.yaml").controllers.values():
        storage.store(controller).close()
        os.chown(controller.ledger, uid, gid)
    os.chown(folder / "ledger", uid, gid)


def replace_recording(folder: Path) -> None:
    """Replace the recording of a version that was served."""
    verify_recordings(config.load(folder / "informativa.yaml"), keep=True)
    sound = folder / "prompts/it/short.wav"
    sound.write_bytes(sound.read_bytes()[:-400] + b"\1" * 400)


def spoil_ledger(folder: Path) -> None:
    """Spoil a ledger by what is none."""
    (folder / "ledger/borealis.sqlite3").write_bytes(b"no ledger at all, and long enough to be looked at" * 9)


def take_papers(folder: Path) -> None:
    """From the company that has some."""
    edit(folder, '"2026/11"', '"TODO"')


def misspell(folder: Path) -> None:
    """A setting, and the name of a company."""
    edit(folder, "region: DE", "regoin: DE")
    edit(folder, "controller: acme", "controller: acm")


def make_ledger_readable(folder: Path) -> None:
    """For all."""
    make_ledgers(folder)
    (folder / "ledger/acme.sqlite3").chmod(0o644)


def leave_out_full_text(folder: Path) -> None:
    """In one language of a line."""
    edit(folder, "    # fallback: [en]", "    fallback: [en]")
    edit(folder, "              en: prompts/en/full\n", "")


def edit(folder: Path, old: str, new: str) -> None:
    """Change one place of the configuration."""
    file = folder / "informativa.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


FAULTS = [
    replace_recording, spoil_ledger, take_papers, misspell, make_ledger_readable, leave_out_full_text,
]  # fmt: skip


def examined(command: str, folder: Path) -> tuple[int, dict]:
    """The exit code of a command and what it says as JSON."""
    ran = run(command, "--json", "-c", folder / "informativa.yaml")
    assert ran.stderr == ""
    return ran.returncode, json.loads(ran.stdout)


@pytest.mark.sample(3)
@pytest.mark.parametrize("fault", FAULTS)
def test_doctor_finds_all_that_check_does(folder: Path, fault: Callable[[Path], None]) -> None:
    """Whatever `check` refuses, or warns of, `doctor` tells in the same words, and as gravely."""
    edit(folder, "127.0.0.1:4588", f"127.0.0.1:{free_port()}")
    fault(folder)
    code, checked = examined("check", folder)
    _code, looked_at = examined("doctor", folder)
    by_state: dict[str, str] = {}
    for one in looked_at["findings"]:
        by_state[one["state"]] = by_state.get(one["state"], "") + one["finding"] + (one["fix"] or "") + "\n"
    assert (code, checked["problems"] == []) == ((0, True) if checked["ok"] else (1, False))
    assert checked["problems"] or checked["warnings"]
    for problem in checked["problems"]:
        assert problem["message"].partition("; ")[0] in by_state["wrong"]
    for one in checked["warnings"]:
        assert one.partition("; ")[0] in by_state["warning"]


def test_port_of_another_programs_server_is_told_by_both(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That the port is FreePBX's, which is on this machine, is wrong to `check` as it is to `doctor`."""
    edit(folder, "127.0.0.1:4588", "127.0.0.1:4573")
    (tmp_path / "asterisk.conf").write_text(f"[directories]\nastetcdir => {tmp_path}/asterisk ; moved\n")
    monkeypatch.setattr(asterisk_files, "CONF", tmp_path / "asterisk.conf")
    (tmp_path / "freepbx.conf").touch()
    words = "127.0.0.1:4573 is the port of FreePBX (core-fastagi), which is on this machine"
    file = folder / "informativa.yaml"
    in_doctor = [finding for finding in asyncio.run(examine(file)).findings if words in str(finding.finding)]
    in_check = [
        finding for finding in asyncio.run(check_configuration(file))[1] if words in str(finding.finding)
    ]
    assert in_check == in_doctor
    assert [one.state for one in in_check] == ["wrong"]
    assert str(in_check[0].fix).startswith("set service.listen to another port")


@pytest.mark.usefixtures("own_port")
def test_what_follows_from_a_missing_prompt_is_not_told(folder: Path) -> None:
    """That a full text is not there is one finding, and not also that its key does nothing."""
    (folder / "prompts/it/full.wav").unlink()
    checked = examined("check", folder)[1]
    assert ["full.wav" in problem["message"] for problem in checked["problems"]] == [True]
    assert not any("full" in warning for warning in checked["warnings"])


def test_check_tells_all_at_once(folder: Path) -> None:
    """Mistakes in the file, a replaced recording, a spoilt ledger and a port that is taken: in one run."""
    replace_recording(folder)
    spoil_ledger(folder)
    manager = Manager()
    with served(manager):
        edit(folder, "127.0.0.1:4588", f"127.0.0.1:{manager.port}")
        misspell(folder)
        edit(folder, "callers: either", "callers: nobody")
        _code, checked = examined("check", folder)
    sentences = "\n".join(f"{one['message']} {one['remedy']}" for one in checked["problems"])
    for part in (
        "did you mean region?",
        "is not one of",
        "is not the recording that",
        "cannot be used",
        "is taken by",
    ):
        assert part in sentences, part


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone may try as another user")
def test_trial_of_writing_that_takes_too_long_is_unknown(
    public: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process is ended; nothing is said to be well."""
    make_ledgers(public, OTHER)
    monkeypatch.setattr(write_trial, "SECONDS", 0.001)
    findings = looked(ledgers.ledgers, case(public))
    assert {(finding.state, str(finding.finding)) for finding in findings} == {
        (State.UNKNOWN, f"whether Asterisk ({OTHER}) can write to the ledgers is not known after 0 s")
    }


@pytest.mark.parametrize(
    ("error", "text", "fix"),
    [
        (OSError(5, "broken", "/x"), "/x cannot be looked at (broken)", "Look at the disk"),
        (OSError(5, "broken"), "ledgers cannot be looked at (broken)", "Look at the disk"),
        (PermissionError(13, "denied", "/x"), "/x cannot be looked at (denied)", "Run this as root"),
    ],
)
def test_check_that_the_system_stops_leaves_the_others(
    public: Path, error: OSError, text: str, fix: str
) -> None:
    """It is unknown, with a remedy; before, a disk's error ended all."""

    def failing(_system: System) -> Iterator[Finding]:
        raise error
        yield

    check = next(check for check in CHECKS if check.id == "ledgers")
    checks = [replace(check, run=failing), next(check for check in CHECKS if check.id == "room")]
    _system, (stopped, *others) = asyncio.run(run_checks(public / "informativa.yaml", checks))
    assert (stopped.state, str(stopped.finding)) == (State.UNKNOWN, text)
    assert fix in str(stopped.fix)
    assert others


@pytest.mark.sample(1)
@pytest.mark.skipif(os.geteuid() != 0, reason="root alone may try as another user")
@pytest.mark.parametrize("place", ["file", "folder"])
@pytest.mark.slow
def test_ledger_that_its_user_cannot_write_is_found(public: Path, place: str) -> None:
    """`check` and `doctor`, run by root, find what the modes keep the service's user from."""
    make_ledgers(public, OTHER)
    (public / "ledger/acme.sqlite3" if place == "file" else public / "ledger").chmod(
        0o400 if place == "file" else 0o500
    )
    code, checked = examined("check", public)
    assert (code, "so nothing is recorded there" in checked["problems"][0]["message"]) == (1, True)
    assert "so nothing is recorded there" in json.dumps(examined("doctor", public)[1])


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone may try as another user")
def test_writing_is_really_tried_as_the_user(public: Path) -> None:
    """What no mode tells: here the log of a ledger, which another user's program left."""
    make_ledgers(public, OTHER)
    ledgers_ = list(config.load(public / "informativa.yaml").controllers.values())
    before = sorted((public / "ledger").iterdir())
    assert write_trial.writing(OTHER, ledgers_) == []
    assert sorted((public / "ledger").iterdir()) == before
    Path(f"{ledgers_[0].ledger}").chmod(0o400)
    (error,) = write_trial.writing(OTHER, ledgers_)
    assert "acme.sqlite3 cannot be used (attempt to write a readonly database)" in str(error)
    assert write_trial.writing(0, ledgers_) == []


@pytest.mark.slow
def test_service_of_another_configuration_is_told(folder: Path, tmp_path: Path) -> None:
    """What answers at the port, but runs a copy of this file or its text of before, is not taken for ours."""
    office = Office(tmp_path / "theirs")
    shutil.copytree(office.folder, folder, dirs_exist_ok=True)
    office.start()
    edit(office.folder, "retention: 5 years", "retention: 6 years")
    expected = {
        folder: "works from another file than",
        office.folder: "works from another configuration than",
    }
    try:
        for place, words in expected.items():
            (finding,) = [
                one for one in examined("doctor", place)[1]["findings"] if one["check"] == "service"
            ]
            assert (finding["state"], words in finding["finding"]) == ("warning", True)
            status = examined("status", place)[1]
            assert (words in status["warnings"][0], status["service"]["as_configured"]) == (True, False)
        edit(office.folder, "retention: 6 years", "retention: 5 years")
        status = examined("status", office.folder)[1]
        assert (status["warnings"], status["service"]["as_configured"]) == ([], True)
    finally:
        office.stop()


def test_remedy_is_no_restart_that_would_fail(folder: Path) -> None:
    """What keeps a service from starting, or one company from being served, is to be mended first; a
    recording that is not played keeps neither."""
    edit(folder, "127.0.0.1:4588", f"127.0.0.1:{free_port()}")
    (down,) = [one for one in examined("doctor", folder)[1]["findings"] if one["check"] == "service"]
    assert down["fix"].startswith("systemctl restart informativa")
    replace_recording(folder)
    (down,) = [one for one in examined("doctor", folder)[1]["findings"] if one["check"] == "service"]
    assert down["fix"].startswith("systemctl restart informativa")
    edit(folder, "name: Borealis GmbH", "nome: Borealis GmbH")
    (down,) = [one for one in examined("doctor", folder)[1]["findings"] if one["check"] == "service"]
    assert down["fix"].startswith("First mend what keeps borealis from being served: informativa check -c")
    edit(folder, "operator:", "operatore:")
    (down,) = [one for one in examined("doctor", folder)[1]["findings"] if one["check"] == "service"]
    assert down["fix"].startswith("First mend what keeps the service from starting: informativa check -c")


def test_folder_of_several_ledgers_is_named_once(public: Path) -> None:
    """What is wrong with the ledgers' folder is one finding, however many are in it."""
    make_ledgers(public)
    for controller in config.load(public / "informativa.yaml").controllers.values():
        storage.store(controller).close()
    (public / "ledger").chmod(0o755)
    for ledger in (public / "ledger").iterdir():
        ledger.chmod(0o666)
    wrong = [finding for finding in looked(ledgers.ledgers, case(public)) if finding.state == "wrong"]
    assert [f"cannot write {public}/ledger," in str(finding.finding) for finding in wrong] == [True]


def test_what_is_not_looked_at_is_named_once(tmp_path: Path) -> None:
    """Two checks look at ledgers; a reader knows them by one name."""
    ran = run("doctor", "-c", tmp_path / "none.yaml")
    (line,) = [one for one in ran.stdout.splitlines() if "the configuration cannot be read" in one]
    assert line.count("ledgers") == 1
    assert "1 wrong, 0 to look at, 32 not looked at, 0 in order" in ran.stdout


def test_command_says_what_is_wrong_and_ends_with_1(tmp_path: Path) -> None:
    """Where there is no configuration that is wrong, with what to type, and all else is not looked at."""
    file = tmp_path / "none.yaml"
    code, out, err = typed("doctor", "-c", file)
    assert (code, err) == (1, "")
    first, remedy, *_, last = out.splitlines()
    assert first == f"✘ configuration: {file}: there is no such file"
    assert remedy == "    name yours with -c FILE, or make one: informativa init DIR"
    assert last == "1 wrong, 0 to look at, 32 not looked at, 0 in order"
    code, out, err = typed("doctor", "--json", "-c", file)
    facts = json.loads(out)
    assert (code, err) == (1, "")
    assert [facts[state] for state in ("ok", "warning", "wrong", "unknown")] == [0, 0, 1, 32]
    assert facts["findings"][0]["state"] == "wrong"


def test_disk_that_is_full(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Little room is a warning, next to none is wrong."""
    usage = namedtuple("usage", "free")
    for free, state in ((10 << 30, "ok"), (100 << 20, "warning"), (1 << 20, "wrong")):
        monkeypatch.setattr(service.shutil, "disk_usage", lambda _folder, free=free: usage(free))
        assert [finding.state for finding in looked(service.room, case(folder))] == [state]


def test_whose_port() -> None:
    """Who listens on a port is known by user, and that nobody does."""
    manager = Manager()
    with served(manager):
        assert users.listener(manager.port) == os.geteuid()
    assert users.listener(1) is None


@pytest.mark.sample(1)
@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.slow
def test_colour_only_on_a_terminal_that_wants_it(folder: Path, plain: bool) -> None:
    """A terminal gets colour, unless NO_COLOR is set; a pipe never does."""
    terminal, theirs = pty.openpty()
    command = [PROGRAM, "doctor", "-c", folder / "informativa.yaml"]
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm", "LANG": "C.UTF-8"}
    environment |= {"NO_COLOR": "1"} if plain else {}
    process = subprocess.Popen(command, stdout=theirs, env=environment)
    os.close(theirs)
    output = b""
    while True:
        try:
            output += os.read(terminal, 4096)
        except OSError:
            break
    os.close(terminal)
    assert process.wait(60) == 1
    assert "✘".encode() in output
    assert (b"\x1b[1;31m" in output) != plain
    if not plain:
        piped = subprocess.run(command, capture_output=True, env=environment, check=False)
        assert b"\x1b" not in piped.stdout


def test_examination_in_words_and_for_programs() -> None:
    """One line a finding, its fix below; what could not be looked at for one reason is one line; counts."""
    reason = Text("Asterisk cannot be asked")
    results = (
        replace(wrong("down", "start it"), check=Text("service")),
        replace(unknown(reason), check=Text("modules")),
        replace(unknown(reason), check=Text("formats")),
        replace(ok(Text("enough")), check=Text("room")),
    )
    examination = Examination(results, **count_by_state(results))
    assert [line.plain for line in findings(examination, ENGLISH, unicode=True)] == [
        "✘ service: down",
        "    start it",
        "✔ room: enough",
        "? not looked at: modules, formats (Asterisk cannot be asked)",
        "1 wrong, 0 to look at, 2 not looked at, 1 in order",
    ]
    assert next(iter(findings(examination, ENGLISH, unicode=False))).plain == "x service: down"
    facts = json.loads(document(examination))
    assert [facts[state] for state in ("ok", "warning", "wrong", "unknown")] == [1, 0, 1, 2]
    assert [finding["fix"] for finding in facts["findings"]] == ["start it", None, None, None]
    assert count_by_state(results[1:])["wrong"] == 0


def test_account_that_is_to_be_made(folder: Path) -> None:
    """A first account gets a section of the configuration too; one that is configured does not."""
    file, secret = folder / "informativa.yaml", folder / "keys/manager.secret"
    with pytest.raises(InformativaError, match="Type: informativa keys make manager"):
        of_configuration(file)
    secret.write_text("words\n")
    secret.chmod(0o600)
    first = of_configuration(file)
    assert (first.user, first.secret, first.configured) == ("informativa", "words", False)
    assert "words" not in repr(first)
    words = instructions(first, ENGLISH)
    assert "    secret = words\n" in words
    assert f"In {file}:\n\n    manager:\n      address: 127.0.0.1:5038\n" in words
    assert instructions(first, language("it")) != words
    file.write_text(
        "manager: {address: '127.0.0.1:5039', user: x, secret: keys/manager.secret}\n" + file.read_text()
    )
    known = of_configuration(file)
    assert (known.user, known.port, known.configured) == ("x", 5039, True)
    assert "manager:" not in instructions(known, ENGLISH)


def test_command_prints_what_makes_an_account(folder: Path) -> None:
    """`doctor --account` looks at nothing: it prints what to copy where, and ends with exit code 0."""
    file, secret = folder / "informativa.yaml", folder / "keys/manager.secret"
    secret.write_text("words\n")
    secret.chmod(0o600)
    code, out, err = typed("doctor", "--account", "-c", file)
    assert (code, err) == (0, "")
    assert "    [informativa]\n    secret = words\n    deny = 0.0.0.0/0.0.0.0\n" in out
    assert out.endswith(
        f"And at the end:\n\n    systemctl restart informativa\n    informativa doctor -c {file}\n"
    )


def test_secret_that_is_no_file(folder: Path) -> None:
    """A secret that cannot be read is told with what to do."""
    (folder / "keys/manager.secret").mkdir()
    with pytest.raises(InformativaError, match="Run this as the user who owns it"):
        of_configuration(folder / "informativa.yaml")
