"""Faults as an admin causes them, each with the command that tells of it and the remedies that it prints."""

from __future__ import annotations

import os
import random
import re
import shlex
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from commands import run
from doubles import CALLER
from examples import AT, PLAYED
from informativa.config import load
from informativa.process import storage

SERVICE = 54321  # a user id that is nobody's


@dataclass(frozen=True)
class Site:
    """A configuration in a folder whose name has a blank and an umlaut, and copies of its ledgers."""

    folder: Path

    @property
    def config(self) -> Path:
        """The file."""
        return self.folder / "informativa.yaml"

    @property
    def ledger(self) -> Path:
        """The first company's."""
        return self.folder / "ledger/acme.sqlite3"

    @property
    def backup(self) -> Path:
        """A copy of it, from when it had one record."""
        return self.folder.parent / "backup.sqlite3"

    @property
    def elsewhere(self) -> Path:
        """A folder beside it, to publish into, for Asterisk or for systemd."""
        return self.folder.parent / "else where"

    def edit(self, before: str, now: str) -> None:
        """Change one place of the configuration."""
        text = self.config.read_text()
        assert before in text
        self.config.write_text(text.replace(before, now, 1))

    def record(self, *names: str, at: datetime | None = None) -> None:
        """A record more in the ledgers of these companies, of now or another time."""
        controllers = load(self.config).controllers
        for name in names or ("acme",):
            with closing(storage.store(controllers[name])) as store:
                store.append([replace(PLAYED, version="2026-11", at=at or datetime.now(UTC))])

    def reported(self, words: tuple[str, ...]) -> tuple[int, str]:
        """Run a command; its exit code and all that it prints."""
        named = [word.replace("@", str(self.folder.parent)) for word in words]
        of_a_configuration = "-c" not in words and words[0] != "witness"
        ran = run(*named, *(("-c", self.config) if of_a_configuration else ()))
        assert "Traceback" not in ran.stderr, ran
        assert ran.returncode in ((0, 1, 2, 3) if "audit" in words else (0, 1, 3)), ran
        return ran.returncode, f"{ran.stdout}\n{ran.stderr}"

    def type(self, command: str, filled: Mapping[str, str]) -> None:
        """Do what is printed, as an admin would who puts in what stands there in capitals."""
        for capitals, words in filled.items():
            command = re.sub(
                rf"(?<=\s){capitals}\b", shlex.quote(words.replace("@", str(self.folder.parent))), command
            )
        assert not re.search(r"\s[A-Z]{3,}\b", command), f"what to put in is not known: {command}"
        if command.startswith("informativa "):
            ran = run(*shlex.split(command)[1:])
        else:
            ran = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, (command, ran)


@dataclass(frozen=True)
class Fault:
    """Something that an admin may do, the command that tells him, and which remedies it prints, in the order
    in which he types them. `filled` stands for words in capitals, `by_hand` is what he does first."""

    name: str
    command: tuple[str, ...]
    happens: Callable[[Site], object]
    remedies: tuple[str, ...]
    filled: Mapping[str, str] = field(default_factory=dict)
    by_hand: Callable[[Site], object] | None = None
    before: Callable[[Site], object] | None = None
    """Things that are so, and no fault."""
    alone: bool = True
    """True if all that the command says before can be compared: it changes nothing."""
    ends: int = 0
    """With which code it ends when the fault is gone, where that cannot be compared."""
    check: str = ""
    """The id of the doctor's check whose remedies `doctor --fix` runs; '' if an admin types them."""


def nothing(_site: Site) -> None:
    """It is as it was laid."""


def mode(name: str, bits: int) -> Callable[[Site], object]:
    """Somebody gives a file or folder this mode."""
    return lambda site: (site.folder / name).chmod(bits)


def all_of(*faults: Callable[[Site], object]) -> Callable[[Site], object]:
    """One after the other."""
    return lambda site: [fault(site) for fault in faults]


def folder_for(name: str) -> Callable[[Site], object]:
    """A folder stands where a file should be."""

    def happens(site: Site) -> None:
        file = site.folder.parent / name
        if file.exists() or file.is_symlink():
            file.unlink()
        file.mkdir()

    return happens


def file_for(name: str) -> Callable[[Site], object]:
    """A file stands where a folder should be."""

    def happens(site: Site) -> None:
        place = site.folder.parent / name
        if place.exists():
            shutil.rmtree(place)
        place.write_text("")

    return happens


def given_to(user: int, *names: str) -> Callable[[Site], object]:
    """These files belong to that user."""
    return lambda site: [os.chown(site.folder / name, user, user) for name in names]


def without(name: str) -> Callable[[Site], object]:
    """A file or folder is deleted."""

    def happens(site: Site) -> None:
        place = site.folder.parent / name
        shutil.rmtree(place) if place.is_dir() else place.unlink()

    return happens


def ledger_of(user: int | None = None, *names: str) -> Callable[[Site], object]:
    """There is a ledger with a record; its folder, and these, are a user's."""

    def happens(site: Site) -> None:
        site.record()
        if user is not None:
            given_to(user, "ledger", *names)(site)

    return happens


def overwritten(start: int, size: int) -> Callable[[Site], object]:
    """Another program writes over a part of the ledger."""

    def happens(site: Site) -> None:
        site.record()
        with site.ledger.open("r+b") as opened:
            opened.seek(start)
            opened.write(random.Random(1).randbytes(size))

    return happens


def cut_off(size: int) -> Callable[[Site], object]:
    """The ledger ends too early."""

    def happens(site: Site) -> None:
        site.record()
        os.truncate(site.ledger, size)

    return happens


def emptied_beside_its_log(site: Site) -> None:
    """The ledger was emptied, and its log is still there."""
    site.record()
    os.truncate(site.ledger, 0)
    Path(f"{site.ledger}-wal").write_bytes(b"something")


def of_the_other_company(site: Site) -> None:
    """The first company has the ledger of the second, which has none."""
    site.record("borealis")
    (site.folder / "ledger/borealis.sqlite3").rename(site.ledger)


def another_key(site: Site) -> None:
    """The ledger was made by another key than the one that is there."""
    site.record()
    (site.folder / "keys/acme.key").write_text("ab" * 32)


def put_back_to_an_older_state(site: Site) -> None:
    """Put back a ledger that lacks what was signed."""
    shutil.copy(site.backup, site.ledger)
    site.record()
    assert site.reported(("evidence", "checkpoint", "--controller", "acme"))[0] == 0
    shutil.copy(site.backup, site.ledger)
    for end in ("-wal", "-shm"):
        Path(f"{site.ledger}{end}").unlink(missing_ok=True)


def his_copy(site: Site) -> None:
    """The caller is on record, and somebody copied the ledger before."""
    assert site.reported(RECORD)[0] == 0
    with (
        closing(sqlite3.connect(site.ledger)) as source,
        closing(sqlite3.connect(f"{site.ledger}.old")) as copy,
    ):
        source.backup(copy)


def published_to(place: str) -> Callable[[Site], object]:
    """The log is to be in that folder, too, in which there is none yet."""

    def happens(site: Site) -> None:
        site.record()
        site.edit(
            "operator:",
            f"evidence: {{domain: acme.example, publish: [{{folder: ../{place}}}]}}\noperator:",
        )

    return happens


def without_token(site: Site) -> None:
    """It names no token."""
    site.config.write_text(re.sub(r"^  token: .*\n", "", site.config.read_text(), flags=re.MULTILINE))
    (site.folder / "keys/agi.token").unlink()


def write_what_it_says(site: Site) -> None:
    """The setting of the remedy is written."""
    site.edit("service:\n", "service:\n  token: keys/agi.token\n")


def in_place(site: Site) -> None:
    """Install the dialplan of this version."""
    asterisk()(site)
    assert site.reported(INSTALL)[0] == 0


def asterisk(*names: str) -> Callable[[Site], object]:
    """An Asterisk's folder, and files of somebody else in it."""

    def happens(site: Site) -> None:
        (site.elsewhere / "extensions.conf").write_text("[from-trunk]\n")
        for name in names:
            (site.elsewhere / name).write_text("; of somebody else\n")

    return happens


def accounts(bits: int) -> Callable[[Site], object]:
    """Somebody has an account, in a file of that mode."""

    def happens(site: Site) -> None:
        assert site.reported(("web", "invite", "ann", "--role", "admin", "--controller", "acme"))[0] == 0
        (made,) = site.folder.rglob("accounts*.json")
        made.chmod(bits)

    return happens


def account_without_secret(site: Site) -> None:
    """The account at Asterisk's manager interface is configured before its secret is written."""
    site.edit(
        "operator:", "manager: {address: 127.0.0.1:5038, user: x, secret: keys/manager.secret}\noperator:"
    )


def witness_for_all(site: Site) -> None:
    """A witness whose key others can read."""
    assert site.reported(("witness", "key", "@/witness", "--name", "home.acme.example"))[0] == 0
    (key,) = site.folder.parent.glob("witness/*key*")
    key.chmod(0o644)


def waits_since(site: Site) -> None:
    """The rule of the log is signed, and a call of long ago is not."""
    site.record()
    assert site.reported(("evidence", "checkpoint", "--controller", "acme"))[0] == 0
    site.record(at=AT)


def target_gone(site: Site) -> None:
    """The folder into which the log is published was there, and is not any more."""
    published_to("else where")(site)
    assert site.reported(("evidence", "checkpoint", "--controller", "acme"))[0] == 0
    assert site.reported(("evidence", "publish", "--controller", "acme"))[0] == 0
    site.record()
    site.elsewhere.rename(site.folder.parent / "away")
    site.reported(("evidence", "checkpoint", "--controller", "acme"))
    site.reported(("evidence", "publish", "--controller", "acme"))


def hook_of_acme(site: Site) -> None:
    """The first company has a hook."""
    hook = "hook: {url: 'https://crm.example/consents', secret: keys/acme.hook}"
    site.edit("  acme:\n", f"  acme:\n    {hook}\n")


def secret_of_acmes_hook(text: str) -> Callable[[Site], None]:
    """Its secret is this text."""

    def written(site: Site) -> None:
        file = site.folder / "keys/acme.hook"
        file.write_text(f"{text}\n")
        file.chmod(0o600)

    return written


CHECK, DOCTOR = ("check",), ("doctor",)
RECORD = ("record", CALLER, "--controller", "acme", "--by", "website", "--reference", "form 7")
MADE_ANEW = "config/controllers.py: informativa keys make {id} -c {config}"
RESTORED = "operations/doctor/ledgers.py: informativa ledger restore {copy} --controller {id} -c {file}"
IN_FINDINGS = "config/findings.py: "
LEDGERS = "operations/doctor/ledgers.py: "
SERVICES = "operations/doctor/service.py: "
COPY = {"COPY": "@/backup.sqlite3", "NAME": "acme"}
FROM_COPY = {"BACKUP": "@/backup.sqlite3"}
CHECKPOINT = "informativa evidence checkpoint --controller {id}"
INSTALL = ("dialplan", "install", "--to", "@/else where")

FAULTS = (
    Fault(
        "key for all",
        CHECK,
        mode("keys/acme.key", 0o666),
        (f"{IN_FINDINGS}chmod 600 {{}}",),
        check="configuration",
    ),
    Fault(
        "token for all",
        DOCTOR,
        mode("keys/agi.token", 0o644),
        (f"{IN_FINDINGS}chmod 600 {{}}",),
        check="configuration",
    ),
    Fault(
        "no key",
        CHECK,
        without("etc/keys/acme.key"),
        ("config/controllers.py: informativa keys make {id} -c {config}",),
    ),
    Fault(
        "no secret of a hook",
        CHECK,
        hook_of_acme,
        ("config/hooks.py: informativa keys make {id} --hook -c {config}",),
    ),
    Fault(
        "no secret in the file of a hook",
        CHECK,
        all_of(hook_of_acme, secret_of_acmes_hook("secret")),
        (
            "config/hooks.py: mv {file} {file}.aside",
            "config/hooks.py: informativa keys make {id} --hook -c {config}",
        ),
    ),
    Fault(
        "another secret of a hook",
        ("keys", "make", "acme", "--hook"),
        all_of(hook_of_acme, secret_of_acmes_hook("whsec_" + 43 * "A" + "=")),
        ("operations/keys.py: mv {file} {file}.aside",),
        alone=False,
    ),
    Fault(
        "no folder for backups",
        DOCTOR,
        lambda site: site.edit("operator: ", "backup: {folder: ../backups}\noperator: "),
        ("operations/doctor/installation.py: mkdir -p -m 700 {folder}",),
        alone=False,
        ends=1,
    ),
    Fault(
        "no backup",
        DOCTOR,
        all_of(
            lambda site: site.edit("operator: ", "backup: {folder: ../backups}\noperator: "),
            lambda site: (site.folder.parent / "backups").mkdir(),
        ),
        ("operations/doctor/installation.py: informativa backup make -c {}",),
        alone=False,
        ends=1,
        check="backups",
    ),
    Fault(
        "no key of a ledger",
        CHECK,
        all_of(ledger_of(), without("etc/keys/acme.key")),
        ("evidence/origin.py: mv {ledger} {ledger}.aside", MADE_ANEW),
    ),
    Fault(
        "folder for a key",
        CHECK,
        folder_for("etc/keys/acme.key"),
        (
            f"{IN_FINDINGS}mv {{file}} {{file}}.aside",
            "config/controllers.py: informativa keys make {id} -c {config}",
        ),
    ),
    Fault(
        "no key in its file",
        CHECK,
        lambda site: (site.folder / "keys/acme.key").write_text("secret\n"),
        (
            "config/controllers.py: mv {file} {file}.aside",
            "config/controllers.py: informativa keys make {id} -c {config}",
        ),
    ),
    Fault(
        "no token",
        CHECK,
        without("etc/keys/agi.token"),
        ("config/endpoints.py: informativa keys rotate --agi -c {config}",),
    ),
    Fault(
        "no token in its file",
        CHECK,
        lambda site: (site.folder / "keys/agi.token").write_text("secret\n"),
        (
            "config/endpoints.py: mv {file} {file}.aside",
            "config/endpoints.py: informativa keys rotate --agi -c {config}",
        ),
    ),
    Fault(
        "old token",
        CHECK,
        lambda site: site.reported(("keys", "rotate", "--agi")),
        ("config/endpoints.py: rm {old}",),
    ),
    Fault(
        "old key whose time is over",
        CHECK,
        lambda site: shutil.copy(
            site.folder / "keys/acme.key", site.folder / "keys/acme.key.retired-20010101-000000"
        ),
        ("config/controllers.py: rm {old}",),
    ),
    Fault(
        "no token",
        CHECK,
        without_token,
        ("config/endpoints.py: informativa keys rotate --agi -c {file}",),
        by_hand=write_what_it_says,
    ),
    Fault(
        "configuration for all",
        CHECK,
        mode("informativa.yaml", 0o666),
        ("operations/doctor/service.py: chmod o-w {}",),
        check="files-open",
    ),
    Fault(
        "prompts for all",
        DOCTOR,
        mode("prompts/it", 0o777),
        ("operations/doctor/service.py: chmod o-w {}",),
        check="files-open",
    ),
    Fault(
        "what is kept for scripts",
        CHECK,
        lambda site: [site.reported(CHECK), (site.folder / ".informativa.yaml.parsed").chmod(0o666)],
        (
            "operations/doctor/installation.py: rm {}",
            "operations/doctor/installation.py: informativa check -c {}",
        ),
        alone=False,
        check="cache",
    ),
    Fault(
        "no folder",
        CHECK,
        without("etc/ledger"),
        (f"{LEDGERS}install -d -m 700 -o {{}} {{}}",),
        check="ledgers",
    ),
    Fault(
        "no folder, to doctor",
        DOCTOR,
        without("etc/ledger"),
        (f"{LEDGERS}install -d -m 700 -o {{}} {{}}",),
        check="ledgers",
    ),
    Fault(
        "file for a folder",
        CHECK,
        file_for("etc/ledger"),
        (f"{LEDGERS}mv {{}} {{}}", f"{LEDGERS}install -d -m 700 -o {{}} {{}}"),
    ),
    Fault(
        "link that leads nowhere",
        CHECK,
        all_of(without("etc/ledger"), lambda site: (site.folder / "ledger").symlink_to("nowhere")),
        (f"{LEDGERS}mv {{}} {{}}", f"{LEDGERS}install -d -m 700 -o {{}} {{}}"),
    ),
    Fault(
        "folder for a ledger",
        CHECK,
        folder_for("etc/ledger/acme.sqlite3"),
        ("ledgers/ledger_file.py: mv {file} {file}.aside",),
    ),
    Fault(
        "pipe for a ledger",
        CHECK,
        lambda site: os.mkfifo(site.ledger),
        ("ledgers/ledger_file.py: mv {file} {file}.aside",),
    ),
    Fault(
        "ledger for all",
        CHECK,
        all_of(ledger_of(), mode("ledger/acme.sqlite3", 0o666)),
        (f"{LEDGERS}chmod 600 {{}}",),
        check="ledgers",
    ),
    Fault("head of a ledger overwritten", CHECK, overwritten(0, 4096), (RESTORED,), COPY),
    Fault("page of a ledger overwritten", CHECK, overwritten(8192, 4096), (RESTORED,), COPY),
    Fault("ledger cut off", CHECK, cut_off(20000), (RESTORED,), COPY),
    Fault("ledger cut off in its head", DOCTOR, cut_off(50), (RESTORED,), COPY),
    Fault(
        "ledger cut off, to whoever reads it",
        ("ledger", "show", "--controller", "acme"),
        cut_off(50),
        ("ledgers/ledger_file.py: informativa ledger restore COPY --controller NAME",),
        COPY,
        alone=False,
    ),
    Fault(
        "ledger emptied beside its log",
        CHECK,
        emptied_beside_its_log,
        ("ledgers/ledger_file.py: informativa ledger restore COPY --controller NAME",),
        COPY,
    ),
    Fault(
        "no ledger",
        ("evidence", "audit", "--controller", "acme"),
        nothing,
        ("operations/controllers.py: informativa ledger restore BACKUP --controller {id}",),
        FROM_COPY,
        alone=False,
    ),
    Fault(
        "ledger of the other company",
        CHECK,
        of_the_other_company,
        ("evidence/origin.py: mv {ledger} {ledger}.aside",),
    ),
    Fault(
        "another key",
        CHECK,
        another_key,
        ("evidence/origin.py: mv {ledger} {ledger}.aside",),
    ),
    Fault(
        "ledger put back to an older state",
        ("evidence", "checkpoint", "--controller", "acme"),
        put_back_to_an_older_state,
        ("ledgers/extension.py: informativa ledger restore COPY --controller NAME",),
        COPY,
        alone=False,
    ),
    Fault(
        "copy of a ledger that holds him",
        ("caller", "erase", CALLER, "--controller", "acme", "--yes"),
        his_copy,
        ("ledgers/caller_traces.py: rm {file}",),
        alone=False,
    ),
    Fault(
        "nothing signed, to publish",
        ("evidence", "publish", "--controller", "acme"),
        published_to("else where"),
        (f"process/publication.py: {CHECKPOINT}",),
        alone=False,
    ),
    Fault(
        "nothing signed, for a receipt",
        ("evidence", "receipt", "2", "--controller", "acme", "-o", "@/else where"),
        ledger_of(),
        (f"operations/evidence/receipts.py: {CHECKPOINT}",),
        alone=False,
    ),
    Fault(
        "nothing signed, for the key",
        ("evidence", "key", "--controller", "acme"),
        ledger_of(),
        (f"views/text/evidence.py: {CHECKPOINT}",),
        alone=False,
    ),
    Fault(
        "no folder to publish into",
        ("evidence", "checkpoint", "--controller", "acme"),
        published_to("away/logs"),
        ("evidence/targets.py: mkdir -p {folder}",),
        alone=False,
    ),
    Fault(
        "file for a folder to publish into",
        ("evidence", "checkpoint", "--controller", "acme"),
        all_of(published_to("away/logs"), file_for("away")),
        ("evidence/targets.py: mv {place} {place}.aside", "evidence/targets.py: mkdir -p {folder}"),
        alone=False,
    ),
    Fault(
        "dialplan of somebody else",
        INSTALL,
        asterisk("informativa.conf"),
        ("operations/dialplan_install.py: mv {file} {file}.aside",),
        alone=False,
    ),
    Fault(
        "folder for the dialplan",
        INSTALL,
        all_of(asterisk(), folder_for("else where/informativa.conf")),
        ("operations/dialplan_install.py: mv {file} {file}.aside",),
        alone=False,
    ),
    Fault(
        "file for the script's link",
        INSTALL,
        all_of(asterisk(), lambda site: (site.folder / "informativa.yaml.agi").write_text("")),
        ("operations/dialplan.py: mv {link} {link}.aside", "operations/dialplan.py: ln -s {script} {link}"),
        alone=False,
    ),
    Fault(
        "folder for the script's link",
        INSTALL,
        all_of(asterisk(), folder_for("etc/informativa.yaml.agi")),
        ("operations/dialplan.py: mv {link} {link}.aside", "operations/dialplan.py: ln -s {script} {link}"),
        alone=False,
    ),
    Fault(
        "no folder for a unit",
        ("systemd", "-o", "@/not there/informativa.service"),
        nothing,
        ("operations/generated.py: mkdir -p {folder}",),
        alone=False,
    ),
    Fault(
        "file for the folder of a unit",
        ("systemd", "-o", "@/not there/informativa.service"),
        file_for("not there"),
        ("operations/generated.py: mv {place} {place}.aside", "operations/generated.py: mkdir -p {folder}"),
        alone=False,
    ),
    Fault(
        "file for the folder of keys",
        ("keys", "make", "acme"),
        file_for("etc/keys"),
        ("operations/keys.py: mv {place} {place}.aside",),
        alone=False,
    ),
    Fault(
        "account without secret",
        CHECK,
        account_without_secret,
        (f"{IN_FINDINGS}chown {{}} {{}}", f"{IN_FINDINGS}chmod 600 {{}}"),
        by_hand=lambda site: (site.folder / "keys/manager.secret").write_text("secret\n"),
    ),
    Fault(
        "record that waits to be signed",
        DOCTOR,
        waits_since,
        ("operations/doctor/evidence.py: informativa evidence checkpoint --controller {} -c {}",),
        check="evidence",
    ),
    Fault(
        "target that is gone",
        DOCTOR,
        target_gone,
        ("operations/doctor/evidence.py: informativa evidence publish --controller {} -c {}",),
        by_hand=lambda site: (site.folder.parent / "away").rename(site.elsewhere),
        check="evidence",
    ),
    Fault(
        "nothing signed, for a bundle",
        (
            "evidence",
            "bundle",
            "--from",
            "2026-01-01",
            "--to",
            "2099-12-31",
            "--controller",
            "acme",
            "-o",
            "@/else where/bundle.zip",
        ),
        ledger_of(),
        (f"operations/evidence/bundle.py: {CHECKPOINT}",),
        alone=False,
    ),
    Fault(
        "dialplan of somebody else, who keeps it",
        INSTALL,
        asterisk("informativa.conf"),
        ("operations/dialplan_install.py: informativa dialplan -o FILE",),
        {"FILE": "@/else where/informativa.conf"},
        alone=False,
    ),
    Fault(
        "no configuration",
        ("check", "-c", "@/new one/informativa.yaml"),
        nothing,
        ("config/document.py: informativa init DIR",),
        {"DIR": "@/new one"},
        alone=False,
        ends=1,
    ),
    Fault(
        "witness's key for all",
        ("witness", "key", "@/witness"),
        witness_for_all,
        ("evidence/witness_store.py: chmod 600 {file}",),
        alone=False,
    ),
    Fault(
        "accounts for all",
        ("web", "accounts"),
        accounts(0o644),
        ("operations/accounts/store.py: chmod 600 {file}",),
        alone=False,
    ),
    Fault(
        "no account",
        ("web", "accounts"),
        nothing,
        ("views/text/accounts.py: informativa web invite NAME --role admin --controller COMPANY",),
        {"NAME": "ann", "COMPANY": "acme"},
        alone=False,
    ),
)

OF_USERS = (
    Fault(
        "ledger of root in another's folder",
        CHECK,
        given_to(0, "ledger/acme.sqlite3"),
        (f"{LEDGERS}chown -h {{}} {{*}}", f"{LEDGERS}chmod u+rwX {{*}}"),
        check="ledgers",
    ),
    Fault(
        "folder that its owner may not write",
        CHECK,
        mode("ledger", 0o500),
        (f"{LEDGERS}chown -h {{}} {{*}}", f"{LEDGERS}chmod u+rwX {{*}}"),
        check="ledgers",
    ),
    Fault(
        "ledger that its owner may not write",
        CHECK,
        mode("ledger/acme.sqlite3", 0o400),
        (f"{LEDGERS}chown -h {{}} {{*}}", f"{LEDGERS}chmod u+rwX {{*}}"),
        check="ledgers",
    ),
    Fault("folder above that is closed", CHECK, mode("..", 0o700), (f"{LEDGERS}chmod a+x {{}}",)),
    Fault(
        "key of root",
        DOCTOR,
        given_to(0, "keys/acme.key"),
        (f"{SERVICES}chown -h {{}} {{}}", f"{SERVICES}chmod u+r {{}}"),
        check="files",
    ),
    Fault(
        "key that its owner may not read",
        DOCTOR,
        mode("keys/acme.key", 0),
        (f"{SERVICES}chown -h {{}} {{}}", f"{SERVICES}chmod u+r {{}}"),
        check="files",
    ),
    Fault(
        "folder of keys that is root's",
        DOCTOR,
        given_to(0, "keys"),
        (f"{SERVICES}chown -R -h {{}} {{}}", f"{SERVICES}chmod -R u+rX {{}}"),
        check="files",
    ),
    Fault(
        "folder of keys that is closed",
        DOCTOR,
        mode("keys", 0),
        (f"{SERVICES}chown -R -h {{}} {{}}", f"{SERVICES}chmod -R u+rX {{}}"),
        check="files",
    ),
    Fault("keys below a closed folder", DOCTOR, mode("..", 0o700), (f"{SERVICES}chmod a+x {{}}",)),
)
"""The outcome where all is another user's."""
