"""Each remedy is typed as the program prints it, and mends its fault; no other comes of it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest
from typer.main import get_command

from admin_faults import (
    CHECK,
    DOCTOR,
    FAULTS,
    OF_USERS,
    SERVICE,
    Fault,
    Site,
)
from informativa.cli.main import app
from informativa.cli.tree import tree
from informativa.cli.words import ON_A_CONFIGURATION
from informativa.config import inspect
from informativa.operations.doctor import probe
from informativa.operations.doctor.asterisk_files import AsteriskFiles, of_command, of_conf
from informativa.operations.doctor.checks import CHECKS
from informativa.operations.doctor.mending import Outcome, mend
from informativa.system import shipped
from lab.office import lay
from lab.ports import free_port
from mending_tools import here
from remedies import Remedy, remedies

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="root alone gives files away")


@cache
def by_key() -> dict[str, list[Remedy]]:
    """All remedies by their names, read when the first test asks: each worker collects these tests."""
    result: dict[str, list[Remedy]] = {}
    for remedy in remedies():
        result.setdefault(remedy.key, []).append(remedy)
    return result


@pytest.fixture(scope="session")
def laid(tmp_path_factory: pytest.TempPathFactory, short_prompts: Path) -> Path:
    """The folder of which each site is a copy."""
    folder = tmp_path_factory.mktemp("laid for remedies") / "Büro Nord"
    folder.mkdir()
    lay(folder / "etc", short_prompts)
    site = Site(folder / "etc")
    site.record()
    with closing(sqlite3.connect(site.ledger)) as source, closing(sqlite3.connect(site.backup)) as copy:
        source.backup(copy)
    for file in (folder / "etc/ledger").iterdir():
        shutil.rmtree(file) if file.is_dir() else file.unlink()
    (folder / "else where").mkdir()
    return folder


@pytest.fixture
def site(laid: Path, open_folder: Path, short_prompts: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A configuration of the test's own, in a folder that every user may look into, on a free port; what
    `informativa init` ships is short."""
    original = shipped.folder
    monkeypatch.setattr(
        shipped, "folder", lambda name: short_prompts if name == "prompts" else original(name)
    )
    made = Site(shutil.copytree(laid, open_folder / "Büro Nord") / "etc")
    made.folder.parent.chmod(0o755)
    made.edit("127.0.0.1:4588", f"127.0.0.1:{free_port()}")
    return made


def findings(output: str) -> set[str]:
    """Give the lines in which a command says that something is not in order; but for the usual port, which
    another service of the machine may have."""
    return {
        line
        for line in output.splitlines()
        if re.match(r"[✘!] |    |warning: |/.+?\.yaml(:\d+)?: ", line)
        and "127.0.0.1:4588 is taken" not in line
    }


def mended(site: Site, check_id: str) -> list[str]:
    """Run the remedies of one of the doctor's checks, our own commands in this process; the commands."""
    checks = [check for check in CHECKS if check.id == check_id]
    treatments = mend(site.config, lambda _treatment: True, lambda _treatment: None, here, checks=checks)
    first, *others = (treatment for treatment in treatments.treatments if treatment.commands)
    assert first.outcome is Outcome.MENDED, first
    assert {treatment.outcome for treatment in others} <= {Outcome.GONE}, others  # by the same remedy
    return [*first.commands]


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "fault", [*FAULTS, *(pytest.param(one, marks=as_root) for one in OF_USERS)], ids=lambda one: one.name
)
def test_remedy_that_is_typed_mends_its_fault(site: Site, fault: Fault) -> None:
    """It stands in what the command prints, a shell takes it as it is, and then the command says what it said
    before the fault."""
    if fault.name in {"no folder", "no folder, to doctor"} and os.geteuid() != 0:
        pytest.skip("root alone runs that remedy")
    if fault in OF_USERS:
        site.record("acme", "borealis")
        for place in (site.folder, *site.folder.rglob("*")):
            os.chown(place, SERVICE, SERVICE)
    if fault.before:
        fault.before(site)
    before = site.reported(fault.command) if fault.alone else (fault.ends, "")
    fault.happens(site)
    _code, output = site.reported(fault.command)
    commands = []
    for key in fault.remedies:
        typed = [command for one in by_key()[key] if (command := one.typed(output))]
        assert typed, (key, output)
        commands.append(typed[0])
    if fault.by_hand:
        fault.by_hand(site)
    if fault.check:
        assert mended(site, fault.check) == commands
    for command in [] if fault.check else commands:
        site.type(command, fault.filled)
    code, after = site.reported(fault.command)
    assert code == before[0], after
    if fault.alone:
        assert findings(after) <= findings(before[1])
    for key in fault.remedies:
        assert not any(one.typed(after) for one in by_key()[key]), after


UNTYPED = {
    "systemd starts and stops the service: packages/test_installed_deb.py types it": (
        "systemctl restart informativa",
        "systemctl start informativa",
        "systemctl stop informativa",
        "systemctl reload informativa",
        "systemctl daemon-reload",
        "systemctl enable {*} informativa",
        "informativa systemd -c {} -o {}",
        "systemctl daemon-reload && systemctl enable --now {unit}",
        "informativa serve -c {file}",
    ),
    "an Asterisk runs: asterisk/test_doctor.py and asterisk/test_pages.py type it": (
        "asterisk -rx 'dialplan reload'",
        "asterisk -rx 'manager reload'",
        "asterisk -rx 'module reload cdr_csv.so'",
        "{asterisk} -rx 'manager reload'",
        "{asterisk} -rx 'module load {module}.so'",
        "{asterisk} -rx 'database del informativa KEY'",
        "asterisk -rx {}",
        "asterisk -C {}",
        "informativa dialplan install",
        "informativa dialplan install -c {}",
        "informativa dialplan install -c {} {*}",
        "informativa dialplan",
        "informativa keys make manager -c {file}",
        "informativa keys make manager -c {}",
        "informativa doctor --account -c {file}",
        "informativa doctor -c {}",
        "informativa test-call",
        "rm {*}",
        "chmod a+r {}",
        "chmod a+x {}",
    ),
    "the controller's person signs before: evidence/test_approval_import.py types it": (
        "informativa evidence approval FILE",
    ),
    "setup's own next steps: test_setup.py and asterisk/test_setup.py type them": (
        "informativa setup DIR",
        "informativa setup DIR --undo",
        "informativa setup {folder} --undo",
        "informativa ledger show --controller {} -c {}",
        "informativa serve -c {}",
        "apt-get install asterisk",
        "mv {file} {file}.aside",
        "mv {key} {key}.aside",
        "chown -R {} {}",
    ),
    "it says more, and mends nothing": (
        "informativa check",
        "informativa check -c {file}",
        "informativa doctor",
        "informativa doctor --fix",
        "informativa status",
        "informativa explain",
        "informativa ledger show",
        "informativa ledger show --controller {id}",
        "informativa outsourcing-worksheet {id}",
        "informativa evidence audit",
        "informativa evidence audit --controller {id}",
        "informativa evidence audit --approver VKEY",
        "informativa evidence key",
        "informativa evidence key --controller {id}",
        "informativa evidence verify FILE --key {key}",
        "informativa evidence verify --key 'VKEY'",
        "informativa witness key",
        "informativa evidence approver-key",
        "informativa prompts play {prompt}",
        "informativa init",
        "journalctl -u informativa",
        "journalctl -u informativa-backup",
        "informativa backup list",
        "systemctl cat informativa",
        "timedatectl status",
        "asterisk -rvvv",
        "asterisk -rx 'manager show settings'",
        "findmnt",
        "ss -ltnp 'sport = :{port}'",
        "sqlite3 -readonly {} 'PRAGMA quick_check'",
    ),
    "what it prints is pasted into informativa.yaml: test_prompts.py shows it": (
        "informativa prompts add {file} --language LANGUAGE --controller NAME",
    ),
    "it installs what this machine has, or changes the machine": (
        "{prefix}/bin/pip install 'informativa[web]'",
        "{prefix}/bin/pip install 'informativa[backup]'",
        "{prefix}/bin/pip install 'informativa[speech]'",
        "{prefix}/bin/pip install 'informativa[recogniser]'",
        "{prefix}/bin/pip install 'informativa[xlsx]'",
        "{prefix}/bin/pip install 'informativa[oidc]'",
        "{prefix}/bin/pip install 'informativa[passkey]'",
        "timedatectl set-ntp true",
        "ulimit -n",
    ),
    "somebody reads it who asks whoever runs the machine: console/test_company_accounts_page.py and"
    " test_identity_provider.py show it": (
        "informativa web grant {name} --role {role} --controller {controller}",
        "informativa web remove {name}",
    ),
    "it says which options the reader left out, or where an example is": (
        "informativa init DIR",
        "informativa web invite NAME",
        "informativa evidence receipt RECORD",
        "informativa evidence receipt --open",
        "informativa keys rotate CONTROLLER",
        "informativa keys rotate --agi",
        "informativa keys rotate {id}",
        "informativa caller show NUMBER",
        "informativa caller erase NUMBER --controller {id} --yes",
        "informativa purge --controller {} --yes",
        "informativa notices add country-outside-eu",
    ),
    "it is a step of several that are done by hand: test_readme.py and test_prompts.py type them": (
        "informativa prompts build {*}",
        "informativa prompts build --site SITE --purposes service,marketing",
        "informativa prompts build --controller {controller} --part {part}",
        "informativa check -c FILE",
        "informativa check {*}",
        "informativa dialplan install -c FILE",
        "informativa prompts build --part short-nokey --controller {} --notice {} --version {} --site SITE"
        " -c {}",
        "informativa prompts build --texts {}",
        "informativa prompts texts DIR",
        "informativa prompts add",
        "informativa prompts install",
    ),
    "it is typed when a command names no folder, which doctor types above": ("mkdir -p -m 700 {folder}",),
    "it needs somebody else's witness, target or user: evidence/ types it": (
        "informativa ledger restore COPY --controller NAME",
        "informativa evidence publish",
        "informativa evidence checkpoint --controller {id}",
        "informativa evidence sequence",
        "informativa evidence key --new --controller NAME",
        "informativa evidence key --new --controller {id}",
        "mv {ledger} {ledger}.aside",
        "mv {folder} {folder}.aside",
    ),
    "it needs somebody who takes what a hook sends, or a company without one: test_hooks.py types it": (
        "informativa consent hook {id}",
        "informativa consent hook {id} --discard all --yes",
        "informativa consent hook {id} --resume",
        "informativa consent hook {} --resume",
        "informativa consent hook {id} --send-test",
        "informativa keys make {controller} --hook",
    ),
    "it is typed on the controller's machine: evidence/test_approve.py and test_monitor.py type it": (
        "informativa evidence approver-key FILE --name NAME",
        "informativa monitor --once",
        "informativa witness serve --approvals FOLDER",
        "chmod 600 {file}",
    ),
    "root may do all, so only another user meets it": (
        "chmod a+rx {folder}",
        "chmod a+r {file}",
        "ln -sfn {script} {link}",
    ),
}
"""The commands of remedies that no fault above leads to, by why."""


def test_every_remedy_is_typed_or_says_why_not() -> None:
    """Whoever adds one adds the fault that it mends; a reason stands for no command that is gone."""
    typed = {key for fault in (*FAULTS, *OF_USERS) for key in fault.remedies}
    reasons = [command for commands in UNTYPED.values() for command in commands]
    assert typed <= by_key().keys()
    left = {key: key.partition(": ")[2] for key in by_key().keys() - typed}
    assert [key for key, command in left.items() if command not in reasons] == []
    assert sorted(set(reasons) - set(left.values())) == []
    assert len(reasons) == len(set(reasons))


def test_doctor_runs_every_safe_remedy_against_its_fault() -> None:
    """Each command that `doctor --fix` may run is one of a fault that it mends, here or in the tests that are
    named."""
    mended_here = {key for fault in (*FAULTS, *OF_USERS) if fault.check for key in fault.remedies}
    safe = {key for key, remedies in by_key().items() if any(one.safe for one in remedies)}
    assert safe - mended_here == {
        "operations/doctor/unit.py: systemctl restart informativa",  # test_mending_service.py, like all below
        "operations/doctor/unit.py: systemctl reload informativa",
        "operations/doctor/unit.py: systemctl enable {*} informativa",
        "operations/doctor/unit.py: systemctl daemon-reload",
        "operations/doctor/unit.py: informativa systemd -c {} -o {}",
        "operations/doctor/asterisk.py: chmod a+r {}",
        "operations/doctor/asterisk_files.py: informativa dialplan install -c {} {*}",
    }


def test_safe_remedies_lose_nothing() -> None:
    """What `doctor --fix` may run deletes no record and no key, and leaves the configuration as it is."""
    commands = {one.command: one.file for remedies in by_key().values() for one in remedies if one.safe}
    own = {" ".join(command.split()[1:3]) for command in commands if command.startswith("informativa ")}
    others = {command.split()[0] for command in commands if not command.startswith("informativa ")}
    assert own == {
        "backup make", "check -c", "dialplan install", "evidence checkpoint", "evidence publish",
        "systemd -c",
    }  # fmt: skip
    assert others == {"chmod", "chown", "install", "rm", "systemctl"}
    assert commands["rm {}"] == "operations/doctor/installation.py"  # the copy for scripts


def unknown_word(command: str) -> str | None:
    """The first word of a command line that the command does not know."""
    words = shlex.split(re.sub(r"\{\w*\}", "1", command.replace(" {*}", "")))
    leaf = get_command(app(words[1]))
    rest = words[1:]
    while rest and (below := getattr(leaf, "commands", {}).get(rest[0])):
        leaf, rest = below, rest[1:]
    options = {name: option for option in leaf.params for name in option.opts if name.startswith("-")}
    arguments = [one for one in leaf.params if not one.opts[0].startswith("-")]
    words_left = iter(rest)
    for word in words_left:
        if word.startswith("-"):
            if word not in options:
                return word
            if not options[word].is_flag:
                next(words_left)
        elif not arguments:
            return word
        else:
            arguments = arguments[1:] if arguments[0].nargs == 1 else arguments
    return None


def test_program_takes_each_command_that_it_prints() -> None:
    """Its words, options and arguments are those of the command; none is one of an earlier version."""
    commands = {one.command for one in remedies() if one.command.startswith("informativa ")}
    assert len(commands) > 70
    assert {command: word for command in sorted(commands) if (word := unknown_word(command))} == {}
    assert unknown_word("informativa check --none") == "--none"
    assert unknown_word("informativa check more") == "more"


def test_commands_that_name_a_configuration_are_those_that_take_one() -> None:
    """Where an admin named one, messages have it in each such command, and in no other."""
    taking = {
        " ".join(one.path[1:])
        for one in tree(app()).leaves()
        if any("--config" in parameter.names for parameter in one.parameters)
    }
    assert {*ON_A_CONFIGURATION} == taking


SETTINGS = (
    ("    retention: 5 years", "", r"acme\.retention: .*such as `(retention: .+?)`", "    name: Acme S.p.A."),
    ("  token: keys/agi.token", "", r"service: .*write `(token: .+?)` under it", "service:"),
    ("  listen: 127.0.0.1", "  listen: 0.0.0.0", r"service\.listen: .*write (127\.0\.0\.1:\d+)", ""),
)


@pytest.mark.sample(2)
@pytest.mark.parametrize(("right", "wrong", "remedy", "below"), SETTINGS)
def test_setting_that_a_remedy_shows_mends_its_fault(
    site: Site, right: str, wrong: str, remedy: str, below: str
) -> None:
    """It is copied from the message to where the message says."""
    before = findings(site.reported(CHECK)[1])
    lines = site.config.read_text().splitlines(keepends=True)
    line = next(one for one in lines if one.startswith(right))
    wrong_line = line.replace(right, wrong) if wrong else ""
    site.edit(line, wrong_line)
    output = site.reported(CHECK)[1]
    shown = re.search(remedy, output)
    assert shown, output
    if below:
        place = next(one for one in lines if one.startswith(below))
        site.edit(place, f"{place}{right[: len(right) - len(right.lstrip())]}{shown[1]}\n")
    else:
        site.edit(wrong_line, f"  listen: {shown[1]}\n")
    assert findings(site.reported(CHECK)[1]) <= before


def test_metrics_need_another_port_only_where_somebody_has_theirs(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A free one is the service's as soon as it runs; one that is taken is not."""
    port = free_port()
    site.edit("  # metrics: 127.0.0.1:9464", f"  metrics: 127.0.0.1:{port}")
    output = site.reported(DOCTOR)[1]
    assert (
        f"✘ metrics: informativa's metrics are not answered at 127.0.0.1:{port}\n    systemctl restart"
        in output
    )
    monkeypatch.setattr(probe, "SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", port)):
        output = site.reported(DOCTOR)[1]
    assert f"127.0.0.1:{port}\n    Give service.metrics a port that nobody uses; then: First mend" in output


def test_asterisk_whose_folder_was_moved(tmp_path: Path) -> None:
    """Commands name it, and the file by which its console is found; the usual ones they do not name."""
    config = Path("/etc/informativa/informativa.yaml")
    usual = (
        "informativa dialplan install -c /etc/informativa/informativa.yaml; asterisk -rx 'dialplan reload'"
    )
    assert str(AsteriskFiles().install(config)) == usual
    conf = tmp_path / "my asterisk.conf"
    conf.write_text("[directories]\n;astetcdir => /nowhere\n astetcdir => /srv/my pbx ; moved\n")
    assert of_conf(conf) == AsteriskFiles(Path("/srv/my pbx"))
    moved = of_command(["/usr/sbin/asterisk", "-f", "-C", "my asterisk.conf"], tmp_path)
    assert (
        moved == of_command(["asterisk", f"-C{conf}"], Path("/")) == AsteriskFiles(Path("/srv/my pbx"), conf)
    )
    assert shlex.split(str(moved.install(config)).replace(";", " ;")) == [
        "informativa", "dialplan", "install", "-c", str(config), "--to", "/srv/my pbx", ";",
        "asterisk", "-C", str(conf), "-rx", "dialplan reload",
    ]  # fmt: skip


@as_root
@pytest.mark.parametrize(
    ("closed", "bits", "remedy"),
    [
        ("prompts/it/short.wav", 0o600, "prompts/installed.py: chmod a+r {file}"),
        ("prompts/it", 0o700, "prompts/installed.py: chmod a+rx {folder}"),
        ("prompts", 0o700, "prompts/installed.py: chmod a+rx {folder}"),
    ],
)
def test_prompts_that_another_user_may_not_read(site: Site, closed: str, bits: int, remedy: str) -> None:
    """Whoever may not is told what root types for him."""

    def looked() -> str:
        os.setresuid(SERVICE, SERVICE, 0)
        try:
            return "\n".join(str(problem) for problem in inspect(site.config)[1])
        finally:
            os.setresuid(0, 0, 0)

    for place in (site.folder, *site.folder.rglob("*")):
        if "prompts" not in place.parts:
            os.chown(place, SERVICE, SERVICE)
    assert looked() == ""
    (site.folder / closed).chmod(bits)
    (typed,) = {command for one in by_key()[remedy] if (command := one.typed(looked()))}
    site.type(typed, {})
    assert looked() == ""
