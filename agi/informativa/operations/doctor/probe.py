"""Questions to the service, over the port at which Asterisk asks it, on its own state."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from ... import __version__
from ...call import agi
from ...config import Configuration
from ...model.text import Text
from .findings import Finding, warning, wrong

_NOT_DECIDED = {
    "ledger": Text("its ledger cannot be used"),
    "ledger-slow": Text("its ledger does not answer"),
}
SECONDS = 3.0  # for an answer, which takes about a millisecond


async def status(host: str, port: int, tokens: Sequence[str]) -> dict[str, str] | None:
    """Return the status that our service gives to a client with its token; `None` if it is not our service.

    `token` is `old` in it if the service has not loaded the first of `tokens` yet. Raises OSError if nothing
    answers.
    """
    for index, token in enumerate(tokens or [""]):
        if (answer := await _status(host, port, token)) is not None:
            return answer | {"token": "old"} if index else answer
    return None


async def _status(host: str, port: int, token: str) -> dict[str, str] | None:
    return await _ask_script(agi.SERVICE, host, port, token)


async def trial(host: str, port: int, tokens: Sequence[str]) -> dict[str, str] | None:
    """Let our service try a decision in each ledger; return a code by company for each that fails, `None` if
    the service did not try. Raises OSError if nothing answers."""
    for token in tokens or [""]:
        if (answer := await _ask_script(agi.TRIAL, host, port, token)) is not None and "tried" in answer:
            pairs = (word.partition(":") for word in answer.get("failing", "").split(",") if word)
            return {name: code for name, _colon, code in pairs}
    return None


async def _ask_script(script: str, host: str, port: int, token: str) -> dict[str, str] | None:
    """Return the pairs NAME=VALUE with which the service answers `script`; `None` if it answers otherwise."""
    script = f"{script}/{token}".rstrip("/")
    question = (
        f"agi_network: yes\nagi_network_script: {script}\nagi_request: agi://doctor\nagi_threadid: 1\n\n"
    )
    answer = await ask(host, port, question.encode(), agi.MAX_COMMAND)
    command, _variable, value = (
        answer.decode(errors="replace").rstrip("\n").partition(f'"{agi.SERVICE_VARIABLE}" ')
    )
    if command != "SET VARIABLE ":
        return None
    pairs = (word.partition("=") for word in value.strip('"').split())
    return {name: text for name, _equals, text in pairs}


def otherwise(
    answer: Mapping[str, str],
    configuration: Configuration,
    run: Text | str,
    reload: Text | str = "systemctl reload informativa",
) -> Finding | None:
    """Return the first difference between the service that gave this status and the installed program and
    configuration, with its remedy; `None` if there is none. `run` is the remedy that starts the service,
    `reload` the one by which it loads its configuration."""
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


def cannot_decide(failing: Mapping[str, str]) -> list[Finding]:
    """Return a finding for each company whose calls cannot be decided now; `failing` is the result of
    `trial`."""
    text = Text("the service can decide no call of {id} now ({why}): its callers get the fallback")
    fix = Text("Its log says why: journalctl -u informativa. Then: informativa check")
    return [
        wrong(text.format(id=name, why=_NOT_DECIDED.get(code, _NOT_DECIDED["ledger"])), fix)
        for name, code in failing.items()
    ]


def fell_back(answer: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    """Return, by company, two numbers of calls in the last hour: those that the service that gave this status
    could not decide or record, and all. Companies without such failures are left out."""
    words = (word.split(":") for word in answer.get("fell-back", "").split(",") if word)
    return {name: (int(fell), int(calls)) for name, fell, calls in words}


def as_before(answer: Mapping[str, str]) -> frozenset[str]:
    """Return the companies that the service that gave this status serves with their previous configuration,
    because their part of the new one has mistakes."""
    return frozenset(filter(None, answer.get("as-before", "").split(",")))


async def metrics(host: str, port: int) -> bool:
    """Return whether informativa's metrics are answered there. Raises OSError if nothing answers."""
    answer = await ask(host, port, b"GET /metrics HTTP/1.0\r\n\r\n", 1 << 20)
    return b"informativa_calls" in answer


async def ask(host: str, port: int, question: bytes, size: int) -> bytes:
    """Send a question; return the bytes that come until the peer closes, `size` is reached or the time is
    over. Raises OSError if the connection cannot be made."""
    reader, writer = await asyncio.open_connection(host, port)
    answer = b""
    try:
        writer.write(question)
        async with asyncio.timeout(SECONDS):
            while len(answer) < size and (data := await reader.read(size)):
                answer += data
    except OSError:  # a TimeoutError is one
        pass
    finally:
        writer.transport.abort()
    return answer
