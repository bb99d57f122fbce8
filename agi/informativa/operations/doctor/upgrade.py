"""Checks of what would happen if this version of informativa took over."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

from ... import __version__
from ...asterisk.dialplan import started
from ...ledgers.reversing import NOTES_SINCE
from ...model import Controller
from ...model.errors import InformativaError
from ...model.text import Text, clause, command
from .. import dialplan_install, systemd_unit
from . import ledger_facts
from .findings import Finding, ok, unknown, warning, wrong
from .system import System

PYTHONS = ((3, 11), (3, 14))  # the oldest and the newest that the tests run on


def python(_system: System) -> Iterator[Finding]:
    """Check that informativa is tested on this Python."""
    facts = {"version": ".".join(map(str, sys.version_info[:3])), "newest": ".".join(map(str, PYTHONS[1]))}
    if sys.version_info[:2] > PYTHONS[1]:
        text = Text("Python {version} is newer than {newest}, the newest that informativa was tried on")
        yield warning(
            text.format(**facts), Text("Look for a newer informativa, or install Python {newest}.", **facts)
        )
    else:
        yield ok(Text("Python {version}", **facts))


def ledgers(system: System) -> Iterator[Finding]:
    """Check that each ledger can be migrated: it is not of a newer version, and there is room for its
    copy."""
    controllers = [
        controller for controller in system.configured.in_shape() if Path(controller.ledger).exists()
    ]
    for controller in controllers:
        yield _outlook(controller, system)
    if not controllers:
        yield ok(Text("there is no ledger yet"))


def _outlook(controller: Controller, system: System) -> Finding:
    try:
        estimate = system.fact(controller, ledger_facts.MIGRATION)
    except InformativaError as error:
        return wrong(clause(error.message), error.remedy)
    facts = {
        "file": controller.ledger,
        "found": estimate.schema,
        "newest": estimate.newest,
        "needed": -(-estimate.needed // 10**6),
        "free": estimate.free // 10**6,
    }
    if estimate.schema > estimate.newest:
        text = Text("{file} is of schema {found}, and this informativa knows {newest}")
        return wrong(text.format(**facts), Text("Upgrade to the informativa that wrote it, or a newer one."))
    if estimate.schema == estimate.newest:
        return ok(Text("{file} is of schema {found}, the newest", **facts))
    if estimate.free < estimate.needed:
        text = Text("{file} cannot be migrated: its copy needs {needed} MB, and {free} MB are free")
        return wrong(
            text.format(**facts), Text("Make room: df -h {folder}", folder=Path(controller.ledger).parent)
        )
    text = Text.counted(
        "{file} would be migrated from schema {found} to {newest}, beside the calls: {records} record, about"
        " {seconds:.0f} s, and a copy for 30 days ({needed} MB needed meanwhile, {free} MB free)",
        "{file} would be migrated from schema {found} to {newest}, beside the calls: {records} records, about"
        " {seconds:.0f} s, and a copy for 30 days ({needed} MB needed meanwhile, {free} MB free)",
        estimate.records,
    )
    if estimate.schema < NOTES_SINCE:
        way_back = Text(
            "No earlier informativa can read its log then, so `rollback` is refused: stop the service first,"
            " and copy the configuration's folder whole, with ledgers, logs and keys."
        )
    else:
        way_back = Text("The way back, with all records: informativa rollback FILE")
    return warning(
        text.format(**facts, records=estimate.records, seconds=max(1.0, estimate.seconds)), way_back
    )


def dialplan(system: System) -> Iterator[Finding]:
    """Check that the dialplan is as `dialplan install` would write it, and starts this program's script."""
    folder = system.asterisk_files.folder
    fix = command("informativa", "dialplan", "install", "-c", system.file, "--to", folder)
    try:
        up_to_date = dialplan_install.is_up_to_date(system.configured, folder)
    except InformativaError as error:
        yield unknown(clause(error.message), Text("Name Asterisk's folder: --asterisk DIR"))
        return
    facts = {"file": folder / dialplan_install.FILE}
    if up_to_date is None:
        yield warning(Text("there is no {file} yet", **facts), fix)
        return
    if up_to_date:
        yield ok(Text("{file} is as it would be written", **facts))
    else:
        yield warning(
            Text("{file} is not as it would be written: it is of another version or configuration", **facts),
            fix,
        )
    link, script = started(system.file), Path(sys.executable).with_name("informativa-agi")
    with suppress(OSError):  # `doctor` reports a link that is missing
        if (target := link.readlink()) != script:
            text = Text("{link}, by which Asterisk starts the script, leads to {leads}, not to {script}")
            yield warning(text.format(link=link, leads=target, script=script), fix)


def units(system: System) -> Iterator[Finding]:
    """Check that the units that were written are as they would be written now."""
    any_unit = False
    for unit, option in systemd_unit.UNITS.items():
        file = system.units / systemd_unit.file_name(unit)
        if not file.exists():
            continue
        any_unit = True
        if file.read_text(encoding="utf-8", errors="replace") == systemd_unit.render(system.configured, unit):
            yield ok(Text("{file} is as it would be written", file=file))
            continue
        render = command("informativa", "systemd", *option.split(), "-c", system.file, "-o", file)
        fix = f"{render}; systemctl daemon-reload"
        yield warning(
            Text(
                "{file} is not as it would be written: it is of another version or configuration", file=file
            ),
            fix,
        )
    if not any_unit:
        yield ok(Text("there is no unit of ours in {folder}", folder=system.units))


async def service(system: System) -> AsyncIterator[Finding]:
    """Check which version takes calls now."""
    configuration = system.configured
    answer = await system.answer()
    if answer is None:
        yield ok(
            Text("no service answers at {address}: nothing is to be restarted", address=configuration.listen)
        )
        return
    facts = {"address": configuration.listen, "version": answer.get("version", "?"), "this": __version__}
    if facts["version"] == __version__:
        yield ok(Text("the service at {address} is of version {version} already", **facts))
    else:
        text = Text(
            "the service at {address} is of version {version} until it is restarted by this one, {this}"
        )
        yield warning(text.format(**facts), "systemctl restart informativa")
