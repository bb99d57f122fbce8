"""`informativa doctor` on a live system: a healthy one, and one that is broken in one way at a time."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import textwrap
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

import commands
from informativa.operations.doctor.checks import CHECKS
from informativa.operations.doctor.mending import Outcome, Treatment, mend
from informativa.operations.doctor.remedy_commands import Execution
from lab.office import BIN, without_privileges
from lab.ports import free_port
from mending_tools import here

from .site import Site

Found = list[tuple[str, str, str, str]]  # check, state, finding, fix


def run(site: Site, *arguments: str, prefix: list[str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command on the site's configuration; under another command it is really started."""
    if not prefix:
        return commands.run("doctor", *arguments, "-c", site.office.config)
    return subprocess.run(
        [*prefix, BIN / "informativa", "doctor", *arguments, "-c", site.office.config],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def findings(site: Site, prefix: list[str] | None = None) -> Found:
    """All that is not in order, but that English callers hear what is shipped, and that the example's
    outsourced company names no approver. The exit code must agree."""
    ran = run(site, "--json", prefix=prefix)
    assert ran.stderr == ""
    results = json.loads(ran.stdout)["findings"]
    assert ran.returncode == any(one["state"] == "wrong" for one in results)
    return [
        (one["check"], one["state"], one["finding"], one["fix"] or "")
        for one in results
        if one["state"] != "ok"
        and "answers the calls of borealis" not in one["finding"]
        and not (one["check"] == "words" and "shipped" in one["finding"])
    ]


def only(findings_made: Found) -> tuple[str, str, str, str]:
    """The one finding that there is, beside checks that could not be made for it."""
    (one,) = (finding for finding in findings_made if finding[1] != "unknown")
    return one


def copied(text: str, title: str) -> str:
    """Return what an admin would copy of the instructions: the block below that title."""
    block = re.search(rf"^{title}.*:\n\n((?:    .*\n)+)", text, re.MULTILINE)
    assert block, text
    return textwrap.dedent(block[1])


def _is_locked(ledger: Path) -> bool:
    """Return whether another process writes to this ledger."""
    try:
        with closing(sqlite3.connect(ledger, timeout=0)) as connection:
            connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return True
    return False


def _stop(pid: int) -> None:
    """Stop a process, and return when each of its threads stands still."""
    os.kill(pid, signal.SIGSTOP)
    while set(_thread_states(pid)) != {"T"}:
        os.sched_yield()


def _thread_states(pid: int) -> Iterator[str]:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended
            yield (thread / "stat").read_text().rpartition(")")[2].split()[0]


@contextmanager
def service_stopped_while_idle(site: Site) -> Iterator[None]:
    """Stop the service (SIGSTOP) where it holds no ledger: `doctor` rightly names one that it holds, too."""
    pid = site.office.pid
    assert pid
    ledgers = list((site.office.folder / "ledger").glob("*.sqlite3"))
    assert ledgers
    _stop(pid)
    try:
        while any(map(_is_locked, ledgers)):
            os.kill(pid, signal.SIGCONT)
            while any(map(_is_locked, ledgers)):
                os.sched_yield()
            _stop(pid)
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture
def healthy(site: Site) -> Iterator[Site]:
    """A site with the manager account that the printed instructions make."""
    printed = commands.run("keys", "make", "manager", "-c", site.office.config).stdout
    (conf, before) = (site.pbx.etc / "manager.conf", (site.pbx.etc / "manager.conf").read_text())
    conf.write_text(f"{before}\n{copied(printed, 'At the end of')}")
    for command in copied(printed, "Then, as root").splitlines():
        assert command.startswith("asterisk -rx")
        site.pbx.cli(command.split("'")[1])
    settings = copied(printed, "In ").replace(":5038", f":{site.pbx.ports.ami}")
    site.configure(("operator: Acme", f"{settings}operator: Acme"))
    yield site
    conf.write_text(before)
    site.pbx.cli("manager reload")


def test_without_an_account_it_says_how_to_make_one(site: Site) -> None:
    """Without `manager` nothing that only Asterisk knows is said to be in order, and that is to be looked at;
    the account's secret is made once, and printed where it must be copied from."""
    check, state, _finding, fix = only(findings(site))
    assert (check, state) == ("manager", "warning")
    assert f"informativa keys make manager -c {site.office.config}" in fix
    assert f"Type: informativa keys make manager -c {site.office.config}" in run(site, "--account").stderr
    printed = commands.run("keys", "make", "manager", "-c", site.office.config).stdout
    secret = site.office.folder / "keys/manager.secret"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert f"secret = {secret.read_text().strip()}\n" in printed
    assert run(site, "--account").stdout in printed


def test_healthy_site(healthy: Site) -> None:
    """With the account of the printed instructions all checks are made, none finds anything, no file in the
    folder changes, the service logs nothing, and the secret is never printed."""
    folder = healthy.office.folder

    def state() -> list[tuple[str, object]]:
        files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
        changing = ("-shm", "-wal")  # in which SQLite notes who reads, and a write that was tried and undone
        return [
            # What was undone is the same bytes once more, which the service moves there a second later.
            (str(file), file.read_bytes() if file.suffix == ".sqlite3" else file.stat().st_mtime_ns)
            for file in files
            if not file.name.endswith(changing)
        ]

    assert healthy.call().status == "PLAYED"
    with closing(sqlite3.connect(folder / "ledger/acme.sqlite3")) as ledger:
        busy = True
        while busy:  # what the service does within a second, and may be doing now; the doctor does not
            busy, written, moved = ledger.execute("PRAGMA wal_checkpoint").fetchone()
            busy = busy or written != moved
    before, logged = state(), healthy.office.log_text
    ran = run(healthy)
    assert ran.returncode == 0
    marked = [line for line in ran.stdout.splitlines() if line.startswith(("!", "✘", "?"))]
    assert [line.partition(":")[0] for line in marked] == ["! evidence"]
    assert "0 wrong, 1 to look at, 0 not looked at" in ran.stdout
    assert findings(healthy) == []
    assert state() == before
    assert healthy.office.log_text == logged
    healthy.office.stop()
    before = state()
    assert only(findings(healthy))[0] == "service"
    assert state() == before
    secret = (folder / "keys/manager.secret").read_text().strip()
    assert secret not in ran.stdout + run(healthy, "--json").stdout


def test_versions_that_begin_on_a_day_are_as_loaded(healthy: Site) -> None:
    """The loaded dialplan, which has each version with its time, is the one of this configuration."""
    version = '\n          - {{version: "{0}", purposes: [service], starts: {1}, short: {{it: prompts/{2}}}}}'
    begun, to_come = ("2026-12", "2026-11-02", "it/full"), ("2099", "2099-01-01", "de/full")
    versions = version.format(*begun) + version.format(*to_come)
    healthy.configure(("\n\n  borealis:", f"{versions}\n\n  borealis:"))
    assert "EPOCH" in healthy.office.dialplan()
    assert findings(healthy) == []


@pytest.mark.sample(1)
@pytest.mark.parametrize("module", ["res_agi", "func_db", "app_playback"])
def test_module_that_is_not_loaded(healthy: Site, module: str) -> None:
    """It is named, with what of it is needed and the command that loads it."""
    healthy.pbx.cli(f"module unload -f {module}.so")
    try:
        check, state, finding, fix = only(findings(healthy))
    finally:
        healthy.pbx.cli(f"module load {module}.so")
    assert (check, state) == ("modules", "wrong")
    assert module in finding
    assert f"module load {module}.so" in fix
    assert findings(healthy) == []


def test_format_that_is_not_loaded(healthy: Site) -> None:
    """Prompts in a format that Asterisk cannot read are wrong where there is no other, else a warning."""
    healthy.pbx.cli("module unload -f format_wav.so")
    try:
        check, state, finding, fix = only(findings(healthy))
        assert (check, state) == ("formats", "wrong")
        assert "can play" in finding
        assert "module load format_wav.so" in fix
        for file in (healthy.office.folder / "prompts").glob("*/*.wav"):
            with file.open("rb") as opened:
                file.with_suffix(".sln").write_bytes(opened.read()[44:])
        assert only(findings(healthy))[:2] == ("formats", "warning")
    finally:
        healthy.pbx.cli("module load format_wav.so")


def change_lines(site: Site) -> None:
    """One more line, in the configuration alone."""
    text = site.office.config.read_text()
    block = text[text.index('  "+390212345678":') : text.index('  "+493012345678":')]
    site.office.edit(block, block + block.replace("390212345678", "390211111111"))
    site.office.reload()


def no_context(site: Site) -> None:
    """Our file is not included."""
    text = (site.pbx.etc / "extensions.conf").read_text()
    site.pbx.reload_dialplan(text.partition("; informativa: the privacy notice")[0])


def wrong_address(site: Site) -> None:
    """The dialplan of when the service listened elsewhere."""
    text = (site.pbx.etc / "extensions.conf").read_text()
    site.pbx.reload_dialplan(text.replace(f"127.0.0.1:{site.office.port}/", "127.0.0.1:4572/"))


def edited(site: Site) -> None:
    """Somebody's own version of our context."""
    site.edit_dialplan("Set(PLAYBACKSTATUS=)", "Set(PLAYBACKSTATUS=x)")


def no_call(site: Site) -> None:
    """Nobody calls us."""
    site.edit_dialplan("Gosub(informativa,s,1(${EXTEN}))", "NoOp()")


def one_call(site: Site) -> None:
    """Only one of two lines is passed to us."""
    site.edit_dialplan("_[+0-9a-zA-Z].,1,Gosub", "_02X.,1,Gosub")


def wrong_secret(site: Site) -> None:
    """The secret is not the account's."""
    (site.office.folder / "keys/manager.secret").write_text("another")


def missing_right(site: Site) -> None:
    """The account may only read."""
    manager(site, "write = system,reporting", "write = reporting")


def manager(site: Site, old: str, new: str) -> None:
    """Change the account."""
    conf = site.pbx.etc / "manager.conf"
    assert old in conf.read_text()
    conf.write_text(conf.read_text().replace(old, new))
    site.pbx.cli("manager reload")


def no_service(site: Site) -> None:
    """The service is stopped."""
    site.office.stop()


def old_service(site: Site) -> None:
    """The configuration was changed and not loaded."""
    site.office.edit("drain: 100", "drain: 99")


def key_mode(site: Site) -> None:
    """Others can read a key."""
    (site.office.folder / "keys/acme.key").chmod(0o644)


def no_prompt(site: Site) -> None:
    """A prompt of a plan is gone."""
    (site.office.folder / "prompts/it/full.wav").unlink()


def no_ledger(site: Site) -> None:
    """A ledger is gone."""
    site.office.stop()
    for file in (site.office.folder / "ledger").glob("acme.sqlite3*"):
        file.unlink()
    site.office.start()
    for file in (site.office.folder / "ledger").glob("acme.sqlite3*"):
        file.unlink()


def broken_ledger(site: Site) -> None:
    """A ledger is no database."""
    site.office.stop()
    for file in (site.office.folder / "ledger").glob("acme.sqlite3*"):
        file.unlink()
    file = site.office.folder / "ledger/acme.sqlite3"
    file.touch(0o600)
    file.write_text("no database " * 1000)
    site.office.start()


def ledger_sql(sql: str) -> Callable[[Site], None]:
    """Change the company's ledger."""

    def change(site: Site) -> None:
        with closing(sqlite3.connect(site.office.folder / "ledger/acme.sqlite3")) as ledger:
            ledger.execute(sql)
            ledger.commit()

    return change


def open_ledger(site: Site) -> None:
    """Others can read a ledger."""
    (site.office.folder / "ledger/acme.sqlite3").chmod(0o640)


def future_record(site: Site) -> None:
    """The clock was ahead when a call was recorded."""
    assert site.call().status == "PLAYED"
    ledger_sql("UPDATE event SET at = at + 86400000000")(site)


def spooled(site: Site) -> None:
    """A row that no line owns."""
    site.pbx.cli(
        "database put informativa 1795555030.1-1795555030123456 "
        '"at=1795555030|line=default|prompt=|why=no-line|ending=whole|seconds=1"'
    )


def not_executable(site: Site) -> None:
    """The script that the dialplan starts is no program."""
    site.edit_dialplan(f"AGI({site.office.config}.agi", f"AGI({site.office.config}")


BROKEN: list[tuple[Callable[[Site], None], str, str, str, str]] = [
    (change_lines, "context", "wrong", "+390211111111", "informativa dialplan install -c"),
    (wrong_address, "context", "wrong", "127.0.0.1:4572", "informativa dialplan install -c"),
    (edited, "context", "warning", "not as this version", "dialplan reload"),
    (no_call, "lines", "wrong", "nothing in the dialplan calls", "informativa,s,1(${EXTEN})"),
    (one_call, "lines", "warning", "line +493012345678", "informativa,s,1(${EXTEN})"),
    (wrong_secret, "manager", "wrong", "does not let informativa in", "informativa doctor --account"),
    (missing_right, "rights", "wrong", "DBDel, ModuleCheck", "write = system,reporting"),
    (no_service, "service", "wrong", "Connection refused", "systemctl restart informativa"),
    (old_service, "service", "warning", "another configuration", "systemctl reload informativa"),
    (key_mode, "configuration", "wrong", "others can read", "chmod 600"),
    (no_prompt, "configuration", "wrong", "it/full.wav", "put one there"),
    (no_ledger, "ledgers", "warning", "acme.sqlite3", "put it back"),
    (broken_ledger, "ledgers", "wrong", "acme.sqlite3", "informativa ledger restore COPY"),
    (ledger_sql("PRAGMA user_version = 99"), "ledgers", "wrong", "another version", "Use that version"),
    (open_ledger, "ledgers", "warning", "others can read", "chmod 600"),
    (future_record, "future", "warning", "acme", "timedatectl"),
    (spooled, "spool", "warning", "1 row", "add the line"),
]


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("break_it", "check", "state", "finding", "fix"),
    BROKEN,
    ids=[re.sub(r"\W+", "-", f"{case[0].__name__} {case[3]}") for case in BROKEN],
)
def test_broken_in_one_way(
    healthy: Site, break_it: Callable[[Site], None], check: str, state: str, finding: str, fix: str
) -> None:
    """What was broken is found, with what mends it, and nothing else is."""
    break_it(healthy)
    reported = findings(healthy)
    one = only(
        [finding for finding in reported if "the service can decide no call of acme now" not in finding[2]]
    )
    assert one[:2] == (check, state)
    assert finding in one[2]
    assert fix in one[3]


def test_context_that_is_not_loaded(healthy: Site) -> None:
    """Without our context the include is told; a plain Gosub into it is not taken for a call of ours."""
    no_context(healthy)
    check, state, _finding, fix = only(findings(healthy))
    assert (check, state) == ("context", "wrong")
    assert fix.startswith("informativa dialplan install -c ")


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone writes the dialplan of Asterisk's folder")
def test_remedies_that_run(healthy: Site) -> None:
    """`doctor --fix` on a live Asterisk: a dialplan older than the configuration is written and loaded. Where
    Asterisk does not include it, the command's output says which line is missing, and it is not mended."""
    pbx, office = healthy.pbx, healthy.office
    text = (pbx.etc / "extensions.conf").read_text().partition("; informativa: the privacy notice")[0]
    pbx.reload_dialplan(text)
    checks = [check for check in CHECKS if check.id == "context"]

    def run_there(words: Sequence[str]) -> Execution:
        return Execution(0, pbx.cli(words[-1])) if words[0] == "asterisk" else here(words)

    def mended() -> Treatment:
        (treatment,) = mend(
            office.config, lambda _treatment: True, lambda _treatment: None, run_there, checks=checks
        ).treatments
        return treatment

    treatment = mended()
    assert treatment.outcome is Outcome.REMAINS
    assert "#tryinclude informativa.conf" in (treatment.output or "")
    pbx.reload_dialplan(f"{text}#tryinclude informativa.conf\n")
    change_lines(healthy)
    treatment = mended()
    assert treatment.outcome is Outcome.MENDED
    assert treatment.commands[0] == f"informativa dialplan install -c {office.config} --to {pbx.etc}"
    assert treatment.commands[1].endswith(" -rx 'dialplan reload'")
    assert [one for one in findings(healthy) if one[0] == "context"] == []
    assert healthy.call().status == "PLAYED"


def test_script_that_cannot_be_started(healthy: Site) -> None:
    """A script without the right to be executed is found, beside the dialplan that names it."""
    not_executable(healthy)
    reported = findings(healthy, without_privileges())
    assert [one[:2] for one in reported] == [("context", "warning"), ("script", "wrong")]
    assert "cannot execute" in reported[1][2]


@pytest.mark.night
def test_ledger_that_is_read_only(healthy: Site) -> None:
    """The kernel's word counts where it can be had: a ledger that is read-only."""
    (healthy.office.folder / "ledger/acme.sqlite3").chmod(0o400)
    (check, state, finding, fix) = only(findings(healthy, without_privileges()))
    assert (check, state) == ("ledgers", "wrong")
    assert "cannot write" in finding
    assert "chmod u+rw" in fix


@contextmanager
def foreigner(port: int, answer: bytes) -> Iterator[None]:
    """A program that has nothing to do with us, and says this to whoever connects, or nothing at all."""
    with socket.create_server(("127.0.0.1", port)) as server:
        peers: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    peer = server.accept()[0]
                except OSError:
                    return
                peers.append(peer)
                if answer:
                    peer.sendall(answer)
                    peer.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for peer in peers:
            peer.close()


@pytest.mark.sample(1)
@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH\r\n", b'VERBOSE "hello" 1\n', b""])
def test_foreign_program_on_the_port(healthy: Site, answer: bytes) -> None:
    """Whatever answers in place of the service is told from it, a program that says nothing too."""
    healthy.office.stop()
    with foreigner(healthy.office.port, answer):
        reported = findings(healthy)
    assert [one[:2] for one in reported] == [("ports", "wrong"), ("service", "wrong")]
    assert f"{healthy.office.port} is taken by process {os.getpid()}" in reported[0][2]
    assert "is not this informativa" in reported[1][2]
    assert f"sport = :{healthy.office.port}" in reported[1][3]
    assert "First mend what keeps the service from starting" in reported[1][3]


def test_service_that_hangs(healthy: Site) -> None:
    """A service of which only the kernel answers is found, alone where it stopped while idle."""
    with service_stopped_while_idle(healthy):
        reported = findings(healthy)
    assert only(reported)[:2] == ("service", "wrong")
    assert "or hangs" in only(reported)[2]


@pytest.mark.sample(1)
@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH\r\n", b""])
def test_foreign_program_in_place_of_asterisk(healthy: Site, answer: bytes) -> None:
    """One at the manager's address keeps nobody waiting."""
    port = free_port()
    healthy.office.edit(f"127.0.0.1:{healthy.pbx.ports.ami}", f"127.0.0.1:{port}")
    healthy.configure()
    with foreigner(port, answer):
        check, state, _finding, fix = only(findings(healthy))
    assert (check, state) == ("manager", "wrong")
    assert fix


@pytest.mark.night
def test_metrics_that_are_not_answered(healthy: Site) -> None:
    """A metrics port that is configured and answers is in order; one that does not, is told."""
    port = free_port()
    healthy.configure(("  # metrics: 127.0.0.1:9464", f"  metrics: 127.0.0.1:{port}"))
    assert f"metrics are answered at 127.0.0.1:{port}" in run(healthy).stdout
    healthy.office.edit(f"metrics: 127.0.0.1:{port}", f"metrics: 127.0.0.1:{free_port()}")
    healthy.office.reload()
    assert only(findings(healthy))[:2] == ("metrics", "wrong")


def test_everything_down(healthy: Site) -> None:
    """Without Asterisk and without service the rest is looked at all the same."""
    healthy.office.stop()
    healthy.office.edit(f"127.0.0.1:{healthy.pbx.ports.ami}", f"127.0.0.1:{free_port()}")
    reported = findings(healthy)
    assert [one[:2] for one in reported if one[1] != "unknown"] == [
        ("service", "wrong"),
        ("manager", "wrong"),
    ]
    assert "Correct" in reported[1][3] or "correct" in reported[1][3]


@pytest.mark.night
def test_without_utf8_and_colour(healthy: Site) -> None:
    """Marks are ASCII where the terminal is not UTF-8, and a pipe gets no colour."""
    healthy.office.stop()
    ran = subprocess.run(
        [BIN / "informativa", "doctor", "-c", healthy.office.config],
        capture_output=True,
        timeout=60,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert ran.returncode == 1
    assert b"\x1b" not in ran.stdout
    assert b"\nx service: " in ran.stdout
    ran.stdout.decode("ascii")


@pytest.mark.night
def test_change_of_the_token_step_by_step(healthy: Site) -> None:
    """After each step of `keys rotate --agi` doctor says what is left to do, and at last nothing; a dialplan
    with no token, or another, is told as what keeps calls from the service. What it prints reaches this
    Asterisk, whose files are not in their usual place."""
    office, etc = healthy.office, healthy.pbx.etc

    def remedies() -> list[tuple[str, str, str]]:
        return [(check, state, fix) for check, state, _text, fix in findings(healthy)]

    old = office.script.removeprefix("notice")
    office.command("keys", "rotate", "--agi", "-c", office.config)
    (retired,) = (office.folder / "keys").glob("agi.token.retired-*")
    write = f"informativa dialplan install -c {office.config} --to {etc}"
    remove = ("configuration", "warning", f"once the dialplan is reloaded, type: rm {retired}")
    reload = f"asterisk -C {etc}/asterisk.conf -rx 'dialplan reload'"
    renew = ("context", "warning", f"{write}; {reload}")
    assert remedies() == [remove, ("service", "wrong", "systemctl reload informativa"), renew]
    assert office.reload()
    assert remedies() == [remove, renew]
    before, _, _ = (etc / "extensions.conf").read_text().partition("; informativa: the privacy notice")
    (etc / "extensions.conf").write_text(f"{before}#tryinclude informativa.conf\n")
    assert commands.run(*write.split()[1:]).returncode == 0
    healthy.pbx.cli(reload.split("'")[1])
    assert remedies() == [remove]
    retired.unlink()
    assert office.reload()
    assert remedies() == []
    for other in ("", old):
        healthy.pbx.reload_dialplan(before + office.dialplan().replace(office.script, f"notice{other}"))
        assert remedies() == [("context", "wrong", renew[2])]
