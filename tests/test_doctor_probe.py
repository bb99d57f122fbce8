"""Questions to the service over its port, and what is made of its answer."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from commands import typed
from informativa import __version__
from informativa.config import Configuration, load
from informativa.operations.doctor import probe
from informativa.operations.doctor.findings import warning, wrong
from informativa.process import storage
from informativa.process.last_hour import HourOfCalls, LastHour
from lab.office import Office

RUN = "start it"


@pytest.fixture
def configuration(folder: Path) -> Configuration:
    """One whose file a service may have loaded."""
    return load(folder / "informativa.yaml")


@dataclass
class Listener:
    """A program that listens where the service should: what it says, by the script that is asked for, and
    closes."""

    replies: Mapping[str, bytes]
    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One conversation."""
        question = (await reader.readuntil(b"\n\n")).decode()
        self.asked.append(question)
        fields = dict(line.split(": ", 1) for line in question.splitlines() if line)
        writer.write(self.replies.get(fields["agi_network_script"], b""))
        writer.close()


def status(listener: Listener, *tokens: str) -> dict[str, str] | None:
    """Return what it says of itself to whoever knows these tokens."""

    async def story() -> dict[str, str] | None:
        async with await asyncio.start_server(listener.serve, "127.0.0.1", 0) as server:
            return await probe.status("127.0.0.1", server.sockets[0].getsockname()[1], tokens)

    return asyncio.run(story())


SAID = b'SET VARIABLE "INFORMATIVA_SERVICE" "version=1.0 file=abc configuration=def"\n'
READ = {"version": "1.0", "file": "abc", "configuration": "def"}


def test_service_that_believes_everybody() -> None:
    """Without tokens the service is asked once, by the name of its status alone, as Asterisk asks."""
    listener = Listener({"status": SAID})
    assert status(listener) == READ
    assert listener.asked == [
        "agi_network: yes\nagi_network_script: status\nagi_request: agi://doctor\nagi_threadid: 1\n\n"
    ]


def test_service_that_knows_the_new_token() -> None:
    """A service that knows the first token is asked no more."""
    listener = Listener({"status/new": SAID, "status/old": SAID})
    assert status(listener, "new", "old") == READ
    assert len(listener.asked) == 1


def test_service_that_knows_only_an_old_token() -> None:
    """That a service answers to an old token alone is among what it says."""
    assert status(Listener({"status/old": SAID}), "new", "old") == {**READ, "token": "old"}


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"GET VARIABLE x\n",
        b'VERBOSE "INFORMATIVA_SERVICE" "version=1"\n',
        b"\xff\xfe",
        b"HTTP/1.1 400\r\n",
    ],
)
def test_somebody_elses_server(reply: bytes) -> None:
    """What says nothing, or something else, to every token is no service of ours."""
    listener = Listener({"status/new": reply, "status/old": reply})
    assert status(listener, "new", "old") is None
    assert len(listener.asked) == 2


def asked(serve: Listener | Endless, size: int) -> bytes:
    """Return what is answered, of so many bytes at most."""

    async def story() -> bytes:
        async with await asyncio.start_server(serve.serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            return await probe.ask("127.0.0.1", port, b"agi_network_script: x\n\n", size)

    return asyncio.run(story())


class Endless:
    """Says a word, and then nothing more, nor closes; or never stops saying it."""

    def __init__(self, times: int) -> None:
        self.times = times

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until the other side goes."""
        writer.write(b"word" * self.times)
        await reader.read()
        writer.close()


def test_answer_is_read_until_it_ends() -> None:
    """All that is said before the other side closes is the answer."""
    assert asked(Listener({"x": b"a" * 5000}), 10_000) == b"a" * 5000


def test_answer_that_is_too_long() -> None:
    """Who says more than a command may have is not listened to until he ends."""
    answer = asked(Endless(100_000), 1000)
    assert answer == (b"word" * 500)[: len(answer)]
    assert 1000 <= len(answer) < 2000


def test_answer_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who does not close in time has answered what came until then."""
    monkeypatch.setattr(probe, "SECONDS", 0.0)
    assert asked(Endless(0), 1000) == b""


def test_nobody_to_ask() -> None:
    """Where nobody listens, that is an error and not an empty answer."""

    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen
        with pytest.raises(ConnectionRefusedError):
            asyncio.run(probe.status("127.0.0.1", bound.getsockname()[1], ()))


def as_configured(configuration: Configuration) -> dict[str, str]:
    """Return what the service says that runs as it should."""
    return {
        "version": __version__,
        "file": configuration.path_digest,
        "configuration": configuration.digest,
    }


def test_service_as_it_is_installed_and_configured(configuration: Configuration) -> None:
    """Of a service of this version, file and text there is nothing to say."""
    assert probe.otherwise(as_configured(configuration), configuration, RUN) is None


def test_service_of_another_version(configuration: Configuration) -> None:
    """A service of before an update is to be started anew, whatever else it is."""
    answer = {"version": "0.1", "token": "old"}
    assert probe.otherwise(answer, configuration, RUN) == warning(
        f"the service is informativa 0.1, and {__version__} is installed", RUN
    )


def test_service_of_another_file(configuration: Configuration) -> None:
    """A service that works from another file may be somebody else's: it is not told to load anything."""
    answer = as_configured(configuration) | {"file": "another", "token": "old"}
    assert probe.otherwise(answer, configuration, RUN) == warning(
        f"the service works from another file than {configuration.file}",
        "See which (systemctl cat informativa) and name that one with -c, or have it run with this one.",
    )


def test_service_of_before_the_new_token(configuration: Configuration) -> None:
    """A service that does not know the new token refuses calls, which is wrong, and loads it."""
    answer = as_configured(configuration) | {"token": "old", "configuration": "another"}
    assert probe.otherwise(answer, configuration, RUN) == wrong(
        "the service has not loaded the new token, so calls that come with it are refused",
        "systemctl reload informativa",
    )


def test_service_of_another_text(configuration: Configuration) -> None:
    """A service that has not loaded the file as it is now is to load it."""
    answer = as_configured(configuration) | {"configuration": "another"}
    assert probe.otherwise(answer, configuration, RUN) == warning(
        f"the service works from another configuration than {configuration.file} is now",
        "systemctl reload informativa",
    )


def test_service_says_of_which_companies_it_decides_no_call(tmp_path: Path) -> None:
    """To `doctor` and `status`: with how many of the last hour's calls fell back, and all is well for the
    others."""
    office = Office(tmp_path / "etc")
    office.start()
    try:
        configuration = load(office.config)
        where = (configuration.host, configuration.port, configuration.tokens)
        assert asyncio.run(probe.trial(*where)) == {}
        assert asyncio.run(probe.trial(*where[:2], ["another"])) is None
        ledger = Path(configuration.controllers["acme"].ledger)
        with closing(storage.store(configuration.controllers["acme"])) as store:
            store.empty_log(10)
        os.truncate(ledger, 4096)
        assert asyncio.run(probe.trial(*where)) == {"acme": "ledger"}
        code, _out, error = typed("status", "-c", office.config)
        assert code == 1
        assert "the service can decide no call of acme now (its ledger cannot be used)" in error
    finally:
        office.stop()


def test_calls_of_the_last_hour_are_counted_by_company() -> None:
    """They are counted by the minute; those of an hour ago are forgotten, and a company without calls is not
    named."""
    now = [0.0]
    hour = LastHour(lambda: now[0])
    for minute, fell_back in ((0, True), (30, False), (59, True)):
        now[0] = minute * 60.0
        hour.count("acme", fell_back=fell_back)
    hour.count("globex", fell_back=False)
    assert hour.totals() == {"acme": HourOfCalls(3, 2), "globex": HourOfCalls(1, 0)}
    now[0] = 60 * 60.0
    assert hour.totals() == {"acme": HourOfCalls(2, 1), "globex": HourOfCalls(1, 0)}
    now[0] = 119 * 60.0
    assert hour.totals() == {}


def test_what_fell_back_is_read_from_the_services_answer() -> None:
    """It is read by company; an answer without it gives nothing."""
    assert probe.fell_back({"fell-back": "acme:3:40,globex:1:1"}) == {"acme": (3, 40), "globex": (1, 1)}
    assert probe.fell_back({}) == {}
