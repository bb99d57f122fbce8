"""A conversation with Asterisk's manager interface, with a server that speaks as much of it as is needed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from doubles import GONE, ManagerServer
from informativa.asterisk import ami
from informativa.asterisk.ami import ManagerSession
from informativa.model import ManagerAccount
from informativa.model.errors import ManagerError

Result = TypeVar("Result")

DENIED = "Response: Error\nMessage: Permission denied"
ABSENT = "Response: Error\nMessage: Database entry not found"
DONE = "Response: Success\nMessage: Done"
LONG = 60.0  # seconds; what is waited for comes at once


def result_of(server: ManagerServer, work: Callable[[ManagerSession], Awaitable[Result]]) -> Result:
    """Return the result of a conversation."""

    async def story() -> Result:
        async with server.listening() as account, ami.session(account) as session:
            return await work(session)

    return asyncio.run(story())


def failed(server: ManagerServer, work: Callable[[ManagerSession], Awaitable[object]]) -> ManagerError:
    """Return the error of a conversation."""
    with pytest.raises(ManagerError) as caught:
        result_of(server, work)
    return caught.value


async def nothing(_session: ManagerSession) -> None:
    """Nothing is asked."""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it is connected, an answer that is not there is not waited for."""
    connection_made = ami.Manager.connection_made

    def connected(manager: ami.Manager, connection: asyncio.Future[Any]) -> None:
        connection_made(manager, connection)
        monkeypatch.setattr(ami, "SECONDS", 0.0)

    monkeypatch.setattr(ami.Manager, "connection_made", connected)


def test_logging_in_asks_for_no_events() -> None:
    """The account's name and secret are sent, and events are wanted of nobody who does not say so."""
    server = ManagerServer()
    result_of(server, nothing)
    assert server.asked == [{"Action": "Login", "Username": "dora", "Secret": "words", "Events": "off"}]


def test_answer_is_read_whatever_the_case_of_its_names() -> None:
    """An answer of one message is a list of one, whose fields may be asked for in small letters."""
    server = ManagerServer({"CoreSettings": "Response: Success\nAsteriskVersion: 22.5.0"})
    (settings,) = result_of(server, lambda session: session.act("CoreSettings"))
    assert (settings.asteriskversion, settings["ASTERISKVERSION"]) == ("22.5.0", "22.5.0")
    assert server.asked[1:] == [{"Action": "CoreSettings"}]


def test_answer_that_is_a_list_is_read_to_its_end() -> None:
    """All messages of a list are given, from what announces it to what says that it is complete."""
    listed = (
        "Response: Success\nEventList: start\nMessage: It will follow\n\n"
        "Event: ListDialplan\nContext: one\n\nEvent: ListDialplan\nContext: two\n\n"
        "Event: ShowDialPlanComplete\nEventList: Complete"
    )
    messages = result_of(ManagerServer({"ShowDialPlan": listed}), lambda session: session.act("ShowDialPlan"))
    assert [message.context for message in messages] == ["", "one", "two", ""]
    assert messages[-1].event == "ShowDialPlanComplete"


def test_action_that_goes_on_has_one_answer() -> None:
    """An action that Asterisk only takes up is answered as soon as it says so, and not when it is done."""
    server = ManagerServer({"Originate": "Response: Success\nMessage: Originate successfully queued"})
    (answer,) = result_of(server, lambda session: session.act("Originate", Channel="Local/1@a", Async="true"))
    assert answer.message == "Originate successfully queued"
    assert server.asked[1:] == [{"Action": "Originate", "Async": "true", "Channel": "Local/1@a"}]


def test_what_is_no_message_is_read_over() -> None:
    """Bytes that are no text, and lines that are no message, hide no answer that comes after them."""
    server = ManagerServer(
        {"Ping": "Response: Success\nPing: Pong"}, b"\xff\xfe\0: \x80\r\n\r\nnonsense\r\n\r\n"
    )
    (pong,) = result_of(server, lambda session: session.act("Ping"))
    assert pong.ping == "Pong"


def test_wrong_secret() -> None:
    """The error names the address and the user, and the remedy the lines of manager.conf."""
    server = ManagerServer({"Login": "Response: Error\nMessage: Authentication failed"})

    async def story() -> int:
        async with server.listening() as account:
            with pytest.raises(ManagerError) as caught:
                async with ami.session(account):
                    pytest.fail("was let in")
        assert str(caught.value.message) == (
            f"Asterisk's manager interface at 127.0.0.1:{account.port} does not let dora in."
        )
        assert str(caught.value.remedy) == (
            "Give manager.conf that user with `write = system,reporting` and the same secret."
        )
        assert str(caught.value.__cause__) == (
            "Asterisk's manager interface refused Login: Authentication failed."
        )
        return len(server.asked)

    assert asyncio.run(story()) == 1


def test_nobody_there() -> None:
    """If nobody listens the error names the address, and the remedy the settings."""

    async def story(port: int) -> None:
        async with ami.session(ManagerAccount("127.0.0.1", port, "dora", "words")):
            pytest.fail("was let in")

    with socket.socket() as closed_port:
        closed_port.bind(("127.0.0.1", 0))  # and does not listen
        port = closed_port.getsockname()[1]
        with pytest.raises(ManagerError) as caught:
            asyncio.run(story(port))
    assert str(caught.value.message) == f"Asterisk's manager interface does not answer at 127.0.0.1:{port}."
    assert str(caught.value.remedy) == (
        "Set `enabled = yes`, `bindaddr` and `port` in manager.conf, or correct `manager.address`."
    )


def test_no_connection_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that does not take the connection in time does not answer, as one where nobody listens."""
    monkeypatch.setattr(ami, "SECONDS", 0.0)
    error = failed(ManagerServer(), nothing)
    assert str(error.message).startswith("Asterisk's manager interface does not answer at 127.0.0.1:")
    assert isinstance(error.__cause__, TimeoutError)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "greeting", [b"Asterisk Call Manager/11.0.0\r\n", b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"]
)
@pytest.mark.parametrize("login", ["", GONE])
def test_login_that_is_not_answered(greeting: bytes, login: str) -> None:
    """A server that is silent, hangs up or speaks another protocol is an error with that cause."""
    error = failed(ManagerServer({"Login": login}, greeting), nothing)
    assert "does not let dora in." in str(error.message)
    assert str(error.__cause__) == "Asterisk's manager interface did not answer Login."


def test_action_that_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that does not come in time is an error that names the action."""

    async def work(session: ManagerSession) -> None:
        monkeypatch.setattr(ami, "SECONDS", 0.0)
        await session.act("CoreSettings")

    error = failed(ManagerServer(), work)
    assert str(error) == "Asterisk's manager interface did not answer CoreSettings."


RIGHTS = [
    ("DBGetTree", "reporting"),
    ("DBDel", "system"),
    ("Hangup", "system"),
    ("Originate", "originate"),
    ("ShowDialPlan", "reporting"),
]


@pytest.mark.parametrize(("action", "right"), RIGHTS)
def test_right_that_is_lacking_is_named(action: str, right: str) -> None:
    """Asterisk says of no action which right it needs: the error does, as it is written in manager.conf."""
    error = failed(ManagerServer({action: DENIED}), lambda session: session.act(action))
    assert str(error.message) == f"Asterisk's manager interface refused {action}: Permission denied."
    assert str(error.remedy) == (
        f"In manager.conf, section [dora], add {right} to the line that begins with `write =`, then type:"
        " asterisk -rx 'manager reload'"
    )
    assert error.answer == "Permission denied"


@pytest.mark.parametrize(
    ("action", "message"), [("Reload", "Permission denied"), ("Originate", "Extension does not exist.")]
)
def test_refusal_that_no_right_would_mend(action: str, message: str) -> None:
    """Other refusals, and other actions, are reported with Asterisk's own words alone."""
    server = ManagerServer({action: f"Response: Error\nMessage: {message}"})
    error = failed(server, lambda session: session.act(action))
    assert str(error) == f"Asterisk's manager interface refused {action}: {message}."
    assert error.answer == message


def test_right_to_hear_of_events() -> None:
    """The right to events stands in another line of manager.conf."""
    assert str(ami.lacking("dora", read="call")) == (
        "In manager.conf, section [dora], add call to the line that begins with `read =`, then type:"
        " asterisk -rx 'manager reload'"
    )


def test_rows_of_a_family() -> None:
    """The rows of AstDB are told by their own key, without the family's name."""
    rows = (
        "Response: Success\nEventList: start\nMessage: Result will follow\n\n"
        "Event: DBGetTreeResponse\nKey: /informativa/1.1-2\nVal: at=1|line=+39\n\n"
        "Event: DBGetTreeResponse\nKey: /informativa/a/informativa/b\nVal: x\n\n"
        "Event: DBGetTreeComplete\nEventList: Complete\nListItems: 2"
    )
    server = ManagerServer({"DBGetTree": rows})
    entries = result_of(server, lambda session: session.tree("informativa"))
    assert entries == {"1.1-2": "at=1|line=+39", "a/informativa/b": "x"}
    assert server.asked[1:] == [{"Action": "DBGetTree", "Family": "informativa"}]


def test_family_without_rows() -> None:
    """A family that Asterisk does not find has no rows, and is no error."""
    assert result_of(ManagerServer({"DBGetTree": ABSENT}), lambda session: session.tree("informativa")) == {}


def test_rows_that_may_not_be_read() -> None:
    """Rows that are refused are not taken for none."""
    error = failed(ManagerServer({"DBGetTree": DENIED}), lambda session: session.tree("informativa"))
    assert str(error.message) == "Asterisk's manager interface refused DBGetTree: Permission denied."


@pytest.mark.parametrize("answer", [DONE, ABSENT])
def test_row_that_is_deleted(answer: str) -> None:
    """A row is asked for by family and key, and one that is not there any more is deleted."""
    server = ManagerServer({"DBDel": answer})
    result_of(server, lambda session: session.delete("informativa", "1.1-2"))
    assert server.asked[1:] == [{"Action": "DBDel", "Family": "informativa", "Key": "1.1-2"}]


def test_row_that_may_not_be_deleted() -> None:
    """A row that stays is not taken for one that is gone."""
    error = failed(ManagerServer({"DBDel": DENIED}), lambda session: session.delete("informativa", "1.1-2"))
    assert str(error.message) == "Asterisk's manager interface refused DBDel: Permission denied."


def test_events_come_once() -> None:
    """Each event comes once and in order, even if the classes were set several times; then none comes."""
    server = ManagerServer({"Events": DONE})

    async def work(session: ManagerSession) -> list[str]:
        await session.listen("call", "dialplan")
        await session.listen("agi")
        server.say("Event: Newchannel\nChannel: a", "Event: Hangup\nChannel: a")
        first, second = await session.event(LONG), await session.event(LONG)
        assert first is not None
        assert second is not None
        assert await session.event(0.0) is None
        return [first.event, second.event]

    assert result_of(server, work) == ["Newchannel", "Hangup"]
    assert [action["EventMask"] for action in server.asked[1:]] == ["call,dialplan", "agi"]


def test_events_that_nobody_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more events are kept than there is room for: the first ones are, and the rest is dropped."""
    monkeypatch.setattr(ami, "WAITING", 2)
    server = ManagerServer({"Events": DONE, "Ping": DONE})

    async def work(session: ManagerSession) -> list[str]:
        await session.listen("call")
        server.say("Event: One", "Event: Two", "Event: Three")
        await session.act("Ping")  # all that was said before its answer has come
        session.lost(None)  # for which there is no room either
        events = [await session.event(0.0), await session.event(0.0)]
        return [event.event for event in events if event is not None]

    assert result_of(server, work) == ["One", "Two"]


def test_connection_that_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that waits for an event gets an error at once when the connection ends, and a later action
    gets no answer."""
    server = ManagerServer({"Events": DONE, "Ping": GONE})

    async def work(session: ManagerSession) -> None:
        await session.listen("call")
        server.hang_up()
        with pytest.raises(ManagerError, match=r"^Asterisk closed its manager interface\.$"):
            await session.event(LONG)
        monkeypatch.setattr(ami, "SECONDS", 0.0)
        with pytest.raises(ManagerError, match=r"^Asterisk's manager interface did not answer Ping\.$"):
            await session.act("Ping")

    result_of(server, work)


def test_conversation_that_fails_is_ended() -> None:
    """Whatever ends the work ends the connection too."""
    server = ManagerServer()

    async def work(account: ManagerAccount) -> None:
        async with ami.session(account):
            raise ZeroDivisionError

    async def story() -> bool:
        async with server.listening() as account:
            with pytest.raises(ZeroDivisionError):
                await work(account)
            async with asyncio.timeout(LONG):
                return await server.left.wait()

    assert asyncio.run(story())
