"""Asterisk's manager interface (AMI), over panoramisk's Manager: one short conversation at a time.

panoramisk reconnects for ever and keeps what could not be sent. Here a conversation is short, has a time
limit, and ends; whoever needs another one begins it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from panoramisk import Manager

from .errors import ManagerError
from .i18n import _
from .model import ManagerAccount

SECONDS = 10.0  # for all of one conversation's waiting for one answer

_log = logging.getLogger("informativa.ami")
_log.addHandler(logging.NullHandler())
_log.propagate = False  # its lines name actions, values included


class Conversation:
    """What may be asked. Every method raises ManagerError when there is no answer or a refusal."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager

    async def act(self, name: str, **fields: str) -> list[Any]:
        """The messages that one action is answered with: mappings, case-insensitive."""
        try:
            async with asyncio.timeout(SECONDS):
                answer = await self._manager.send_action({"Action": name, **fields})
        except TimeoutError:
            raise ManagerError(
                _("Asterisk's manager interface did not answer {name}.").format(name=name)
            ) from None
        messages = answer if isinstance(answer, list) else [answer]
        if not messages[0].success:
            raise ManagerError(
                _("Asterisk's manager interface refused {name}: {message}.").format(
                    name=name, message=messages[0].message
                )
            )
        return messages

    async def tree(self, family: str) -> dict[str, str]:
        """All entries of one AstDB family, by key."""
        try:
            messages = await self.act("DBGetTree", Family=family)
        except ManagerError as error:
            if "not found" in str(error):  # an empty family is none
                return {}
            raise
        entries = (message for message in messages if message.event == "DBGetTreeResponse")
        return {entry.key.removeprefix(f"/{family}/"): entry.val for entry in entries}

    async def delete(self, family: str, key: str) -> None:
        """Delete one AstDB entry; one that is not there any more is deleted."""
        try:
            await self.act("DBDel", Family=family, Key=key)
        except ManagerError as error:
            if "not found" not in str(error):
                raise


@asynccontextmanager
async def conversation(account: ManagerAccount) -> AsyncIterator[Conversation]:
    """Log in, talk, log off. Raises ManagerError, which says what to do, if it cannot log in."""
    loop = asyncio.get_running_loop()
    manager = Manager(loop=loop, host=account.host, port=account.port, events="off", log=_log)
    where = f"{account.host}:{account.port}"
    manager.connection_lost = lambda _error: None  # no reconnecting
    try:
        async with asyncio.timeout(SECONDS):
            made = loop.create_connection(manager.config["protocol_factory"], account.host, account.port)
            connected: asyncio.Future[Any] = loop.create_task(made)
            await asyncio.wait([connected])
            connected.result()
            manager.connection_made(connected)
    except (TimeoutError, OSError) as error:
        raise ManagerError(
            _("Asterisk's manager interface does not answer at {where}.").format(where=where),
            _("Set `enabled = yes`, `bindaddr` and `port` in manager.conf, or correct `manager.address`."),
        ) from error
    try:
        talk = Conversation(manager)
        try:
            await talk.act("Login", Username=account.user, Secret=account.secret, Events="off")
        except ManagerError as error:
            raise ManagerError(
                _("Asterisk's manager interface at {where} does not let {user} in.").format(
                    where=where, user=account.user
                ),
                _("Give manager.conf that user with `write = system,reporting` and the same secret."),
            ) from error
        yield talk
    finally:
        manager.close()
