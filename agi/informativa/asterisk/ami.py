"""Asterisk's manager interface (AMI), over panoramisk's Manager: one short conversation at a time.

panoramisk reconnects for ever and keeps what could not be sent. Here a conversation is short, has a time
limit, and ends; whoever needs another one begins it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from panoramisk import Manager

from ..errors import ManagerError
from ..model import ManagerAccount
from ..text import Text

SECONDS = 10.0  # for all of one conversation's waiting for one answer
WAITING = 10_000  # events that nobody has taken yet; what comes after them is dropped

# Which right under `write =` lets a user do what; Asterisk only says "Permission denied".
_RIGHTS = {
    "DBGetTree": "reporting",
    "DBDel": "system",
    "Hangup": "system",
    "Originate": "originate",
    "ShowDialPlan": "reporting",
}

_log = logging.getLogger("informativa.ami")
_log.addHandler(logging.NullHandler())
_log.propagate = False  # its lines name actions, values included


class ManagerSession:
    """What may be asked. Every method raises ManagerError when there is no answer or a refusal."""

    def __init__(self, manager: Manager, user: str) -> None:
        self._manager = manager
        self._user = user
        self._events: asyncio.Queue[Any] = asyncio.Queue(WAITING)
        self._listening = False

    async def act(self, name: str, **fields: str | Sequence[str]) -> list[Any]:
        """The messages that one action is answered with: mappings, case-insensitive.

        Of an `Async` action it is the first answer alone; what follows comes as events.
        """
        as_list = False if "Async" in fields else None
        try:
            async with asyncio.timeout(SECONDS):
                answer = await self._manager.send_action({"Action": name, **fields}, as_list=as_list)
        except TimeoutError:
            raise ManagerError(
                Text("Asterisk's manager interface did not answer {name}.", name=name)
            ) from None
        messages = answer if isinstance(answer, list) else [answer]
        if not messages[0].success:
            raise self._refused(name, messages[0].message)
        return messages

    def _refused(self, name: str, why: str) -> ManagerError:
        message = Text("Asterisk's manager interface refused {name}: {message}.", name=name, message=why)
        right = _RIGHTS.get(name, "") if why == "Permission denied" else ""
        return ManagerError(message, lacking(self._user, write=right) if right else "", why)

    async def tree(self, family: str) -> dict[str, str]:
        """All entries of one AstDB family, by key."""
        try:
            messages = await self.act("DBGetTree", Family=family)
        except ManagerError as error:
            if "not found" in error.answer:  # an empty family is none
                return {}
            raise
        entries = (message for message in messages if message.event == "DBGetTreeResponse")
        return {entry.key.removeprefix(f"/{family}/"): entry.val for entry in entries}

    async def delete(self, family: str, key: str) -> None:
        """Delete one AstDB entry; one that is not there any more is deleted."""
        try:
            await self.act("DBDel", Family=family, Key=key)
        except ManagerError as error:
            if "not found" not in error.answer:
                raise

    async def listen(self, *classes: str) -> None:
        """Have the events of these classes come from now on, as far as the user's `read =` allows."""
        if not self._listening:
            self._manager.register_event("*", self._take)
            self._listening = True
        await self.act("Events", EventMask=",".join(classes))

    async def event(self, seconds: float) -> Any | None:
        """The next event, a mapping; `None` if none comes within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                event = await self._events.get()
        except TimeoutError:
            return None
        if event is None:
            raise ManagerError(Text("Asterisk closed its manager interface."))
        return event

    def lost(self, _error: object) -> None:
        """The connection is gone: nothing more will come."""
        if not self._events.full():
            self._events.put_nowait(None)

    def _take(self, _manager: Manager, event: Any) -> None:
        if not self._events.full():
            self._events.put_nowait(event)


def lacking(user: str, *, read: str = "", write: str = "") -> Text:
    """What to write into manager.conf so that a user gets a right."""
    name, right = ("read", read) if read else ("write", write)
    return Text(
        "In manager.conf, section [{user}], add {right} to the line that begins with `{name} =`, then type:"
        " asterisk -rx 'manager reload'",
        user=user,
        right=right,
        name=name,
    )


@asynccontextmanager
async def session(account: ManagerAccount) -> AsyncIterator[ManagerSession]:
    """Log in, session, log off. Raises ManagerError, which says what to do, if it cannot log in."""
    loop = asyncio.get_running_loop()
    manager = Manager(loop=loop, host=account.host, port=account.port, events="off", log=_log)
    where = f"{account.host}:{account.port}"
    session = ManagerSession(manager, account.user)
    manager.connection_lost = session.lost  # no reconnecting
    try:
        async with asyncio.timeout(SECONDS):
            made = loop.create_connection(manager.config["protocol_factory"], account.host, account.port)
            connected: asyncio.Future[Any] = loop.create_task(made)
            await asyncio.wait([connected])
            connected.result()
            manager.connection_made(connected)
    except (TimeoutError, OSError) as error:
        raise ManagerError(
            Text("Asterisk's manager interface does not answer at {where}.", where=where),
            Text("Set `enabled = yes`, `bindaddr` and `port` in manager.conf, or correct `manager.address`."),
        ) from error
    try:
        try:
            await session.act("Login", Username=account.user, Secret=account.secret, Events="off")
        except ManagerError as error:
            raise ManagerError(
                Text(
                    "Asterisk's manager interface at {where} does not let {user} in.",
                    where=where,
                    user=account.user,
                ),
                Text("Give manager.conf that user with `write = system,reporting` and the same secret."),
            ) from error
        yield session
    finally:
        manager.close()
