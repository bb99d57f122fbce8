"""Messages to a hook: what they say, their order, and what becomes of those that are not taken."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

import receiver as receivers
from consenting import NOW, act, answered_by_key, printed
from hooking import SECRET, START, Sender, acme, hook_up
from informativa.config import load
from informativa.ledgers import outbox
from informativa.model import Answer, Asked, RecordKind
from informativa.model.hooks import Hook
from informativa.model.text import NOTHING
from informativa.operations.typed_caller import by_customer, by_number
from informativa.process import hook_sending, storage
from informativa.process.regular_work import RegularWork
from lab.certificates import Authority
from receiver import drips, floods, hangs, receiving

GRANTED, REFUSED, WITHDRAWN = Answer.GRANTED, Answer.REFUSED, Answer.WITHDRAWN
OTHER = by_number("+393337654321")
KEY = bytes(range(32))


def test_message_says_the_act_and_is_signed(folder: Path) -> None:
    """A grant on a website is told as Standard Webhooks asks, of nobody who has not the number and the
    secret; it goes once, and then nothing of it is left in the outbox."""
    with receiving() as receiver:
        file = hook_up(folder, receiver.url)
        act(file, GRANTED)
        sender = Sender(file)
        sender.send()
        sender.send()
    (post,) = receiver.posts
    subject = hmac.digest(KEY, b"+393331234567", "sha256").hex()
    message = post.message
    assert message["data"] == {
        "choice": "marketing",
        "purpose": "marketing",
        "version": "2",
        "at": "2026-11-25T12:00:00.000Z",
        "record": 2,
        "subject": subject,
    }
    assert message["type"] == "consent.granted"
    assert message["timestamp"] == "2026-11-25T12:00:00.000Z"
    headers = post.headers
    assert headers["webhook-id"] == message["id"]
    assert headers["webhook-timestamp"] == "1795611600"
    signed = f"{message['id']}.1795611600.".encode() + post.body
    signature = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{signature}"
    assert b"3331234567" not in post.body
    assert (sender.state.waiting, sender.state.delivered) == (0, START)


def test_i5_no_number_is_in_the_outbox(folder: Path) -> None:
    """I5: neither a caller's number nor a customer number that may be a telephone's is in any file, while the
    message waits."""
    file = hook_up(folder, "http://127.0.0.1:1/", subject="customer")
    act(file, GRANTED)
    act(file, GRANTED, typed=by_customer("393339998877"))
    act(file, GRANTED, typed=by_customer("C-77"))
    with closing(sqlite3.connect(acme(file).ledger)) as ledger:
        subjects = [subject for (subject,) in ledger.execute("SELECT subject FROM outbox ORDER BY record")]
    assert [len(subject) for subject in subjects] == [64, 64, 4]
    assert subjects[2] == "C-77"
    for part in Path(acme(file).ledger).parent.iterdir():
        if part.is_file():
            content = part.read_bytes()
            assert b"3331234567" not in content
            assert b"393339998877" not in content


def test_company_without_a_hook_has_no_outbox_row(folder: Path) -> None:
    """Where no hook is configured, no row is written; nor for an answer that is none."""
    file = hook_up(folder, "http://127.0.0.1:1/")
    text = file.read_text()
    file.write_text("".join(line for line in text.splitlines(True) if not line.startswith("    hook:")))
    act(file, GRANTED)
    assert Sender(file).state.waiting == 0
    file.write_text(text)
    event = answered_by_key(acme(file), Answer.SILENCE, "", NOW)
    assert event.asked is not None
    silent = Asked(event.asked.choice, event.asked.asks, Answer.SILENCE, "", subject="s")
    with closing(storage.store(acme(file))) as ledger:
        ledger.append([replace(event, asked=silent)])
    assert Sender(file).state.waiting == 0


def test_key_and_withdrawal_go_before_a_list(folder: Path) -> None:
    """What callers wrote on a website waits for withdrawals and for what was said on the telephone; but one
    caller's messages keep their order."""
    with receiving() as receiver:
        file = hook_up(folder, receiver.url)
        for customer in ("a", "b", "c"):
            act(file, GRANTED, typed=by_customer(customer))
        act(file, WITHDRAWN, kind=RecordKind.OPERATOR, typed=by_customer("d"))
        act(file, WITHDRAWN, typed=by_customer("b"))
        Sender(file).send()
    assert receiver.words == ["granted 3", "withdrawn 5", "granted 2", "granted 4", "withdrawn 6"]


def test_down_for_a_week_loses_nothing(folder: Path) -> None:
    """While nobody answers the pauses grow to five minutes, and then all comes, in order for each caller."""
    with receiving() as closed:
        url = closed.url
    file = hook_up(folder, url)
    for answer in (GRANTED, WITHDRAWN, GRANTED):
        act(file, answer)
    act(file, REFUSED, typed=OTHER)
    sender = Sender(file)
    with capture_logs() as logged:
        sender.send()
        for _day in range(7):
            sender.later(days=1)
    assert sender.state.waiting == 4
    assert [entry["event"] for entry in logged] == ["the hook does not take a message about a consent"]
    assert sender.state.error == "Connection refused"
    with receiving() as receiver:
        move(file, receiver.url)
        sender.later(minutes=11)
        sender.later(minutes=11)
    assert receiver.words == ["granted 2", "refused 5", "withdrawn 3", "granted 4"]
    assert sender.state.waiting == 0


def test_message_that_is_refused_holds_only_its_caller(folder: Path) -> None:
    """After 422 the later messages of that caller wait, others go; it is sent again after an hour, or at once
    by --resume."""
    with receiving(422, 204) as receiver:
        file = hook_up(folder, receiver.url)
        act(file, GRANTED)
        act(file, WITHDRAWN)
        act(file, GRANTED, typed=OTHER)
        sender = Sender(file)
        sender.send()
        sender.later(seconds=1)
        assert receiver.words == ["granted 2", "granted 4"]
        assert (sender.state.waiting, sender.state.refused) == (2, 1)
        sender.later(minutes=58)
        assert len(receiver.posts) == 2
        sender.later(minutes=2)
        assert receiver.words == ["granted 2", "granted 4", "granted 2", "withdrawn 3"]
        ids = [post.message["id"] for post in receiver.posts]
        assert ids[0] == ids[2] != ids[1]
        assert receiver.posts[0].body == receiver.posts[2].body


@pytest.mark.sample(3)
@pytest.mark.parametrize("status", [408, 425, 429, 500, 503, 301, 307])
def test_failure_that_passes_is_tried_again_soon(folder: Path, status: int) -> None:
    """A status that may pass, and a redirect, which is not followed, puts a message off by ten seconds."""
    with receiving(status, 204) as receiver:
        file = hook_up(folder, receiver.url)
        act(file, GRANTED)
        sender = Sender(file)
        sender.send()
        assert (sender.state.refused, sender.state.error) == (0, str(status))
        sender.later(seconds=9)
        assert len(receiver.posts) == 1
        sender.later(seconds=1)
    assert receiver.words == ["granted 2", "granted 2"]
    assert (sender.state.waiting, sender.state.error) == (0, "")


def test_gone_stops_the_hook_until_it_is_resumed(folder: Path) -> None:
    """410 is logged, and nothing more is sent, also after a restart, until --resume; then all that waits."""
    with receiving(410, 204) as receiver:
        file = hook_up(folder, receiver.url)
        act(file, GRANTED)
        act(file, GRANTED, typed=OTHER)
        sender = Sender(file)
        with capture_logs() as logged:
            sender.send()
        assert [entry["remedy"] for entry in logged] == ["informativa consent hook acme --resume"]
        sender.restart()
        sender.later(days=2)
        assert len(receiver.posts) == 1
        assert sender.state.stopped == START
        assert "2 messages wait, and are sent" in printed(file, "hook", "acme", "--resume")
        sender.send()
        assert receiver.words == ["granted 2", "granted 3", "granted 2"]
    assert sender.state.stopped is None


@pytest.mark.parametrize("answer", [hangs, drips])
def test_answer_that_does_not_end_is_cut_off(folder: Path, answer: receivers.Answer) -> None:
    """A receiver that says nothing, or a byte now and then, is waited for no longer than its time limit."""
    with receiving(answer, 204) as receiver:
        file = hook_up(folder, receiver.url, timeout="1 second")
        act(file, GRANTED)
        sender = Sender(file)
        sender.send()
        assert sender.state.error == "timed out"
        sender.later(seconds=10)
    assert receiver.words == ["granted 2", "granted 2"]
    assert sender.state.waiting == 0


def test_answer_without_end_is_not_read(folder: Path) -> None:
    """The status counts, and a content that goes on for ever is left where it is."""
    with receiving(floods) as receiver:
        file = hook_up(folder, receiver.url)
        act(file, GRANTED)
        sender = Sender(file)
        sender.send()
    assert (len(receiver.posts), sender.state.waiting) == (1, 0)


def test_certificate_is_verified(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By TLS only a receiver with a certificate that the machine trusts is told anything."""
    authority = Authority(folder / "ca")
    with receiving(certificate=authority.issue()) as receiver:
        file = hook_up(folder, receiver.url)
        act(file, GRANTED)
        sender = Sender(file)
        sender.send()
        assert receiver.posts == []
        assert "certificate verify failed" in sender.state.error.lower()
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.root))
        sender.later(minutes=1)
    assert receiver.words == ["granted 2"]


def test_i10_hook_that_hangs_holds_no_other_company(folder: Path) -> None:
    """I10: while acme's hook says nothing, borealis's is told within the same round."""
    with receiving(hangs) as hanging, receiving() as working:
        companies = load(hook_up(folder, hanging.url)).controllers
        hooked = {
            name: replace(companies[name], hook=Hook(url, KEY, seconds=60.0), refused=NOTHING)
            for name, url in (("acme", hanging.url), ("borealis", working.url))
        }
        for controller in hooked.values():
            event = answered_by_key(controller, GRANTED, "4", NOW)
            assert event.asked is not None
            with closing(storage.store(controller)) as ledger:
                ledger.append([replace(event, asked=replace(event.asked, subject="s"))])
        generations: Any = SimpleNamespace(
            newest=SimpleNamespace(configuration=SimpleNamespace(controllers=hooked))
        )
        metrics: Any = SimpleNamespace(hook=lambda *_: None, keep_hooks=lambda *_: None)
        work = RegularWork(generations, metrics)
        work._ledgers_opened.set()

        async def story() -> None:
            sending = asyncio.create_task(work._send_to_hooks())
            for receiver in (hanging, working):
                assert await asyncio.to_thread(receiver.came.acquire, timeout=60)
            sending.cancel()

        asyncio.run(story())
    assert (working.words, hanging.words) == (["granted 2"], ["granted 2"])


def test_replies_that_cannot_be_written_are_written_before_more_is_sent(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk a message that was taken is not sent again and again: it is noted once there is room."""
    with receiving() as receiver:
        file = hook_up(folder, receiver.url)
        act(file, GRANTED)
        sender = Sender(file)
        with monkeypatch.context() as full:
            full.setattr(hook_sending.outbox, "note", fail)
            for _time in range(3):
                sender.later(seconds=5)
        assert (len(receiver.posts), sender.state.waiting) == (1, 1)
        sender.later(seconds=5)
    assert (len(receiver.posts), sender.state.waiting) == (1, 0)


def fail(*_arguments: object) -> None:
    """Fail as SQLite does on a full disk."""
    raise sqlite3.OperationalError("database or disk is full")


KILLED = """
import os, signal, sys
from pathlib import Path
from hooking import Sender
from informativa.process import hook_sending
hook_sending.outbox.note = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
Sender(Path(sys.argv[1])).send()
"""


def test_i3_kill_9_between_sending_and_noting_sends_the_same_once_more(folder: Path) -> None:
    """I3: what was sent and not noted comes again, under the same id and with the same content."""
    with receiving() as receiver:
        file = hook_up(folder, receiver.url)
        act(file, GRANTED)
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
        ran = subprocess.run([sys.executable, "-c", KILLED, file], env=environment, check=False)
        assert ran.returncode == -signal.SIGKILL
        Sender(file).send()
    first, second = receiver.posts
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def test_clock_that_went_back_holds_no_message(folder: Path) -> None:
    """A message that a clock, two days ahead, has put off is sent all the same."""
    with receiving(500, 204) as receiver:
        file = hook_up(folder, receiver.url)
        act(file, GRANTED)
        sender = Sender(file, START + timedelta(days=2))
        sender.send()
        sender = Sender(file)
        sender.send()
    assert len(receiver.posts) == 2


def move(file: Path, url: str) -> None:
    """Give the hook another address."""
    lines = file.read_text().splitlines(keepends=True)
    old = next(line for line in lines if line.startswith("    hook:"))
    before, _url, after = old.split("'")
    file.write_text(file.read_text().replace(old, f"{before}'{url}'{after}"))


def test_message_can_be_sent_by_hand(folder: Path) -> None:
    """--send-test tells of nobody, says what became of it, and counts as taken."""
    with receiving(204, 500) as receiver:
        file = hook_up(folder, receiver.url)
        assert "The hook took the test" in printed(file, "hook", "acme", "--send-test")
        assert "it answered with status 500" in printed(file, "hook", "acme", "--send-test", code=1)
    assert receiver.posts[0].message["type"] == "informativa.test"
    assert receiver.posts[0].message["data"] == {}
    assert SECRET not in json.dumps([post.headers for post in receiver.posts])


def test_state_tells_all_of_a_message_that_is_not_taken(folder: Path) -> None:
    """Its id, its record, the answer, the choice, how often it was tried and why it failed; before the first
    try there is no error, and the next try knows of the first."""
    file = hook_up(folder, "http://127.0.0.1:1/")
    act(file, GRANTED)
    sender = Sender(file)
    assert (sender.state.waiting, sender.state.error, sender.state.failing) == (1, "", ())
    sender.send()
    with closing(sqlite3.connect(acme(file).ledger)) as ledger:
        ((name, error),) = ledger.execute("SELECT id, error FROM outbox")
        ((commitment,),) = ledger.execute("SELECT what FROM leaf WHERE record = 2")
        assert name == "msg_" + hashlib.sha256(b"informativa hook\0" + commitment).hexdigest()[:32]
        (message,) = outbox.due(ledger, START + timedelta(days=1), 10)
        state = outbox.state(ledger)
    assert error
    assert state.failing == (outbox.UntakenMessage(name, 2, GRANTED, "marketing", 1, False, error),)
    assert state.failing[0].refused is False
    with closing(sqlite3.connect(acme(file).ledger, isolation_level=None)) as ledger:
        ledger.execute("UPDATE outbox SET subject = '', refused = 1")
    assert sender.state.failing[0].refused is True
    assert (sender.state.waiting, sender.state.refused, sender.state.unnamed) == (1, 1, 1)
    assert (message.id, message.record, message.tries) == (name, 2, 1)
