"""The ways to do the step in a dialplan that are measured side by side, and an Asterisk that has them all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sqlite3
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from informativa.ledgers.sqlite import SqliteStore
from lab import audio, builds, conf
from lab.debian import Unavailable, cache_folder, packages
from lab.office import BIN, Office
from lab.pbx import Pbx

from . import rivals
from .figures import Report, SkippedError
from .rivals import DURABLE, DURABLE_GO, GO, KNOWN, LIMIT, LINE, ONE_BY_ONE, OURS, PANORAMISK, SILENT

OURS_AGI = "informativa, its AGI() alone"
ODBC, ODBC_WAL = "func_odbc with SQLite", "func_odbc with SQLite in WAL mode"
ASTDB = "AstDB (not durable: kill -9 loses a second)"
SCRIPT, EMPTY = "informativa-agi, the classic script", "empty pyst2 script"
NOTHING = "nothing"
MENU_SECONDS = 2.0
ALL = (
    NOTHING,
    LIMIT,
    OURS,
    OURS_AGI,
    DURABLE,
    DURABLE_GO,
    SILENT,
    GO,
    PANORAMISK,
    ONE_BY_ONE,
    ODBC,
    ODBC_WAL,
    ASTDB,
    EMPTY,
    SCRIPT,
)


@dataclass(frozen=True)
class Step:
    """One way."""

    name: str
    dialplan: str
    """The priorities of its subroutine, before its Return()."""
    recorded: Callable[[], int] | None = None
    """The number on record so far, where it keeps a record."""
    sets_status: bool = True
    """True if it sets the status."""
    process: bool = False
    """True if it starts a process each time."""
    pid: int | None = None
    """Its service, where it has one."""
    office: Office | None = None
    """The folder of that service."""
    context: str = ""
    """More of a dialplan that it needs."""

    @property
    def key(self) -> str:
        """Its name as part of an extension."""
        return re.sub(r"[^a-z]", "", self.name.lower())


@contextlib.contextmanager
def exchange(
    report: Report, measure: str, folder: Path, names: Collection[str]
) -> Iterator[tuple[Pbx, list[Step]]]:
    """An Asterisk whose dialplan knows these steps; those that cannot be had are reported as left out."""
    try:
        build = builds.installed() or builds.obtain("testing", lambda _what, _fraction: None)
    except Unavailable as error:
        raise SkippedError(str(error)) from error
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        steps = []
        for name in names:
            try:
                steps.append(_step(stack, name, folder, build))
            except (SkippedError, Unavailable) as error:
                report.left_out.append((measure, f"{name}: {error}"))
        report.versions |= {"Asterisk": f"{build.version} ({build.name})", "SIPp": build.sipp_version}
        if any(step.name in _MODES for step in steps):
            build = _with_odbc(build)
        pbx = Pbx(build, folder / "pbx", _extensions(steps), agi_bin=BIN, extra_files=_files(build, folder))
        os.environ["ODBCSYSINI"] = str(folder)  # read by the ODBC library within Asterisk
        stack.enter_context(pbx)
        audio.write_wav(pbx.sounds / "menu.wav", audio.synthetic(MENU_SECONDS, seed=2))
        pbx.cli("core set verbose 0")
        yield pbx, steps


def _step(stack: contextlib.ExitStack, name: str, folder: Path, build: builds.Build) -> Step:
    """Start what the step needs. Raises SkippedError or Unavailable."""
    place = folder / re.sub(r"[^a-z]", "", name.lower())
    if name == NOTHING:
        return Step(name, "", sets_status=False)
    if name in (LIMIT, SILENT, GO, PANORAMISK):
        rival = stack.enter_context(rivals.null(place, name))
        return Step(
            name, f"AGI(agi://127.0.0.1:{rival.port}/notice)", sets_status=bool(rival.expected), pid=rival.pid
        )
    if name in (DURABLE, DURABLE_GO):
        rival = stack.enter_context(rivals.durable(place, name))
        arguments = f"{LINE},linked=${{CHANNEL(linkedid)}}"
        return Step(
            name, f"AGI(agi://127.0.0.1:{rival.port}/notice,{arguments})", rival.recorded, pid=rival.pid
        )
    if name in (OURS, OURS_AGI, ONE_BY_ONE):
        served = stack.enter_context(rivals.served(name, place))
        assert served.office
        if name == OURS:
            gosub = f"Gosub(informativa,s,1({LINE}))"
            context = served.office.dialplan()
            return Step(name, gosub, served.recorded, pid=served.pid, office=served.office, context=context)
        alone = f"AGI(agi://127.0.0.1:{served.port}/{served.script},{LINE},linked=${{CHANNEL(linkedid)}})"
        return Step(name, alone, served.recorded, pid=served.pid)
    if name in (ODBC, ODBC_WAL):
        return _odbc(name, folder, build)
    if name == ASTDB:
        return Step(name, _ASTDB)
    if name == SCRIPT:
        office = Office(place)
        rivals.acquaint(office)
        ledger = office.folder / "ledger" / "acme.sqlite3"
        office.dialplan()  # which makes the link
        call = f"AGI({office.config}.agi,{LINE})"
        return Step(name, call, lambda: rivals.not_due(ledger), process=True)
    assert name == EMPTY
    place.write_text(f"#!{sys.executable}\n" + (rivals.SOURCES / "empty_script.py").read_text())
    place.chmod(0o755)
    return Step(name, f"AGI({place})", process=True)


# The same look-up and the same row as ours, in the same tables.
_ODBC = """\
Set(LOCAL(who)=${MD5(secret${CALLERID(num)})})
Set(LOCAL(basis)=${ODBC_TOLD_%(mode)s(${who})})
ExecIf($["${basis}" != ""]?Set(ODBC_RECORD_%(mode)s(${who},${basis},${UNIQUEID},${CHANNEL(linkedid)})=NOTDUE))
ExecIf($["${ODBCSTATUS}" = "SUCCESS"]?Set(INFORMATIVA_STATUS=NOTDUE))"""
_FUNC_ODBC = """\
[TOLD_%(mode)s]
dsn = %(mode)s
readsql = SELECT record FROM standing WHERE pseudonym = CAST('${ARG1}' AS BLOB)
[RECORD_%(mode)s]
dsn = %(mode)s
writesql = INSERT INTO event (at, call, line, pseudonym, notice, version, language, purposes, status, \
reason, prompt, basis, linked) VALUES (CAST(strftime('%%s', 'now') AS INTEGER) * 1000000, '${ARG3}', \
'+390212345678', CAST('${ARG1}' AS BLOB), 'privacy', '2026-11', 'it', 'service', '${VALUE}', \
'already-informed', '', ${ARG2}, '${ARG4}')
"""
_ODBC_INI = """\
[%(mode)s]
Driver = %(driver)s
Database = %(ledger)s
SyncPragma = FULL
JournalMode = %(mode)s
Timeout = 2000
"""
_ODBC_MODULES = ("res_odbc.so", "res_odbc_transaction.so", "func_odbc.so")
_MODES = {ODBC: "DELETE", ODBC_WAL: "WAL"}

_ASTDB = """\
Set(LOCAL(who)=${MD5(secret${CALLERID(num)})})
Set(LOCAL(basis)=${DB(told/${who})})
Set(DB(event/${UNIQUEID}-${caller})=${EPOCH}|+390212345678|${who}|privacy|2026-11|NOTDUE|${basis}|${CHANNEL(linkedid)})
Set(INFORMATIVA_STATUS=NOTDUE)"""


def _odbc(name: str, folder: Path, build: builds.Build) -> Step:
    """A ledger for ODBC, of our own tables and with as many callers as ours knows."""
    mode = _MODES[name]
    (driver,) = _odbc_packages(build).glob("usr/lib/*/odbc/libsqlite3odbc.so")
    ledger = folder / f"odbc-{mode}.sqlite3"
    SqliteStore(str(ledger)).close()
    with contextlib.closing(sqlite3.connect(ledger, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("BEGIN")
        for caller in range(KNOWN):
            pseudonym = hashlib.md5(f"secret{rivals.number(caller)}".encode()).hexdigest().encode()
            connection.execute(_EVENT, (caller + 1, pseudonym))
            connection.execute(_STANDING, (pseudonym, caller + 1))
        connection.execute("COMMIT")
    values = {"mode": mode, "driver": driver, "ledger": ledger}
    with (folder / "odbc.ini").open("a") as ini:
        ini.write(_ODBC_INI % values)
    return Step(name, _ODBC % values, lambda: rivals.not_due(ledger))


_EVENT = """
INSERT INTO event (record, at, call, line, pseudonym, notice, version, language, purposes, status, reason,
                   prompt)
VALUES (?, 1700000000000000, '', '+390212345678', ?, 'privacy', '2026-11', 'it', 'service', 'PLAYED',
        'not-informed', 'prompts/it/short')
"""
_STANDING = """
INSERT INTO standing (pseudonym, notice, version, purposes, record, at)
VALUES (?, 'privacy', '2026-11', 'service', ?, 1700000000000000)
"""


def _with_odbc(build: builds.Build) -> builds.Build:
    """The same build, whose loader also finds the library by which drivers read odbc.ini."""
    loader, option, path, program = build.asterisk
    (library,) = _odbc_packages(build).glob("usr/lib/*/libodbcinst.so.2")
    return replace(build, asterisk=(loader, option, f"{path}:{library.parent}", program))


def _odbc_packages(build: builds.Build) -> Path:
    """SQLite's ODBC driver; what else it needs Asterisk needs too. Raises SkippedError or Unavailable."""
    if build.name == "installed":
        raise SkippedError("only with Debian's own Asterisk, which the lab fetches where none is installed")
    names = ["libsqliteodbc", "libodbcinst2"]
    return packages(build.name, names, cache_folder(), lambda _what, _done: None, closure=False)


def _files(build: builds.Build, folder: Path) -> dict[str, str]:
    """A quiet log, and ODBC where it is wanted."""
    modes = [mode for mode in _MODES.values() if (folder / f"odbc-{mode}.sqlite3").exists()]
    return {
        "logger.conf": "[general]\n[logfiles]\nmessages.log => warning,error\n",
        "modules.conf": conf.modules(build, keep=_ODBC_MODULES if modes else ()),
        "res_odbc.conf": "".join(f"[{m}]\nenabled = yes\ndsn = {m}\npre-connect = yes\n" for m in modes),
        "func_odbc.conf": "".join(_FUNC_ODBC % {"mode": mode} for mode in modes),
    }


# `step-` runs one step as often as is asked for on one channel, and tells how many microseconds all took. The
# context that calls of SIPp come in at takes a step's key for the called number: the caller then meets a busy
# line (486), or with `talk-` before it hears a menu. A step that did not do its work ends in another code.
_EXTENSIONS = """\
[bench]
exten => _step-.,1,Answer()
 same => n,Set(step=${CUT(EXTEN,-,2)})
 same => n,Set(count=${CUT(EXTEN,-,3)})
 same => n,Set(caller=${CUT(EXTEN,-,4)})
 same => n,Set(told=0)
 same => n,Set(begun=${STRFTIME(,,%s%6q)})
 same => n(next),Set(CALLERID(num)=+39333${SPRINTF(%07d,${caller})})
 same => n,Set(INFORMATIVA_STATUS=)
 same => n,Gosub(step-${step},s,1)
 same => n,Set(told=$[${told} + ("${INFORMATIVA_STATUS}" = "NOTDUE")])
 same => n,Set(caller=$[${caller} + 1])
 same => n,Set(count=$[${count} - 1])
 same => n,GotoIf($[${count} > 0]?next)
 same => n,Set(ended=${STRFTIME(,,%s%6q)})
 same => n,UserEvent(Step,Run:${EXTEN},Begun:${begun},Ended:${ended},Told:${told})
 same => n,Hangup()

[from-lab]
exten => _[a-z].,1,Gosub(step-${EXTEN},s,1)
 same => n,Hangup(${IF($["${INFORMATIVA_STATUS}" = "NOTDUE"]?17:21)})
exten => _talk-.,1,Gosub(step-${EXTEN:5},s,1)
 same => n,ExecIf($["${INFORMATIVA_STATUS}" != "NOTDUE"]?Hangup(21))
 same => n,Answer()
 same => n,Playback(menu)
 same => n,Hangup()
"""


def _extensions(steps: Collection[Step]) -> str:
    text = _EXTENSIONS
    for step in steps:
        lines = [*step.dialplan.splitlines(), "Return()"]
        text += f"\n[step-{step.key}]\nexten => s,1,{lines[0]}\n"
        text += "".join(f" same => n,{line}\n" for line in lines[1:]) + step.context
    return text
