"""Asterisk's manager interface (AMI), over panoramisk's Manager: one short conversation at a time.

panoramisk reconnects for ever and keeps unsent actions. Here a conversation is short, has a time limit, and
ends; for another one a new session is opened.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from panoramisk import Manager

from ..model import ManagerAccount
from ..model.errors import ManagerError
from ..model.text import Text

SECONDS = 10.0  # for all of one conversation's waiting for one answer
WAITING = 10_000  # waiting events; further ones are dropped

# The right under `write =` that each action needs; Asterisk only says "Permission denied".
_RIGHTS = {
    "DBGetTree": "reporting",
    "DBDel": "system",
    "Hangup": "system",
    "Originate": "originate",
    "ShowDialPlan": "reporting",
}

_log = logging.getLogger("informativa.ami")
_log.addHandler(logging.NullHandler())
_log.propagate = False  # its lines contain actions with their values


class ManagerSession:
    """Actions and events of one log-in. Every method raises ManagerError if there is no answer or a
    refusal."""

    def __init__(self, manager: Manager, user: str) -> None:
        self._manager = manager
        self._user = user
        self._events: asyncio.Queue[Any] = asyncio.Queue(WAITING)
        self._listening = False

    async def act(self, name: str, **fields: str | Sequence[str]) -> list[Any]:
        """Send one action and return the messages of its answer: mappings, case-insensitive.

        Of an `Async` action it is only the first answer; the further ones come as events.
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

    def _refused(self, name: str, reason: str) -> ManagerError:
        message = Text("Asterisk's manager interface refused {name}: {message}.", name=name, message=reason)
        right = _RIGHTS.get(name, "") if reason == "Permission denied" else ""
        return ManagerError(message, lacking(self._user, write=right) if right else "", reason)

    async def tree(self, family: str) -> dict[str, str]:
        """Return all entries of one AstDB family, by key."""
        try:
            messages = await self.act("DBGetTree", Family=family)
        except ManagerError as error:
            if "not found" in error.answer:  # Asterisk knows no empty family
                return {}
            raise
        entries = (message for message in messages if message.event == "DBGetTreeResponse")
        return {entry.key.removeprefix(f"/{family}/"): entry.val for entry in entries}

    async def delete(self, family: str, key: str) -> None:
        """Delete one AstDB entry. A missing one is no error."""
        try:
            await self.act("DBDel", Family=family, Key=key)
        except ManagerError as error:
            if "not found" not in error.answer:
                raise

    async def listen(self, *classes: str) -> None:
        """Start the events of these classes, as far as the user's `read =` allows."""
        if not self._listening:
            self._manager.register_event("*", self._take)
            self._listening = True
        await self.act("Events", EventMask=",".join(classes))

    async def event(self, seconds: float) -> Any | None:
        """Return the next event, a mapping; `None` if none comes within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                event = await self._events.get()
        except TimeoutError:
            return None
        if event is None:
            raise ManagerError(Text("Asterisk closed its manager interface."))
        return event

    def lost(self, _error: object) -> None:
        """Note that the connection is lost and that no more events will come."""
        if not self._events.full():
            self._events.put_nowait(None)

    def _take(self, _manager: Manager, event: Any) -> None:
        if not self._events.full():
            self._events.put_nowait(event)


def lacking(user: str, *, read: str = "", write: str = "") -> Text:
    """Return the remedy that gives a user a right in manager.conf."""
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
    """Log in, yield the session, and log off. Raises ManagerError, with a remedy, if it cannot log in."""
    loop = asyncio.get_running_loop()
    manager = Manager(loop=loop, host=account.host, port=account.port, events="off", log=_log)
    address = f"{account.host}:{account.port}"
    session = ManagerSession(manager, account.user)
    manager.connection_lost = session.lost  # no reconnecting
    try:
        async with asyncio.timeout(SECONDS):
            connecting = loop.create_connection(
                manager.config["protocol_factory"], account.host, account.port
            )
            connection: asyncio.Future[Any] = loop.create_task(connecting)
            await asyncio.wait([connection])
            connection.result()
            manager.connection_made(connection)
    except (TimeoutError, OSError) as error:
        raise ManagerError(
            Text("Asterisk's manager interface does not answer at {where}.", where=address),
            Text("Set `enabled = yes`, `bindaddr` and `port` in manager.conf, or correct `manager.address`."),
        ) from error
    try:
        try:
            await session.act("Login", Username=account.user, Secret=account.secret, Events="off")
        except ManagerError as error:
            raise ManagerError(
                Text(
                    "Asterisk's manager interface at {where} does not let {user} in.",
                    where=address,
                    user=account.user,
                ),
                Text("Give manager.conf that user with `write = system,reporting` and the same secret."),
            ) from error
        yield session
    finally:
        manager.close()
