"""The checks that ask Asterisk."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

from ... import shipped
from ... import spool as spools
from ...asterisk import dialplan as dialplans
from ...text import Text, command, joined
from . import dialplan, users
from .account import ACTIONS, COLLECTION, WRITE
from .findings import Finding, ok, unknown, warning, wrong
from .system import System, in_thread

TRIED = range(16, 23)  # major versions
APART_SECONDS = 2.0  # two clocks


async def rights(system: System) -> AsyncIterator[Finding]:
    """The account may do what is needed of it."""
    missing = sorted(ACTIONS.keys() - system.allowed)
    if not missing:
        yield ok(Text("the account may do all that is needed"))
        return
    fix = Text(
        "In its section of manager.conf put: write = {write} (then: {asterisk} -rx 'manager reload').",
        asterisk=system.asterisk_files.console,
        write=WRITE,
    )
    text = Text("the account at Asterisk's manager interface may not do {actions}")
    text = text.format(actions=", ".join(missing))
    if set(missing) & set(COLLECTION):
        text = joined("", text, Text(", so the fallback spool stays where it is"))
    yield wrong(text, fix)


async def version(system: System) -> AsyncIterator[Finding]:
    """Asterisk is of a version that informativa was tried with."""
    (settings,) = await system.manager.act("CoreSettings")
    given = settings.asteriskversion
    found = re.search(r"\d+", given)
    if found and int(found[0]) in TRIED:
        yield ok(Text("Asterisk {version}", version=given))
        return
    text = Text("Asterisk {version} was never tried with informativa; {first} to {last} were")
    fix = Text("Ring a line twice and look at `informativa ledger show`, or use one of those.")
    yield warning(text.format(version=given, first=TRIED[0], last=TRIED[-1]), fix)


async def modules(system: System) -> AsyncIterator[Finding]:
    """The modules are loaded that our dialplan uses."""
    missing = [module for module in dialplan.MODULES if not await system.loaded(module)]
    for module in missing:
        text = Text("Asterisk has not loaded {module}, and our dialplan needs its {names}")
        names = ", ".join(dialplan.MODULES[module])
        yield wrong(text.format(module=module, names=names), _load(module, system))
    if not missing:
        yield ok(Text("all modules that our dialplan needs are loaded"))


async def formats(system: System) -> AsyncIterator[Finding]:
    """Each prompt is there in a format that Asterisk can read."""
    files = {path: await in_thread(_formats, path) for path in system.prompts()}
    wanted = {module for found in files.values() for module in found.values()}
    missing = {module for module in wanted if not await system.loaded(module)}
    for module in sorted(missing):
        mute = [path for path, found in files.items() if {module} <= set(found.values()) <= missing]
        extensions = sorted({name for found in files.values() for name in found if found[name] == module})
        text = Text("Asterisk has not loaded {module}, which reads prompts in {formats}")
        text = text.format(module=module, formats=", ".join(extensions))
        if mute:
            some = Text("; it can play {prompt} in no format", prompt=mute[0])
            yield wrong(joined("", text, some), _load(module, system))
        else:
            yield warning(text, _load(module, system))
    if not missing:
        yield ok(Text("the prompts are in formats that Asterisk reads"))


async def sounds(system: System) -> AsyncIterator[Finding]:
    """Asterisk's user can read every prompt."""
    if system.asterisk_uid is None:
        yield unknown(
            Text("whether Asterisk can read the prompts: whose process it is cannot be seen from here")
        )
        return
    uid, prompts = system.asterisk_uid, system.prompts()
    files = [Path(f"{path}.{extension}") for path in prompts for extension in await in_thread(_formats, path)]
    denied = [file for file in files if await in_thread(users.denied, uid, file, os.R_OK)]
    for file in denied:
        text = Text("Asterisk ({user}) cannot read {file}")
        fix = users.opening(uid, file, command("chmod", "a+r", file))
        yield wrong(text.format(user=users.name(uid), file=file), fix)
    if not denied:
        text = Text.counted(
            "Asterisk ({user}) can read the only prompt",
            "Asterisk ({user}) can read all {number} prompts",
            len(prompts),
        )
        yield ok(text.format(user=users.name(uid), number=len(prompts)))


async def context(system: System) -> AsyncIterator[Finding]:
    """Our context is loaded, and is the one of this configuration."""
    configuration = system.configured
    steps = [step for step in await system.steps() if step.context in (dialplan.CONTEXT, dialplan.LINES)]
    fix = system.asterisk_files.install(system.file)
    if not any(step.context == dialplan.CONTEXT for step in steps):
        yield wrong(Text("Asterisk has no context [{context}] loaded", context=dialplan.CONTEXT), fix)
        return
    template = (shipped.folder("dialplan") / "informativa.conf").read_text(encoding="utf-8")
    ours = dialplans.render(template, configuration)
    addresses, lines, rest = dialplan.differences(steps, dialplan.parsed(ours))
    for address in addresses:
        text = Text("the loaded dialplan looks for the service at {address}, and it is to listen at {ours}")
        yield wrong(text.format(address=address, ours=configuration.listen), fix)
    strange = dialplan.tokens(steps) - {*configuration.tokens[:1]} if configuration.tokens else set()
    if strange:
        accepted = strange <= {*configuration.tokens}
        text = (
            Text(
                "the loaded dialplan has an old token, which is accepted until a call comes with the new one"
            )
            if accepted
            else Text("the loaded dialplan lacks the token by which Asterisk is known: its calls are refused")
        )
        yield (warning if accepted else wrong)(text, fix)
    if lines:
        text = Text("the loaded dialplan is older than the configuration; it differs for {lines}")
        yield wrong(text.format(lines=", ".join(lines)), fix)
    elif rest and not strange:
        yield warning(
            Text(
                "the loaded dialplan is not as this version of informativa writes it for this configuration"
            ),
            fix,
        )
    if not (addresses or lines or rest or strange):
        yield ok(Text("the loaded dialplan is the one of this configuration"))


async def lines(system: System) -> AsyncIterator[Finding]:
    """The dialplan calls us for each line."""
    calling = dialplan.callers(await system.steps())
    step = "GosubIf($[${DIALPLAN_EXISTS(informativa,s,1)}]?informativa,s,1(${EXTEN}))"
    where = Text("Where its calls come in, before a queue or a Dial: same => n,{step}", step=step)
    if not calling:
        yield wrong(Text("nothing in the dialplan calls informativa"), where)
        return
    unreached = dialplan.unreached(system.configured.lines, calling)
    for line in unreached:
        yield warning(Text("no context seems to call informativa for line {line}", line=line.number), where)
    if not unreached:
        contexts = sorted({step.context for step, _argument in calling})
        text = Text("informativa is called from {contexts}, for every line")
        yield ok(text.format(contexts=", ".join(contexts)))


async def script(system: System) -> AsyncIterator[Finding]:
    """Asterisk can start the script that takes over when the service does not answer."""
    if system.asterisk_uid is None:
        yield unknown(
            Text("whether Asterisk can start the script: whose process it is cannot be seen from here")
        )
        return
    uid = system.asterisk_uid
    named = dialplan.scripts(await system.steps())
    if not named:
        yield unknown(Text("which script Asterisk starts: the dialplan names none"))
    for name in named:
        file = Path(name)
        if not file.is_absolute():
            text = Text("which script Asterisk starts: {name} is in its own folder", name=name)
            yield unknown(text)
        elif why := await in_thread(_not_executable, uid, file):
            yield wrong(why, system.asterisk_files.install(system.file))
        else:
            yield ok(Text("Asterisk ({user}) can start {file}", user=users.name(uid), file=file))


async def clock(system: System) -> AsyncIterator[Finding]:
    """Asterisk's clock is ours."""
    before = time.time()
    (pong,) = await system.manager.act("Ping")
    there = float(pong.timestamp)
    apart = max(before - there, there - time.time(), 0.0)
    if apart <= APART_SECONDS:
        yield ok(Text("Asterisk's clock and this machine's agree"))
        return
    text = Text("Asterisk's clock and this machine's are {seconds} s apart", seconds=f"{apart:.0f}")
    yield wrong(text, Text("On both: timedatectl set-ntp true"))


async def spool(system: System) -> AsyncIterator[Finding]:
    """All that the dialplan had to play by itself has come into the ledgers."""
    rows = await system.manager.tree(spools.FAMILY)
    why = Counter(_reason(key, text, system) for key, text in rows.items())
    if not rows:
        yield ok(Text("the fallback spool is empty"))
    for reason, number in sorted(why.items()):
        text = Text.counted(
            "{number} row of the fallback spool is not in a ledger: {why}",
            "{number} rows of the fallback spool are not in a ledger: {why}",
            number,
            number=number,
            why=reason,
        )
        fix = Text(
            "The service collects it every minute; if it stays, the service's log says why. Of a number that"
            " is to be a line, add the line; else, with its key:"
            " {asterisk} -rx 'database del informativa KEY'",
            asterisk=system.asterisk_files.console,
        )
        yield warning(text, fix)


def _reason(key: str, text: str, system: System) -> str:
    """Why a row was written; for one that will stay, why."""
    try:
        row = spools.parse_row(key, text, system.configured.spelled)
    except spools.RowError as error:
        return str(error)
    return row.events[0].reason if row.events else spools.OPERATOR


def _load(module: str, system: System) -> Text:
    return Text(
        "{asterisk} -rx 'module load {module}.so' (and no `noload` for it in modules.conf; it may be in a"
        " package of its own)",
        asterisk=system.asterisk_files.console,
        module=module,
    )


def _formats(path: str) -> dict[str, str]:
    """The files of a prompt that are there: by extension, the module that reads it."""
    return {
        extension: module
        for extension, module in dialplan.FORMATS.items()
        if Path(f"{path}.{extension}").exists()
    }


def _not_executable(uid: int, file: Path) -> Text | None:
    """Why a user cannot start a script, if so."""
    if not file.exists():
        return Text("the dialplan starts {file}, which is not there", file=file)
    wrong = _unusable(uid, file)
    if wrong is None:
        return None
    text = Text("Asterisk ({user}) cannot execute {file}, which the dialplan starts")
    return text.format(user=users.name(uid), file=wrong)


def _unusable(uid: int, file: Path) -> Path | None:
    """What of a script a user cannot execute: it, or what its first line names by an absolute path."""
    if not file.is_file() or users.denied(uid, file, os.X_OK):
        return file
    with file.open("rb") as opened:
        first = opened.readline(1000)
    if not first.startswith(b"#!"):
        return None
    named = first[2:].split()
    if not named:
        return file
    interpreter = Path(named[0].decode(errors="replace"))
    if not interpreter.is_absolute():
        return None
    return None if interpreter.exists() and not users.denied(uid, interpreter, os.X_OK) else interpreter
