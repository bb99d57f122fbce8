"""A company's hook: its settings, its secret, its command, what doctor says of it, and erasures."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands import refused, run
from consenting import NUMBER, act, answered_by_key, ask_for_consents, printed
from hooking import SECRET, START, Sender, acme, hook_up
from informativa.call.webhook import test_content as trial_content
from informativa.config import inspect, load
from informativa.model import Answer, RecordKind
from informativa.model.hooks import Hook
from informativa.operations import hooks as operations
from informativa.operations.doctor import hooks as check
from informativa.operations.doctor.findings import State
from informativa.operations.doctor.system import System
from informativa.operations.typed_caller import by_customer, by_number
from informativa.process import storage
from informativa.process.hook_client import HookClient
from lab.ports import free_port
from receiver import receiving

GRANTED, WITHDRAWN = Answer.GRANTED, Answer.WITHDRAWN
OTHER = by_number("+393337654321")
DOCS = Path(__file__).resolve().parents[1] / "docs"
NOWHERE = "http://127.0.0.1:1/"


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://crm.example/consents", True),
        ("http://127.0.0.1:8080/", True),
        ("http://127.9.9.9/", True),
        ("http://localhost/x", True),
        ("http://[::1]:80/", True),
        ("http://crm.example/consents", False),
        ("http://127.0.0.1.evil.example/", False),
        ("http://localhost.evil.example/", False),
        ("https://user:password@crm.example/", False),
        ("ftp://crm.example/", False),
    ],
)
def test_only_https_or_this_machine(folder: Path, url: str, good: bool) -> None:
    """A message in clear over a network, and an address with a password in it, is a mistake of its line."""
    _configuration, problems = inspect(hook_up(folder, url))
    assert bool(problems) is not good
    assert all(problem.key.startswith("controllers.acme.hook") for problem in problems)


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        ("whsec_c2hvcnQ=\n", 0o600, "24 bytes or more"),
        ("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n", 0o600, "whsec_"),
        ("whsec_&&&\n", 0o600, "whsec_"),
        (SECRET, 0o644, "others can read"),
        (None, 0o600, "informativa keys make acme --hook"),
    ],
)
def test_secret_that_is_none_is_a_mistake(folder: Path, content: str | None, mode: int, words: str) -> None:
    """A secret that is missing, short, of another form, or readable by others is said, with what to type."""
    file = hook_up(folder, NOWHERE)
    secret = folder / "keys/acme.hook"
    if content is None:
        secret.unlink()
    else:
        secret.write_text(content)
        secret.chmod(mode)
    problems = inspect(file)[1]
    assert len(problems) == 1
    assert words in str(problems[0])


def test_secret_is_made_by_a_command(folder: Path) -> None:
    """keys make --hook writes a secret of 32 bytes for its owner alone, once; without a hook it says what to
    write."""
    file = ask_for_consents(folder)
    assert "has no hook" in refused("keys", "make", "acme", "--hook", "-c", file)
    file = _hooked(file)
    assert run("keys", "make", "acme", "--hook", "-c", file).returncode == 0
    secret = folder / "keys/acme.hook"
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=\n", secret.read_text())
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    hook = load(file).controllers["acme"].hook
    assert hook is not None
    assert (len(hook.secret), hook.seconds, hook.by_customer) == (32, 10.0, False)
    assert "is there already" in refused("keys", "make", "acme", "--hook", "-c", file)


def _hooked(file: Path) -> Path:
    hook = f"    hook: {{url: '{NOWHERE}', secret: keys/acme.hook}}\n    choices:\n"
    file.write_text(file.read_text().replace("    choices:\n", hook, 1))
    return file


def test_customer_numbers_are_warned_of(folder: Path) -> None:
    """I5: whoever has customer numbers sent is told that the outbox keeps them."""
    configuration, _problems = inspect(hook_up(folder, NOWHERE, subject="customer"))
    warnings = [str(warning) for warning in configuration.warnings]
    assert any("INFORMATIVA_CUSTOMER" in warning for warning in warnings)


def test_command_shows_what_waits_and_discards_it(folder: Path) -> None:
    """The state is in the company's time zone; a message is discarded by its id, only with --yes, and the
    access log says so."""
    with receiving(422) as receiver:
        file = hook_up(folder, receiver.url)
        act(file, GRANTED)
        act(file, GRANTED, typed=OTHER)
        Sender(file).send()
        text = printed(file, "hook")
        assert "2 messages wait, the oldest since 2026-11-25 13:00" in text
        assert "no message was taken yet" in text
        assert "last error: 2026-11-25 14:00 CET, it answered with status 422" in text
        (name,) = re.findall(r"msg_[0-9a-f]{32}", text)
        assert "Nothing was discarded yet" in printed(file, "hook", "acme", "--discard", name)
        assert Sender(file).state.waiting == 2
        report = json.loads(printed(file, "hook", "acme", "--discard", name, "--yes", "--json"))
        assert (report["change"]["messages"], report["change"]["done"]) == (1, True)
        assert "no such message" in refused("consent", "hook", "acme", "--discard", name, "-c", file)
        printed(file, "hook", "acme", "--discard", "all", "--yes")
        assert Sender(file).state.waiting == 0
    entries = storage.access_log(acme(file)).page(None, 10)
    assert [entry.access.detail if hasattr(entry, "access") else entry.detail for entry in entries][:2] == [
        "discard messages=1",
        "discard messages=1",
    ]


@pytest.mark.parametrize("case", ["never", "late", "stopped", "refused", "removed", "good"])
def test_doctor_says_what_is_wrong_with_a_hook(folder: Path, case: str) -> None:
    """A hook that never took a message is not in order, nor one that is behind, stopped, or refuses; nor are
    messages without a hook."""
    status = {"stopped": 410, "refused": 422, "late": 500}.get(case, 204)
    with receiving(status) as receiver:
        file = hook_up(folder, receiver.url)
        act(file, GRANTED)
        if case not in ("never", "removed"):
            Sender(file).send()
        if case == "never":
            printed(file, "hook", "acme", "--discard", "all", "--yes")
        if case == "removed":
            text = file.read_text().splitlines(keepends=True)
            file.write_text("".join(line for line in text if not line.startswith("    hook:")))
        now = START + (timedelta(hours=2) if case == "late" else timedelta(minutes=-30))
        system = System(file, load(file), (), now=now)
        (finding,) = check.hooks(system)
    expected = {
        "never": (State.WARNING, "took no message yet"),
        "late": (State.WRONG, "(500)"),
        "stopped": (State.WRONG, "(410)"),
        "refused": (State.WARNING, "refuses 1 message"),
        "removed": (State.WARNING, "has no hook any more"),
        "good": (State.OK, "1 hook is told"),
    }
    state, words = expected[case]
    assert finding.state is state
    assert words in str(finding.finding)


def test_i9_erasure_says_what_the_hook_was_not_told(folder: Path) -> None:
    """I9: with his records go a caller's messages, no one else's; the command says which acts the receiver
    does not know of, before and after."""
    file = hook_up(folder, NOWHERE, subject="customer")
    customer = by_customer("C-77")
    act(file, GRANTED, typed=customer)
    act(file, WITHDRAWN, typed=customer, kind=RecordKind.OPERATOR)
    act(file, GRANTED, typed=OTHER)
    words = ("caller", "erase", "--customer", "C-77", "--controller", "acme", "-c", file)
    preview = run(*words)
    assert (
        "The company's hook was not told of marketing, granted; marketing, withdrawn, and" in preview.stdout
    )
    assert Sender(file).state.waiting == 3
    erased = json.loads(run(*words, "--yes", "--json").stdout)["controllers"][0]
    assert [(one["choice"], one["answer"]) for one in erased["undelivered"]] == [
        ("marketing", "granted"),
        ("marketing", "withdrawn"),
    ]
    assert Sender(file).state.waiting == 1
    for part in Path(acme(file).ledger).parent.rglob("*"):
        assert not part.is_file() or b"C-77" not in part.read_bytes()


def test_i9_erasure_that_fails_says_what_the_hook_was_not_told(folder: Path) -> None:
    """I9: his messages are gone by then, where a copy of the ledger cannot be deleted. Typed again, none are
    left to name."""
    file = hook_up(folder, NOWHERE, subject="customer")
    act(file, GRANTED, typed=by_customer("C-77"))
    act(file, WITHDRAWN, typed=by_customer("C-77"), kind=RecordKind.OPERATOR)
    Path(f"{acme(file).ledger}.rescued-2026-11-25T10-11-12").mkdir()
    words = ("caller", "erase", "--customer", "C-77", "--controller", "acme", "--yes", "-c", file)
    expected = (
        "The company's hook was not told of marketing, granted; marketing, withdrawn, and is not told after"
        " an erasure: tell its receiver yourself."
    )
    first, second = run(*words), run(*words)
    assert (first.returncode, second.returncode) == (1, 1)
    assert expected in first.stderr
    assert "2 records erased" not in first.stdout
    assert "The company's hook" not in first.stdout + second.stdout + second.stderr
    assert Sender(file).state.waiting == 0


def test_i9_nothing_of_a_delivered_message_stays(folder: Path) -> None:
    """I9: after an erasure no file has the name under which the hook knew the caller, delivered or not."""
    with receiving() as receiver:
        file = hook_up(folder, receiver.url)
        act(file, GRANTED)
        Sender(file).send()
        subject = receiver.posts[0].message["data"]["subject"].encode()
    act(file, WITHDRAWN)
    run("caller", "erase", NUMBER, "--controller", "acme", "--yes", "-c", file)
    for part in Path(acme(file).ledger).parent.rglob("*"):
        assert not part.is_file() or subject not in part.read_bytes()


def test_purge_takes_a_message_with_its_record(folder: Path) -> None:
    """A message goes with the record that it is about."""
    file = hook_up(folder, NOWHERE)
    record = act(file, GRANTED).act.record
    with closing(storage.store(acme(file))) as ledger, ledger.transaction() as transaction:
        assert transaction.purge(record)
    assert Sender(file).state.waiting == 0


def test_restored_ledger_sends_under_the_same_ids(folder: Path) -> None:
    """What a backup still has in its outbox is sent again under the ids that the receiver knows; what is put
    on record since gets an id that it does not know, also in the place of a record that was lost."""
    with receiving() as receiver:
        file = hook_up(folder, receiver.url)
        act(file, GRANTED)
        ledger = Path(acme(file).ledger)
        with closing(storage.store(acme(file))) as store:
            store.empty_log(10.0)
        copy = folder / "copy.sqlite3"
        copy.write_bytes(ledger.read_bytes())
        act(file, WITHDRAWN)
        Sender(file).send()
        Sender(file).send()
        restored = run("ledger", "restore", copy, "--controller", "acme", "-c", file)
        assert restored.returncode == 0, restored
        act(file, GRANTED, typed=OTHER)
        Sender(file).send()
    granted, withdrawn, again, new = receiver.posts
    assert granted.body == again.body
    assert new.message["id"] not in (granted.message["id"], withdrawn.message["id"])


def test_answer_by_key_goes_into_the_outbox_with_its_record(folder: Path) -> None:
    """The row is written in the transaction of the record: of a transaction that fails neither is there."""
    file = hook_up(folder, NOWHERE)
    event = answered_by_key(acme(file), GRANTED, "4", START)
    assert event.asked is not None
    asked = type(event.asked)(event.asked.choice, event.asked.asks, GRANTED, "", subject="s")
    event = type(event)(
        **{name: getattr(event, name) for name in event.__dataclass_fields__} | {"asked": asked}
    )
    with closing(storage.store(acme(file))) as ledger:
        with pytest.raises(ZeroDivisionError):
            ledger.transact([lambda transaction: transaction.append(event), lambda _transaction: 1 / 0])
        assert Sender(file).state.waiting == 0
        ledger.append([event])
    assert Sender(file).state.waiting == 1


@pytest.mark.parametrize("page", ["data.md", "data.it.md"])
def test_receiver_of_the_page_verifies_what_is_sent(folder: Path, tmp_path: Path, page: str) -> None:
    """The receiver in the documentation, word for word, takes a message once, knows its caller, and refuses
    one that is forged."""
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    program, port = tmp_path / "receiver.py", free_port()
    program.write_text(code)
    file = hook_up(folder, f"http://127.0.0.1:{port}/consents")
    act(file, GRANTED)
    with subprocess.Popen(
        [sys.executable, program, folder / "keys/acme.hook", str(port)], stdout=subprocess.PIPE, text=True
    ) as receiver:
        try:
            sender, real = Sender(file), acme(file).hook
            while sender.state.waiting:  # until it listens
                operations.resume(acme(file))
                sender.restart()
                sender.now = datetime.now(UTC)
                sender.send()
            assert receiver.stdout is not None
            line = receiver.stdout.readline()
            assert line == "+393331234567 consent.granted marketing 2026-11-25T12:00:00.000Z\n"
            assert real is not None
            forger = HookClient(Hook(real.url, b"x" * 32))
            reply = forger.send("msg_test", trial_content("msg_test", START), datetime.now(UTC))
            assert reply.status == 400
            old = HookClient(real).send("msg_test", trial_content("msg_test", START), START)
            assert old.status == 400
        finally:
            receiver.terminate()
