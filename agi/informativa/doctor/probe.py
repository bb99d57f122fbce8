"""Asking the service, over the port at which Asterisk asks it, what it says of itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from .. import __version__, agi
from ..config import Configuration
from ..i18n import _
from ..sessions.fastagi import STATUS, STATUS_VARIABLE

SECONDS = 3.0  # for an answer; it takes about a thousandth of one
_ENVIRONMENT = (
    f"agi_network: yes\nagi_network_script: {STATUS}\nagi_request: agi://doctor/{STATUS}\nagi_threadid: 1\n\n"
)


async def status(host: str, port: int) -> dict[str, str] | None:
    """What a service of ours says of itself; `None` if it is none of ours. Raises OSError."""
    answer = await asked(host, port, _ENVIRONMENT.encode(), agi.MAX_COMMAND)
    command, _space, rest = answer.decode(errors="replace").rstrip("\n").partition(f'"{STATUS_VARIABLE}" ')
    if command != "SET VARIABLE ":
        return None
    pairs = (word.partition("=") for word in rest.strip('"').split())
    return {name: value for name, _equals, value in pairs}


def otherwise(told: Mapping[str, str], configuration: Configuration, run: str) -> tuple[str, str]:
    """In what the service that says this of itself is not the one that is installed and configured, and what
    mends it; '' if it is."""
    if told.get("version") != __version__:
        text = _("the service is informativa {running}, and {installed} is installed")
        return text.format(running=told.get("version"), installed=__version__), run
    if told.get("file") != configuration.place:
        text = _("the service works from another file than {file}")
        fix = _(
            "See which (systemctl cat informativa) and name that one with -c, or have it run with this one."
        )
        return text.format(file=configuration.file), fix
    if told.get("configuration") != configuration.digest:
        text = _("the service works from another configuration than {file} is now")
        return text.format(file=configuration.file), "systemctl reload informativa"
    return "", ""


async def asked(host: str, port: int, question: bytes, size: int) -> bytes:
    """What is answered until the other side closes, as far as it comes in time. Raises OSError when nobody
    is there."""
    reader, writer = await asyncio.open_connection(host, port)
    answer = b""
    try:
        writer.write(question)
        async with asyncio.timeout(SECONDS):
            while len(answer) < size and (more := await reader.read(size)):
                answer += more
    except OSError:  # a TimeoutError is one
        pass
    finally:
        writer.transport.abort()
    return answer
