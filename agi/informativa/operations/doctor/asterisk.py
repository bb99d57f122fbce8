"""The checks that ask Asterisk."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

from ...asterisk import dialplan as dialplans
from ...call import spool as spools
from ...model import Line
from ...model.remedy import SafeChange, SafeRemedy
from ...model.text import Text, joined
from ...system import shipped
from ...system.patience import in_thread
from . import dialplan, users
from .account import ACTIONS, COLLECTION, WRITE
from .findings import Finding, ok, unknown, warning, wrong
from .system import System

TRIED = range(16, 23)  # major versions of Asterisk
APART_SECONDS = 2.0  # greatest difference of two clocks


async def manager(system: System) -> AsyncIterator[Finding]:
    """Check that Asterisk's manager interface lets us in."""
    if system.login:
        yield system.login


async def rights(system: System) -> AsyncIterator[Finding]:
    """Check that the account may do all actions that we need."""
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
    """Check that informativa was tried with this version of Asterisk."""
    (settings,) = await system.manager.act("CoreSettings")
    full_version = settings.asteriskversion
    major = re.search(r"\d+", full_version)
    if major and int(major[0]) in TRIED:
        yield ok(Text("Asterisk {version}", version=full_version))
        return
    text = Text("Asterisk {version} was never tried with informativa; {first} to {last} were")
    fix = Text("Ring a line twice and look at `informativa ledger show`, or use one of those.")
    yield warning(text.format(version=full_version, first=TRIED[0], last=TRIED[-1]), fix)


async def modules(system: System) -> AsyncIterator[Finding]:
    """Check that the modules that our dialplan uses are loaded."""
    missing = [module for module in dialplan.MODULES if not await system.loaded(module)]
    for module in missing:
        text = Text("Asterisk has not loaded {module}, and our dialplan needs its {names}")
        names = ", ".join(dialplan.MODULES[module])
        yield wrong(text.format(module=module, names=names), _load(module, system))
    if not missing:
        yield ok(Text("all modules that our dialplan needs are loaded"))


async def formats(system: System) -> AsyncIterator[Finding]:
    """Check that each prompt exists in a format that Asterisk can read."""
    files = {path: await in_thread(_formats, path) for path in system.prompts()}
    used = {module for by_extension in files.values() for module in by_extension.values()}
    missing = {module for module in used if not await system.loaded(module)}
    for module in sorted(missing):
        mute = [
            path for path, by_extension in files.items() if {module} <= set(by_extension.values()) <= missing
        ]
        extensions = sorted(
            {
                extension
                for by_extension in files.values()
                for extension, reader in by_extension.items()
                if reader == module
            }
        )
        text = Text("Asterisk has not loaded {module}, which reads prompts in {formats}")
        text = text.format(module=module, formats=", ".join(extensions))
        if mute:
            consequence = Text("; it can play {prompt} in no format", prompt=mute[0])
            yield wrong(joined("", text, consequence), _load(module, system))
        else:
            yield warning(text, _load(module, system))
    if not missing:
        yield ok(Text("the prompts are in formats that Asterisk reads"))


async def sounds(system: System) -> AsyncIterator[Finding]:
    """Check that Asterisk's user can read every prompt."""
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
        fix = users.opening(uid, file) or SafeRemedy(SafeChange.RIGHTS, ("chmod", "a+r", file), owner=file)
        yield wrong(text.format(user=users.name(uid), file=file), fix)
    if not denied:
        text = Text.counted(
            "Asterisk ({user}) can read the only prompt",
            "Asterisk ({user}) can read all {number} prompts",
            len(prompts),
        )
        yield ok(text.format(user=users.name(uid), number=len(prompts)))


async def context(system: System) -> AsyncIterator[Finding]:
    """Check that our context is loaded, and is the one of this configuration."""
    configuration = system.configured
    steps = [step for step in await system.steps() if step.context in (dialplan.CONTEXT, dialplan.LINES)]
    fix = system.install_dialplan()
    if not any(step.context == dialplan.CONTEXT for step in steps):
        yield wrong(Text("Asterisk has no context [{context}] loaded", context=dialplan.CONTEXT), fix)
        return
    template = (shipped.folder("dialplan") / "informativa.conf").read_text(encoding="utf-8")
    rendered = dialplans.render(template, configuration)
    addresses, lines, others_differ = dialplan.differences(steps, dialplan.parsed(rendered))
    for address in addresses:
        text = Text("the loaded dialplan looks for the service at {address}, and it is to listen at {ours}")
        yield wrong(text.format(address=address, ours=configuration.listen), fix)
    other_tokens = dialplan.tokens(steps) - {*configuration.tokens[:1]} if configuration.tokens else set()
    if other_tokens:
        accepted = other_tokens <= {*configuration.tokens}
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
    elif others_differ and not other_tokens:
        yield warning(
            Text(
                "the loaded dialplan is not as this version of informativa writes it for this configuration"
            ),
            fix,
        )
    if not (addresses or lines or others_differ or other_tokens):
        yield ok(Text("the loaded dialplan is the one of this configuration"))


async def lines(system: System) -> AsyncIterator[Finding]:
    """Check that the dialplan calls informativa for each line, and for each that is called to withdraw a
    consent (GDPR 7(3))."""
    steps = await system.steps()
    calling = dialplan.calling_steps(steps)
    if not calling:
        yield wrong(Text("nothing in the dialplan calls informativa"), _calling("s"))
        return
    withdrawing = [line for line in system.configured.lines if _is_to_withdraw(line)]
    not_withdrawing = dialplan.unreached(withdrawing, dialplan.calling_steps(steps, "consent"))
    unreached = [
        line
        for line in dialplan.unreached(system.configured.lines, calling)
        if line in not_withdrawing or line not in withdrawing  # a line may be for withdrawals alone
    ]
    for line in unreached:
        text = Text("no context seems to call informativa for line {line}", line=line.number)
        yield warning(text, _calling("s"))
    for line in not_withdrawing:
        text = Text("no context seems to call informativa,consent for line {line}, by which callers withdraw")
        yield warning(text.format(line=line.number), _calling("consent"))
    if not unreached:
        contexts = sorted({step.context for step, _argument in calling})
        text = Text("informativa is called from {contexts}, for every line")
        yield ok(text.format(contexts=", ".join(contexts)))


def _calling(entry: str) -> Text:
    step = f"GosubIf($[${{DIALPLAN_EXISTS(informativa,{entry},1)}}]?informativa,{entry},1(${{EXTEN}}))"
    return Text("Where its calls come in, before a queue or a Dial: same => n,{step}", step=step)


def _is_to_withdraw(line: Line) -> bool:
    return any(choice.withdraw_at == line.number for choice in line.revocable)


async def script(system: System) -> AsyncIterator[Finding]:
    """Check that Asterisk can start the script that takes over when the service does not answer."""
    if system.asterisk_uid is None:
        yield unknown(
            Text("whether Asterisk can start the script: whose process it is cannot be seen from here")
        )
        return
    uid = system.asterisk_uid
    names = dialplan.scripts(await system.steps())
    if not names:
        yield unknown(Text("which script Asterisk starts: the dialplan names none"))
    for name in names:
        file = Path(name)
        if not file.is_absolute():
            text = Text("which script Asterisk starts: {name} is in its own folder", name=name)
            yield unknown(text)
        elif fault := await in_thread(_not_executable, uid, file):
            yield wrong(fault, system.install_dialplan())
        else:
            yield ok(Text("Asterisk ({user}) can start {file}", user=users.name(uid), file=file))


async def clock(system: System) -> AsyncIterator[Finding]:
    """Check that Asterisk's clock agrees with this machine's."""
    sent = time.time()
    (pong,) = await system.manager.act("Ping")
    asterisk_time = float(pong.timestamp)
    apart = max(sent - asterisk_time, asterisk_time - time.time(), 0.0)
    if apart <= APART_SECONDS:
        yield ok(Text("Asterisk's clock and this machine's agree"))
        return
    text = Text("Asterisk's clock and this machine's are {seconds} s apart", seconds=f"{apart:.0f}")
    yield wrong(text, Text("On both: timedatectl set-ntp true"))


async def spool(system: System) -> AsyncIterator[Finding]:
    """Check that all deliveries that the dialplan made by itself are in the ledgers."""
    rows = await system.spool() or {}
    reasons = Counter(_reason(key, text, system) for key, text in rows.items())
    if not rows:
        yield ok(Text("the fallback spool is empty"))
    for reason, number in sorted(reasons.items()):
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
    """Return the reason why a row was written, or why it cannot be collected."""
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
    """Return the extensions of a prompt's existing files, each with the module that reads it."""
    return {
        extension: module
        for extension, module in dialplan.FORMATS.items()
        if Path(f"{path}.{extension}").exists()
    }


def _not_executable(uid: int, file: Path) -> Text | None:
    """Return why a user cannot start a script; `None` if he can."""
    if not file.exists():
        return Text("the dialplan starts {file}, which is not there", file=file)
    unusable = _unusable(uid, file)
    if unusable is None:
        return None
    text = Text("Asterisk ({user}) cannot execute {file}, which the dialplan starts")
    return text.format(user=users.name(uid), file=unusable)


def _unusable(uid: int, file: Path) -> Path | None:
    """Return the file that a user cannot execute: the script, or the absolute interpreter in its first line;
    `None` if he can execute both."""
    if not file.is_file() or users.denied(uid, file, os.X_OK):
        return file
    with file.open("rb") as stream:
        first_line = stream.readline(1000)
    if not first_line.startswith(b"#!"):
        return None
    words = first_line[2:].split()
    if not words:
        return file
    interpreter = Path(words[0].decode(errors="replace"))
    if not interpreter.is_absolute():
        return None
    return None if interpreter.exists() and not users.denied(uid, interpreter, os.X_OK) else interpreter
