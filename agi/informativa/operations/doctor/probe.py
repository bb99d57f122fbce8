"""Asking the service, over the port at which Asterisk asks it, what it says of itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from ... import __version__, agi
from ...config import Configuration
from ...text import Text
from .findings import Finding, warning, wrong

_WHY = {
    "defect": Text("a defect of informativa ({kind})"),
    "box-refused": Text("the database refuses this box"),
    "shared-database": Text("it cannot use the database"),
    "ledger": Text("it cannot use the ledger"),
}
_WHY_NOT = {
    "ledger": Text("its ledger cannot be used"),
    "ledger-slow": Text("its ledger does not answer"),
}
_REPORT = Text(
    "Calls go on, and it tries again by itself. Report it with what the log says: journalctl -u informativa"
)
SECONDS = 3.0  # for an answer; it takes about a thousandth of one


async def status(host: str, port: int, tokens: Sequence[str]) -> dict[str, str] | None:
    """What a service of ours says of itself to whoever knows its token; `None` if it is none of ours. Of one
    that has not loaded the first of these yet `token` is `old`. Raises OSError.
    """
    for index, token in enumerate(tokens or [""]):
        if (answer := await _status(host, port, token)) is not None:
            return answer | {"token": "old"} if index else answer
    return None


async def _status(host: str, port: int, token: str) -> dict[str, str] | None:
    return await _asked_by(agi.SERVICE, host, port, token)


async def trial(host: str, port: int, tokens: Sequence[str]) -> dict[str, str] | None:
    """Of which companies a service of ours can decide no call now, by a dry run in each ledger, as ID: CODE;
    `None` if it does not say so. Raises OSError."""
    for token in tokens or [""]:
        if (answer := await _asked_by(agi.TRIAL, host, port, token)) is not None and "tried" in answer:
            pairs = (word.partition(":") for word in answer.get("failing", "").split(",") if word)
            return {name: code for name, _colon, code in pairs}
    return None


async def _asked_by(script: str, host: str, port: int, token: str) -> dict[str, str] | None:
    script = f"{script}/{token}".rstrip("/")
    question = (
        f"agi_network: yes\nagi_network_script: {script}\nagi_request: agi://doctor\nagi_threadid: 1\n\n"
    )
    answer = await asked(host, port, question.encode(), agi.MAX_COMMAND)
    command, _space, rest = (
        answer.decode(errors="replace").rstrip("\n").partition(f'"{agi.SERVICE_VARIABLE}" ')
    )
    if command != "SET VARIABLE ":
        return None
    pairs = (word.partition("=") for word in rest.strip('"').split())
    return {name: value for name, _equals, value in pairs}


def otherwise(answer: Mapping[str, str], configuration: Configuration, run: Text | str) -> Finding | None:
    """In what the service that says this of itself is not the one that is installed and configured, and what
    mends it, if it is not."""
    reload = "systemctl reload informativa"
    if answer.get("version") != __version__:
        text = Text("the service is informativa {running}, and {installed} is installed")
        return warning(text.format(running=answer.get("version"), installed=__version__), run)
    if answer.get("file") != configuration.path_digest:
        text = Text("the service works from another file than {file}")
        fix = Text(
            "See which (systemctl cat informativa) and name that one with -c, or have it run with this one."
        )
        return warning(text.format(file=configuration.file), fix)
    if answer.get("token") == "old":
        text = Text("the service has not loaded the new token, so calls that come with it are refused")
        return wrong(text, reload)
    if answer.get("configuration") != configuration.digest:
        text = Text("the service works from another configuration than {file} is now")
        return warning(text.format(file=configuration.file), reload)
    return None


def not_shared(answer: Mapping[str, str]) -> list[Finding]:
    """Of which companies the service that says this shares nothing with other boxes now, and why."""
    text = Text("the service shares nothing of {id} with other boxes now: {why}")
    fix = Text("Calls go on, and it tries again by itself. Its log says more: journalctl -u informativa")
    found = []
    for each in filter(None, answer.get("unshared", "").split(",")):
        controller, _, word = each.partition(":")
        code, _, kind = word.partition(":")
        why = _WHY.get(code, _WHY["ledger"]).format(kind=kind)
        found.append(wrong(text.format(id=controller, why=why), _REPORT if code == "defect" else fix))
    return found


def cannot_decide(failing: Mapping[str, str]) -> list[Finding]:
    """That no call of these companies can be decided and recorded now, as `trial` has them."""
    text = Text("the service can decide no call of {id} now ({why}): its callers get the fallback")
    fix = Text("Its log says why: journalctl -u informativa. Then: informativa check")
    return [
        wrong(text.format(id=name, why=_WHY_NOT.get(code, _WHY_NOT["ledger"])), fix)
        for name, code in failing.items()
    ]


def fell_back(answer: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    """By company, how many of the last hour's calls the service that says this could not decide or record,
    and how many there were; of those companies alone that had such calls."""
    words = (word.split(":") for word in answer.get("fell-back", "").split(",") if word)
    return {name: (int(fell), int(calls)) for name, fell, calls in words}


def as_before(answer: Mapping[str, str]) -> frozenset[str]:
    """The companies that the service that says this serves as before, for mistakes in their part."""
    return frozenset(filter(None, answer.get("as-before", "").split(",")))


async def metrics(host: str, port: int) -> bool:
    """Whether informativa's metrics are answered there. Raises OSError."""
    answer = await asked(host, port, b"GET /metrics HTTP/1.0\r\n\r\n", 1 << 20)
    return b"informativa_calls" in answer


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
