"""`informativa doctor --fix`: what it asks, runs and says; and what keeps it from making anything worse."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from commands import PROGRAM, refused, run
from informativa.model.errors import InformativaError
from informativa.model.remedy import SafeChange, SafeRemedy
from informativa.model.text import Text
from informativa.operations.doctor import mending
from informativa.operations.doctor.checks import CHECKS, Check, Suite, of_suite
from informativa.operations.doctor.findings import Finding, warning, wrong
from informativa.operations.doctor.ledgers import unmounted
from informativa.operations.doctor.mending import Mending, Outcome, Treatment, mend
from informativa.operations.doctor.remedy_commands import Execution, execute

OF_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="root alone may do it")

USER = 54321  # a user id that is nobody's
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="root alone becomes another user")
CHMOD, CHOWN = ("chmod", "o-w", "a"), ("chown", "asterisk", "a")


def fault(
    text: str, *commands: Sequence[str], owner: str = "/", change: SafeChange = SafeChange.RIGHTS
) -> Finding:
    """A finding of the check `files-open` whose remedy is these commands."""
    return replace(
        warning(Text(text), SafeRemedy(change, *map(tuple, commands), owner=owner)), check_id="files-open"
    )


class Machine:
    """A machine with these faults: a command that has an entry in `mends` takes one away, others fail."""

    def __init__(self, *faults: Finding, mends: dict[tuple[str, ...], Finding] | None = None) -> None:
        self.faults = list(faults)
        self.mends = mends or {}
        self.ran: list[tuple[str, ...]] = []

    def examine(self, _file: Path, _checks: Sequence[Check]) -> list[Finding]:
        """Return the faults of now."""
        return [*self.faults]

    def run(self, words: Sequence[str]) -> Execution:
        """Run a command."""
        self.ran.append(tuple(words))
        if tuple(words) not in self.mends:
            return Execution(1, f"{words[0]}: Read-only file system")
        fault_mended = self.mends[tuple(words)]
        self.faults = [one for one in self.faults if one != fault_mended]
        return Execution(0, "")

    def mended(self, file: Path, agree: Callable[[Treatment], bool] = lambda _treatment: True) -> Mending:
        """Mend it."""
        return mend(file, agree, lambda _treatment: None, self.run, self.examine)


def outcomes(result: Mending) -> list[Outcome]:
    """Return what came of each finding."""
    return [treatment.outcome for treatment in result.treatments]


@OF_ROOT
def test_each_is_asked_for_and_runs_after_a_yes(tmp_path: Path) -> None:
    """One that is declined is left as it is, and the other one is mended."""
    first, second = fault("It is open.", CHMOD), fault("It is theirs.", CHOWN)
    machine = Machine(first, second, mends={CHMOD: first, CHOWN: second})
    result = machine.mended(tmp_path, lambda treatment: treatment.finding == Text("It is theirs."))
    assert outcomes(result) == [Outcome.DECLINED, Outcome.MENDED]
    assert machine.ran == [CHOWN]
    assert result.treatments[1].commands == ("chown asterisk a",)
    assert (result.warning, [str(finding.finding) for finding in result.findings]) == (1, ["It is open."])


@OF_ROOT
def test_commands_after_one_that_fails_are_not_run(tmp_path: Path) -> None:
    """On a disk that is read-only, say: the output is told, and the fault is as before."""
    machine = Machine(fault("It is open.", CHMOD, CHOWN))
    (treatment,) = machine.mended(tmp_path).treatments
    assert treatment.outcome is Outcome.FAILED
    assert treatment.output == "chmod: Read-only file system"
    assert machine.ran == [CHMOD]


@OF_ROOT
def test_fault_that_is_gone_counts_although_a_command_failed(tmp_path: Path) -> None:
    """The check has the last word: somebody else may have run the second command."""
    first = fault("It is open.", CHMOD, CHOWN)
    machine = Machine(first, mends={CHMOD: first})
    assert outcomes(machine.mended(tmp_path)) == [Outcome.MENDED]
    assert machine.ran == [CHMOD, CHOWN]


@OF_ROOT
def test_remedy_that_helps_nothing(tmp_path: Path) -> None:
    """Its commands succeed, and the check says what it said before."""
    machine = Machine(fault("It is open.", CHMOD), mends={CHMOD: fault("It is another.", CHMOD)})
    assert outcomes(machine.mended(tmp_path)) == [Outcome.REMAINS]


@OF_ROOT
def test_remedy_that_brings_another_fault_mended_nothing(tmp_path: Path) -> None:
    """A fault of the same check in place of the first one."""
    first = fault("It is open.", CHMOD)
    machine = Machine(first)

    def worse(_words: Sequence[str]) -> Execution:
        machine.faults = [fault("It is wide open.", CHMOD)]
        return Execution(0, "done")

    (treatment,) = mend(
        tmp_path, lambda _treatment: True, lambda _treatment: None, worse, machine.examine
    ).treatments
    assert (treatment.outcome, treatment.output) == (Outcome.REMAINS, "done")


@OF_ROOT
def test_fault_that_somebody_mended_meanwhile_is_left_alone(tmp_path: Path) -> None:
    """The remedy of the first one mends the second, too, of which nobody is asked any more."""
    first, second = fault("It is open.", CHMOD), fault("It is theirs.", CHOWN)
    machine = Machine(first, second)
    asked: list[Treatment] = []

    def both(words: Sequence[str]) -> Execution:
        machine.ran.append(tuple(words))
        machine.faults = []
        return Execution(0, "")

    def agree(treatment: Treatment) -> bool:
        asked.append(treatment)
        return True

    result = mend(tmp_path, agree, lambda _treatment: None, both, machine.examine)
    assert outcomes(result) == [Outcome.MENDED, Outcome.GONE]
    assert (machine.ran, len(asked)) == ([CHMOD], 1)


@OF_ROOT
def test_service_gets_its_time_to_come_up(tmp_path: Path) -> None:
    """Its check is repeated until it answers; that of a file's rights is not."""
    restart = ("systemctl", "restart", "informativa")
    first = replace(fault("Nothing answers.", restart, change=SafeChange.SERVICE))
    looks = iter([[first], [first], [first], [first], [], []])
    ran: list[Sequence[str]] = []

    def run_(words: Sequence[str]) -> Execution:
        ran.append(words)
        return Execution(0, "")

    result = mend(
        tmp_path, lambda _treatment: True, lambda _treatment: None, run_, lambda _file, _checks: next(looks)
    )
    assert outcomes(result) == [Outcome.MENDED]
    assert ran == [restart]


def test_words_are_left_to_a_person_and_say_why(tmp_path: Path) -> None:
    """A remedy that is no command is never run; nor is one whose finding is only a note."""
    room = replace(wrong(Text("The disk is full."), Text("Make room there.")), check_id="room")
    machine = Machine(room)
    (treatment,) = machine.mended(tmp_path).treatments
    assert (treatment.outcome, treatment.commands) == (Outcome.BY_HAND, ())
    assert str(treatment.reason) == "Whether a disk is missing or full, you can tell."
    assert machine.ran == []


def test_every_check_says_why_its_words_stay_words() -> None:
    """Each of the doctor's has a sentence, and no other one has."""
    assert {check.id for check in CHECKS if check.by_hand} == {check.id for check in of_suite(Suite.DOCTOR)}


@as_root
def test_another_users_remedy_is_not_asked_for(open_folder: Path) -> None:
    """Whoever owns the file may run it, and root; for others nothing is run."""
    theirs, own = open_folder / "theirs", open_folder / "ours"
    for file in (theirs, own):
        file.touch()
    os.chown(own, USER, USER)
    first = fault("It is root's.", CHMOD, owner=str(theirs))
    second, third = fault("It is ours.", CHMOD, owner=str(own)), fault("It is systemd's.", CHMOD, owner="")
    machine = Machine(first, second, third, mends={CHMOD: second})
    os.setresuid(USER, USER, 0)
    try:
        result = machine.mended(open_folder)
    finally:
        os.setresuid(0, 0, 0)
    assert outcomes(result) == [Outcome.NOT_ALLOWED, Outcome.MENDED, Outcome.NOT_ALLOWED]
    assert [treatment.user for treatment in result.treatments] == ["root", "54321", None]


@as_root
@pytest.mark.parametrize("link", ["etc/acme.key", "etc"])
def test_link_of_another_user_is_not_followed(open_folder: Path, link: str) -> None:
    """Whoever owns a folder gets no file of root's by it: the remedy stays words."""
    (open_folder / "real/etc").mkdir(parents=True)
    (open_folder / "real/etc/acme.key").touch()
    place = open_folder / link
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(open_folder / "real" / link)
    os.chown(place, USER, USER, follow_symlinks=False)
    first = fault("It is root's.", ("chmod", "600", str(open_folder / "etc/acme.key")))
    machine = Machine(first)
    (treatment,) = machine.mended(open_folder).treatments
    assert (treatment.outcome, treatment.commands, machine.ran) == (Outcome.BY_HAND, (), [])
    assert str(treatment.reason) == "A link of another user leads to that file: see where it leads."
    os.chown(place, 0, 0, follow_symlinks=False)
    assert outcomes(machine.mended(open_folder)) == [Outcome.FAILED]


@as_root
@pytest.mark.parametrize(
    "command", [("chmod", "a+r"), ("chown", "-h", str(USER)), ("rm",), ("install", "-d", "-o", str(USER))]
)
def test_link_put_there_after_the_question_is_not_followed(
    open_folder: Path, command: tuple[str, ...]
) -> None:
    """Root changes no file of root's, either, where the folder's owner exchanges it while root reads."""
    secret = open_folder / "root/shadow"
    secret.parent.mkdir()
    secret.touch(mode=0o600)
    (open_folder / "etc").symlink_to(secret.parent)
    os.chown(open_folder / "etc", USER, USER, follow_symlinks=False)
    execution = execute([*command, str(open_folder / "etc/shadow")])
    assert execution.code == 1
    assert execution.output.startswith("A link of another user leads to ")
    assert (secret.stat().st_uid, secret.stat().st_mode & 0o777) == (0, 0o600)


@as_root
def test_link_of_whom_the_file_belongs_to_is_followed(open_folder: Path) -> None:
    """Who owns what his link leads to gains nothing by it: FreePBX has such links in Asterisk's folder."""
    (open_folder / "module").touch(mode=0o600)
    (open_folder / "conf").symlink_to("module")
    for path in ("module", "conf"):
        os.chown(open_folder / path, USER, USER, follow_symlinks=False)
    assert execute(["chmod", "a+r", str(open_folder / "conf")]) == Execution(0, "")
    assert (open_folder / "module").stat().st_mode & 0o777 == 0o644
    refusal = execute(["chown", "-h", "nobody-at-all", str(open_folder / "module")])
    assert "/proc/" not in refusal.output


@OF_ROOT
def test_two_at_once(folder: Path) -> None:
    """The second one says so, and runs nothing."""
    file = folder / "informativa.yaml"
    with file.open() as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)
        machine = Machine(fault("It is open.", CHMOD))
        with pytest.raises(InformativaError, match="`informativa doctor --fix` runs already"):
            machine.mended(file)
    assert machine.ran == []
    assert outcomes(machine.mended(file)) == [Outcome.FAILED]


@OF_ROOT
def test_program_that_is_not_there() -> None:
    """No exception comes of it: its name and the reason are the output."""
    assert execute(["informativa-of-nobody"]) == Execution(
        127, "informativa-of-nobody: No such file or directory"
    )


def test_refusal_of_the_system_is_the_output(tmp_path: Path) -> None:
    """What a command says of what it cannot do is told, with its exit code."""
    execution = execute(["chmod", "600", str(tmp_path / "none")])
    assert execution.code == 1
    assert execution.output == f"{tmp_path}/none: No such file or directory"


def test_interruption_waits_for_the_command_that_runs(tmp_path: Path) -> None:
    """Ctrl-C in the midst of one: it comes to its end, and nothing else begins."""
    begun, go, done = tmp_path / "begun", tmp_path / "go", tmp_path / "done"
    for pipe in (begun, go):
        os.mkfifo(pipe)
    script = f"echo x > {begun}; read x < {go}; echo x > {done}"
    module = "informativa.operations.doctor.remedy_commands"
    source = f"from {module} import execute; execute(['sh', '-c', {script!r}])"
    with subprocess.Popen([sys.executable, "-c", source], stderr=subprocess.PIPE, text=True) as process:
        begun.read_text()
        process.send_signal(signal.SIGINT)
        go.write_text("x\n")
        _output, errors = process.communicate(timeout=60)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert done.read_text() == "x\n"


def test_command_mends_and_says_so(folder: Path) -> None:
    """In a script: each remedy with what it changes, what came of it, and what is left in the end."""
    key = folder / "keys/acme.key"
    key.chmod(0o644)
    ran = run("doctor", "--fix", "--yes", "-c", folder / "informativa.yaml")
    assert f"    type: chmod 600 {key}\n    Changes: rights or owners of files. No content" in ran.stdout
    assert "    → mended\n" in ran.stdout
    assert "    → by hand: " in ran.stdout
    assert key.stat().st_mode & 0o777 == 0o600
    assert ran.returncode == 1  # no service answers


def test_json_says_what_was_done(folder: Path) -> None:
    """The findings that are left, and each treatment with its outcome."""
    key = folder / "keys/acme.key"
    key.chmod(0o644)
    document = json.loads(run("doctor", "--fix", "--yes", "--json", "-c", folder / "informativa.yaml").stdout)
    (mended,) = (one for one in document["treatments"] if one["outcome"] == "mended")
    assert mended["commands"] == [f"chmod 600 {key}"]
    assert mended["changes"] == "rights or owners of files"
    assert not any("others can read" in one["finding"] for one in document["findings"])
    assert document["wrong"] == sum(one["state"] == "wrong" for one in document["findings"])


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_nobody_can_be_asked(folder: Path, arguments: tuple[str, ...]) -> None:
    """Without a terminal, and for programs, nothing is mended before somebody says --yes."""
    key = folder / "keys/acme.key"
    key.chmod(0o644)
    ran = run("doctor", "--fix", *arguments, "-c", folder / "informativa.yaml")
    assert ran.returncode == 1
    assert "Nothing was mended: nobody can be asked here." in ran.stdout + ran.stderr
    assert key.stat().st_mode & 0o777 == 0o644


def test_yes_alone_means_nothing(folder: Path) -> None:
    """It is refused, since nothing would be asked."""
    assert "--yes goes with --fix." in refused("doctor", "--yes", "-c", folder / "informativa.yaml")


@pytest.mark.slow
def test_answers_at_a_terminal(folder: Path) -> None:
    """Enter is a no; the other question gets a yes."""
    keys = [folder / "keys/acme.key", folder / "keys/borealis.key"]
    for key in keys:
        key.chmod(0o644)
    terminal, theirs = pty.openpty()
    command = [PROGRAM, "doctor", "--fix", "-c", folder / "informativa.yaml"]
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "NO_COLOR": "1"}
    os.write(terminal, b"\ny\n")
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        output = b""
        while b"in order\r\n" not in output:
            try:
                output += os.read(terminal, 4096)
            except OSError:
                break
        assert process.wait(60) == 1
    os.close(terminal)
    assert output.count(b"Run it? [no]") == 2
    assert [key.stat().st_mode & 0o777 for key in keys] == [0o644, 0o600]


def test_place_of_a_disk_that_is_not_mounted(tmp_path: Path) -> None:
    """No folder is made where /etc/fstab has a disk that is absent: its ledgers would be hidden."""
    table = tmp_path / "fstab"
    disks = ("/dev/y", "disk"), ("/dev/z", "with\\040blank"), ("# /dev/w", "gone"), ("#/dev/w", "gone")
    rows = "".join(f"{disk} {tmp_path}/{folder} ext4 defaults 0 2\n" for disk, folder in disks)
    table.write_text(f"# {tmp_path} /gone /gone\n/dev/x / ext4\n{rows}")
    assert unmounted(tmp_path / "disk/ledger", table) == tmp_path / "disk"
    assert unmounted(tmp_path / "with blank/ledger", table) == tmp_path / "with blank"
    assert unmounted(tmp_path / "gone/ledger", table) is None
    assert unmounted(tmp_path / "ledger", table) is None
    assert unmounted(tmp_path / "ledger", tmp_path / "none") is None


def test_lock_needs_no_file_that_can_be_read(tmp_path: Path) -> None:
    """Without a configuration the findings say so, and nothing is run."""
    result = mending.mend(
        tmp_path / "none.yaml", lambda _treatment: True, lambda _treatment: None, Machine().run
    )
    assert outcomes(result) == [Outcome.BY_HAND]
