"""A week of an admin who has never seen informativa: on a bare Debian with a real Asterisk, by the commands
of the pages as they stand there, and with the mistakes of whoever is in a hurry."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

import workbooks
from lab import bare, builds
from lab.debian import Unavailable, cache_folder
from lab.pbx import Pbx
from lab.phone import Phone
from lab.ports import free_port
from lab.setup import ROOT
from packages import machine
from packages.machine import Machine

ETC = "/etc/informativa"
CONFIG = f"{ETC}/informativa.yaml"
EXTENSIONS = """\
[from-lab]
include => from-trunk

[from-trunk]
exten => _X.,1,Answer()
 same => n,Hangup()
exten => h,1,UserEvent(Over,Status:${INFORMATIVA_STATUS},Reason:${INFORMATIVA_REASON})
"""
LIST = """\
Cognome;Cellulare;Data iscrizione;Città
Niccolò;333 1111111;01/11/26;Forlì
Però;3332222222;13/11/26;
Rossi;3,93E+11;14/11/26;
Bianchi;333-3333333;31/11/26;
"""
NEXT = """\
          - version: "2027-01"
            purposes: [service, statistics]
            short: {it: prompts/it/short}
            short_nokey: {it: prompts/it/short-nokey}
            full: {it: prompts/it/full}
"""


def documented(page: str, *words: str) -> str:
    """The first command of a page that has all these words, in a block of the shell or within a sentence."""
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).splitlines()
    sentences = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", sentences)]
    return next(line.strip() for line in (*lines, *spans) if all(word in line for word in words))


class Office:
    """The machine, its Asterisk and its admin, who is root and has no sudo."""

    def __init__(self, debian: Machine, pbx: Pbx, environment: dict[str, str]) -> None:
        self.debian, self.pbx, self._environment = debian, pbx, environment

    def type(self, command: str, *, ends: int = 0) -> str:
        """Return what a command prints; the page on steps by hand says what to type where there is no
        sudo."""
        typed = command.replace("sudo -u asterisk", "runuser -u asterisk --")
        return self.debian.run(typed, ends=ends, **self._environment)

    def follow(self, page: str, *words: str, more: str = "", ends: int = 0, **places: str) -> str:
        """Return what a command of a page prints, with the admin's own files in the places of its
        capitals."""
        command = documented(page, *words)
        for name, value in places.items():
            command = re.sub(rf"\b{name}\b(\.csv)?", value, command)
        return self.type(f"{command}{more}", ends=ends)

    def ring(self, number: str) -> tuple[str, str]:
        """Return what the dialplan got for a call from that number: status and reason."""
        self.pbx.forget_events()
        with Phone(self.pbx) as phone:
            phone.dial("0212345678", number).wait_ended(60)
            event = self.pbx.wait_event(lambda event: event.get("UserEvent") == "Over")
        return event.get("Status", ""), event.get("Reason", "")

    def edit(self, file: str, old: str, new: str) -> None:
        """Change one place of a file there."""
        place = self.debian.root / file.lstrip("/")
        text = place.read_text(encoding="utf-8")
        assert old in text, text
        place.write_text(text.replace(old, new, 1), encoding="utf-8")

    def records(self) -> int:
        """The number of the company's records of callers; each look at them may add one of another kind."""
        document = self.type(f"informativa ledger show --controller acme --json -c {CONFIG}")
        return sum(record["kind"] in {"phone", "website"} for record in json.loads(document)["records"])


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A bare Debian with an Asterisk at /etc/asterisk that has one number, and a clone of this project."""
    with ExitStack() as stack:
        try:
            build = builds.obtain("testing", lambda _what, _part: None)
            debian = stack.enter_context(machine.booted("bookworm", [tmp_path, cache_folder()]))
        except Unavailable as error:
            pytest.skip(str(error))
        debian.run(f"d={cache_folder()}; while [ $d != / ]; do chmod a+x $d; d=$(dirname $d); done")
        debian.run("adduser --system --group --quiet --home /var/lib/asterisk asterisk")
        folder = tmp_path / "pbx"
        tmp_path.chmod(0o755)
        for name in ("etc", "var", "data", "spool", "run", "log", "agi"):
            (folder / name).mkdir(parents=True)
            (folder / name).chmod(0o777)
        prefix = (*debian.enter, "runuser", "-u", "asterisk", "--")
        pbx = stack.enter_context(Pbx(build, folder, EXTENSIONS, prefix=prefix))
        debian.run(f"ln -s {pbx.etc} /etc/asterisk")
        program(debian, "asterisk", [*build.asterisk, "-C", "/etc/asterisk/asterisk.conf"])
        bare.copy_checkout(debian.root / "root/informativa")
        yield Office(debian, pbx, bare.network_within(debian.root))


def program(debian: Machine, name: str, words: Sequence[str]) -> None:
    """Lay a program that runs these words."""
    place = debian.root / "usr/sbin" / name
    place.write_text(f'#!/bin/sh\nexec {" ".join(words)} "$@"\n')
    place.chmod(0o755)


@pytest.mark.night
@pytest.mark.timeout(1800)
def test_week(office: Office) -> None:
    """From an empty PBX to an import, faults, a new notice, a lost disk and an upgrade, no
    record is lost, nobody hears twice what he knows, and in the end the dialplan is as it was."""
    monday(office)
    tuesday(office)
    wednesday(office)
    thursday(office)
    friday(office)


def monday(office: Office) -> None:
    """Set the PBX up as the README says; a caller hears the notice once."""
    office.type("apt-get update -qq && apt-get install -qq -y dbus && systemctl start dbus")
    for words in ("python3-venv",), ("-m venv",), ("/pip install .",), ("ln -sf",):
        office.type(f"cd /root/informativa && {documented('README.md', *words)}")
    assert "Name the company: --company NAME" in office.follow("README.md", "informativa setup", ends=1)
    setup = documented("README.md", "setup --company")
    listen = f" --listen 127.0.0.1:{free_port()}"
    assert "Nothing was written" in office.type(setup.replace(" --yes", "") + listen)
    report = office.type(setup + listen)
    assert office.ring("3331234567") == ("PLAYED", "not-informed")
    assert office.ring("3331234567") == ("NOTDUE", "already-informed")
    assert "2 known" not in office.follow("README.md", "ledger show --controller acme")
    for command in re.findall(r"^  (informativa .+)$", report, re.MULTILINE):
        office.type(command)
    assert "Nothing is left to do" in office.type(setup + listen)


def tuesday(office: Office) -> None:
    """Import a list as people have it, its rejects when they are mended, and a workbook; not a bomb."""
    root = office.debian.root / "root"
    (root / "clienti.csv").write_bytes(LIST.replace("\n", "\r\n").encode("cp1252"))
    page = "docs/calls.md"
    imported = ("informativa import FILE", "--controller")
    assert "type --short-years" in office.follow(page, *imported, ends=1, FILE="/root/clienti.csv")
    assert office.records() == 2
    more = " --yes --short-years --dates day-first"
    rejects = office.follow(
        page, *imported, more=f"{more} --rejects /root/rest.csv", ends=4, FILE="/root/clienti.csv"
    )
    assert "4 rows read: 2 recorded, 0 known before, 2 rejected." in rejects
    office.type("sed -i 's/3,93E+11/3334444444/; s#31/11/26#30/11/26#' /root/rest.csv")
    for recorded in (2, 0):
        again = office.follow(page, *imported, more=more, FILE="/root/rest.csv")
        assert f"2 rows read: {recorded} recorded" in again
    workbook = workbooks.write(
        root / "list.xlsx",
        {"Clienti": {"A1": "Telefono", "B1": "Data", "A2": "+393335555555", "B2": "13/11/2026"}},
    )
    assert "pip install" in office.follow(page, *imported, more=" --yes", ends=1, FILE="/root/list.xlsx")
    office.type("cd /root/informativa && /opt/informativa/bin/pip install '.[xlsx]'")
    read = office.follow(page, *imported, more=" --yes", FILE="/root/list.xlsx")
    assert read.startswith("1 row read: 1 recorded")
    before = office.records()
    workbooks.inflate(workbook, 600)
    assert "too large" in office.follow(page, *imported, more=" --yes", ends=1, FILE="/root/list.xlsx")
    assert office.records() == before
    assert office.ring("3331111111") == ("NOTDUE", "already-informed")
    assert office.ring("3334444444") == ("NOTDUE", "already-informed")


def wednesday(office: Office) -> None:
    """Mend three faults, then look what a new notice would change, and load it."""
    office.type(
        f"systemctl stop informativa; chmod 644 {ETC}/keys/acme.key; chown root: {ETC}/ledger/acme.sqlite3"
    )
    assert office.ring("3336666666")[0] == "FALLBACK"
    mended = office.follow("docs/operating.md", "doctor -c", more=" --fix --yes")
    assert mended.count("→ mended") == 3
    assert office.ring("3336666666") == ("PLAYED", "not-informed")
    office.edit(CONFIG, "full: {it: prompts/it/full}\n", f"full: {{it: prompts/it/full}}\n{NEXT}")
    forecast = office.follow("docs/operating.md", "reload --diff")
    assert "a purpose that this caller was not told" in forecast
    assert re.search(r"Started informativa-\d+\.scope", office.type("journalctl --boot --no-pager"))
    assert office.ring("3331111111") == ("NOTDUE", "already-informed")
    office.follow("docs/operating.md", "systemctl reload")
    assert office.ring("3331111111") == ("PLAYED", "new-purpose")


def thursday(office: Office) -> None:
    """One's own telephone hears nothing; a disk is lost, and who was informed is, who was erased is not."""
    office.type("mkdir /srv/proof")
    publish = "evidence: {domain: acme.example, publish: [{folder: /srv/proof}]}\n"
    office.edit(CONFIG, "operator: ", f"internal: {{contexts: [from-lab]}}\n{publish}operator: ")
    office.type("chown asterisk: /srv/proof && systemctl restart informativa")
    office.type(f"informativa dialplan install -c {CONFIG} && asterisk -rx 'dialplan reload'")
    assert office.ring("201") == ("SKIPPED", "internal")
    assert office.ring("3337777777") == ("PLAYED", "not-informed")
    back_up(office)
    erased = f"informativa caller erase +393337777777 --controller acme --yes -c {CONFIG}"
    office.type(f"{erased} && informativa evidence checkpoint -c {CONFIG}")
    office.type(f"informativa evidence publish -c {CONFIG}")
    office.type(f"mkdir /root/elsewhere; cp -a {ETC}/keys {ETC}/ledger/acme.log/private /root/elsewhere")
    office.type(f"systemctl stop informativa; rm -r {ETC}")
    backup = f"$(ls /root/backups/*.tar) -c {CONFIG}"
    preview = office.follow("docs/operating.md", "informativa restore FILE", ends=1, FILE=backup)
    assert "would stay as it is. The key of acme" in preview
    office.type(f"mkdir {ETC} && cp -a /root/elsewhere/keys {ETC}")
    restore = ("docs/operating.md", "informativa restore FILE")
    missing = office.follow(*restore, more=" --yes", ends=1, FILE=backup)
    assert "The list of the records of an erasure is missing" in missing
    office.type(f"cp -a /root/elsewhere/private {ETC}/ledger/acme.log/")
    assert "is so again" in office.follow(*restore, more=" --yes", FILE=backup)
    office.type(f"informativa evidence key --new --controller acme -c {CONFIG}")
    assert office.ring("3331111111") == ("NOTDUE", "already-informed")  # by the script
    office.type("systemctl start informativa")
    assert office.ring("3331234567")[0] == "PLAYED"
    assert office.ring("3337777777") == ("PLAYED", "not-informed")
    assert office.type(f"find {ETC}/ledger {ETC}/keys ! -user asterisk") == ""


def back_up(office: Office) -> None:
    """Make a backup, after a disk that is too small, and a folder that is missing."""
    page = ("docs/operating.md", "informativa backup make FOLDER")
    office.type("mkdir /mnt/small && mount -t tmpfs -o size=200k none /mnt/small")
    assert "no room" in office.follow(*page, more=f" -c {CONFIG}", ends=1, FOLDER="/mnt/small")
    assert office.type("ls /mnt/small; umount /mnt/small") == ""
    office.follow(*page, more=f" -c {CONFIG}", ends=1, FOLDER="/root/backups")
    office.type("mkdir /root/backups")
    assert "acme: " in office.follow(*page, more=f" -c {CONFIG}", FOLDER="/root/backups")


def friday(office: Office) -> None:
    """Upgrade as the page says, report the month, and take setup back."""
    office.edit("/root/informativa/agi/informativa/__init__.py", '__version__ = "', '__version__ = "9.')
    office.type(f"cd /root/informativa && {documented('docs/operating.md', '/pip install .')}")
    office.follow("docs/operating.md", "sudo -u asterisk", "check")
    office.follow("docs/operating.md", "systemctl restart informativa")
    assert office.type("informativa --version").startswith("informativa 9.")
    assert office.ring("3338888888") == ("PLAYED", "not-informed")
    assert office.ring("3338888888") == ("NOTDUE", "already-informed")
    assert "Acme" in office.follow("docs/operating.md", "report acme --month", more=f" -c {CONFIG}")
    assert "Accounted for" in office.type(f"informativa evidence audit --controller acme -c {CONFIG}")
    undone = office.type("informativa setup --undo --yes")
    assert f"Stays: {ETC}" in undone
    assert (office.pbx.etc / "extensions.conf").read_text() == EXTENSIONS
    assert office.ring("3338888888") == ("", "")
    assert office.type(f"ls {ETC}/ledger/acme.sqlite3 {ETC}/keys/acme.key")
