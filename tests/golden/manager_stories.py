"""Actions that Asterisk gets at its manager interface, with their fields, in their order."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from structlog.testing import capture_logs

from doubles import ManagerServer
from golden.agi_calls import Office
from informativa.asterisk import ami, dialplan, test_call
from informativa.config import load
from informativa.model import ManagerAccount
from informativa.operations import test_call_entry
from informativa.operations.doctor.checks import CHECKS, Check
from informativa.operations.doctor.system import System
from informativa.process import storage
from informativa.process.spool_collection import SpoolCollection
from informativa.system import shipped

DONE = "Response: Success\nMessage: Done"
KEY = "170000000{number}.1-1795687200000000"
ROW = (
    "at=1795687200|line={line}|prompt={folder}/prompts/{language}/short|why=service-unavailable|ending=whole"
    "|seconds=1"
)
CHANNEL_IDS = r"(informativa-test-(?:listener-)?)[a-z]{10}"  # drawn for each call that is placed

Story = Callable[[Office, ManagerAccount], Coroutine[Any, Any, object]]


def listed(event: str, *messages: str) -> str:
    """Return an answer that is a list."""
    first, last = "Response: Success\nEventList: start", f"Event: {event}Complete\nEventList: Complete"
    return "\n\n".join((first, *messages, last))


def spool(office: Office) -> str:
    """Return three rows of AstDB: one of each company, and one of no line."""
    rows = [
        ROW.format(line=line, language=language, folder=office.folder)
        for line, language in (("0212345678", "it"), ("+493012345678", "de"), ("+391", "it"))
    ]
    messages = [
        f"Event: DBGetTreeResponse\nKey: /informativa/{KEY.format(number=number)}\nVal: {row}"
        for number, row in enumerate(rows)
    ]
    return listed("DBGetTree", *messages)


def loaded_dialplan(office: Office) -> str:
    """Return informativa's dialplan for this configuration, and a context that calls it."""
    template = (shipped.folder("dialplan") / "informativa.conf").read_text(encoding="utf-8")
    text = dialplan.render(template, load(office.file))
    rows, context, extension, priority = list[str](), "", "", 0
    for line in f"{text}\n[from-trunk]\nexten => _X.,1,Gosub(informativa,s,1(${{EXTEN}}))".splitlines():
        if begins := re.match(r"\[(.*)\]", line):
            context = begins[1]
        elif step := re.match(
            r"exten => ([^,]*),1,(\w+)\((.*)\)$| same => n(?:\(\w+\))?,(\w+)\((.*)\)$", line
        ):
            extension, priority = step[1] or extension, 1 if step[1] else priority + 1
            where = f"Context: {context}\nExtension: {extension}\nPriority: {priority}"
            does = f"Application: {step[2] or step[4]}\nAppData: {step[3] or step[5] or ''}"
            rows.append(f"Event: ListDialplan\n{where}\n{does}")
    return listed("ShowDialPlan", *rows)


def asterisk(office: Office) -> ManagerServer:
    """Return an Asterisk that is in order, with rows in the spool."""
    return ManagerServer(
        {
            "DBGetTree": spool(office),
            "DBDel": DONE,
            "ModuleCheck": "Response: Success\nVersion: 22.5.0",
            "CoreSettings": "Response: Success\nAsteriskVersion: 22.5.0",
            "Ping": "Response: Success\nPing: Pong\nTimestamp: 0.0",
            "ShowDialPlan": loaded_dialplan(office),
            "Events": DONE,
            "Hangup": DONE,
        }
    )


async def spool_collected(office: Office, account: ManagerAccount) -> None:
    """Collect the spool: rows of a company are deleted once they are on record. A second round has none."""
    configuration = load(office.file)
    for controller in configuration.controllers.values():
        storage.store(controller).close()
    collection, lines = SpoolCollection(), configuration.spelled
    for _ in range(2):
        await collection.collect(account, lines)


async def examined(check: Check, office: Office, account: ManagerAccount) -> None:
    """Run one of the doctor's checks that ask Asterisk."""
    configuration = load(office.file)
    async with ami.session(account) as session:
        system = System(office.file, configuration, (), asterisk=session)
        [finding async for finding in check.run(system)]


async def entry_found(_office: Office, account: ManagerAccount) -> None:
    """Find the context in which a test call may come in."""
    async with ami.session(account) as session:
        await test_call_entry.entry(session, "0212345678", "", through=False)


async def call_placed(number: str, _office: Office, account: ManagerAccount) -> None:
    """Place a test call, which gets its status and is hung up."""
    async with ami.session(account) as session:
        channel = "Local/0212345678@from-trunk/n"
        await test_call.place(session, account, channel, number, 2.0, lambda _moment: None)


def actions(office: Office, story: Story) -> str:
    """Return the actions that Asterisk got in a story."""
    server = asterisk(office)

    def originate(fields: Mapping[str, str]) -> str:
        channel = f"Uniqueid: {fields['OtherChannelId']}"
        events = [
            f"Event: Newchannel\n{channel}",
            f"Event: Newexten\n{channel}\nContext: from-trunk\nApplication: Gosub",
            f"Event: VarSet\n{channel}\nVariable: INFORMATIVA_STATUS\nValue: PLAYED",
        ]
        asyncio.get_running_loop().call_soon(server.say, *events)
        return DONE

    server.replies["Originate"] = originate

    async def run() -> None:
        async with server.listening() as account:
            await story(office, account)

    with capture_logs():
        asyncio.run(run())
    texts = ["".join(f"{name}: {value}\n" for name, value in action.items()) for action in server.asked]
    return re.sub(CHANNEL_IDS, r"\1ID", "\n".join(texts).replace(str(office.folder), "/etc/informativa"))


STORIES: Mapping[str, Story] = {
    "spool collected": spool_collected,
    **{
        " ".join(("examined", str(check.name))): partial(examined, check)
        for check in CHECKS
        if check.asks_asterisk
    },
    "entry of a test call": entry_found,
    "test call": partial(call_placed, "+393331234567"),
    "test call of a withheld number": partial(call_placed, ""),
}
