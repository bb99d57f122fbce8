"""Mistakes in a company's hook: no caller needs one, and what it should be told of waits."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from commands import run
from consenting import CALLER, NOW, act, answered_by_key
from hooking import SECRET, Sender, hook_up
from informativa.call.caller import hook_subject
from informativa.config import for_call, inspect, of_calls
from informativa.config.document import SourceDocument
from informativa.config.findings import Findings
from informativa.config.looks import Looks
from informativa.model import Answer, Controller, Identified, RecordKind
from informativa.model.hooks import Hook
from informativa.operations import consents, hooks
from informativa.operations.controllers import select_for_notices
from informativa.operations.doctor import hooks as check
from informativa.operations.doctor.findings import State
from informativa.operations.doctor.system import System
from informativa.process import storage
from informativa.process.preparation import prepare, with_previous_hooks
from receiver import receiving

GRANTED, WITHDRAWN = Answer.GRANTED, Answer.WITHDRAWN
NOWHERE = "http://127.0.0.1:1/"
LINE = "+390212345678"


def _without_secret(file: Path) -> None:
    (file.parent / "keys/acme.hook").unlink()


def _with_other(old: str, new: str) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new, 1))

    return change


MISTAKES = {
    "no secret": _without_secret,
    "in clear": _with_other(NOWHERE, "http://crm.example/"),
    "no address": _with_other(f"url: '{NOWHERE}', ", ""),
    "misspelt": _with_other("subject: number", "subjekt: number"),
    "no section": _with_other(
        f"hook: {{url: '{NOWHERE}', secret: keys/acme.hook, subject: number, timeout: 30 seconds}}",
        "hook: https://crm.example/",
    ),
}


@pytest.mark.sample(2)
@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_in_a_hook_ends_no_call(folder: Path, mistake: str) -> None:
    """A service and a script take the calls of a company whose hook has a mistake, which is said; no message
    is sent to what was not meant, and acts are still to be told."""
    file = hook_up(folder, NOWHERE)
    MISTAKES[mistake](file)
    prepared = prepare(file)
    assert LINE in prepared.spelled
    assert not prepared.mistaken
    assert not prepared.controllers["acme"].refused
    assert {problem.key.split(".")[2] for problem in prepared.hook_mistakes} == {"hook"}
    _configuration, problems = for_call(file, LINE)
    assert not of_calls(problems, "acme", LINE)
    hook = prepared.controllers["acme"].hook
    assert hook is not None
    assert hook.is_usable is (mistake == "misspelt")
    assert run("check", "-c", file).returncode == 1


def test_act_without_a_secret_is_sent_once_its_caller_has_a_name(folder: Path) -> None:
    """An act by key while the hook has no secret is on record, and waits without a name, which doctor says;
    with the caller's next act it is sent, and before that."""
    with receiving() as receiver:
        file = hook_up(folder, receiver.url)
        _without_secret(file)
        owner = prepare(file).controllers["acme"]
        _answer(owner, GRANTED, "4", 0)
        (folder / "keys/acme.hook").write_text(SECRET)
        (folder / "keys/acme.hook").chmod(0o600)
        sender = Sender(file)
        sender.send()
        assert not receiver.posts
        assert (sender.state.waiting, sender.state.unnamed) == (1, 1)
        findings = list(check.hooks(System(file, inspect(file)[0], (), now=NOW)))
        assert findings[0].state is State.WARNING
        assert "cannot be told of 1 consent" in str(findings[0].finding)
        text = run("consent", "hook", "acme", "-c", file).stdout
        assert "1 cannot be sent: the hook had no secret" in text
        assert "its caller has no name" in text
        act(file, WITHDRAWN, typed=CALLER, now=NOW + timedelta(minutes=1))
        sender.later(hours=1)
        sender.send()
    types = [post.message["type"] for post in receiver.posts]
    assert types == ["consent.granted", "consent.withdrawn"]
    assert len({post.message["data"]["subject"] for post in receiver.posts}) == 1
    assert sender.state.unnamed == 0


def _answer(owner: Controller, answer: Answer, key: str, minutes: int) -> None:
    assert owner.hook is not None
    event = answered_by_key(owner, answer, key, NOW + timedelta(minutes=minutes))
    assert event.asked is not None
    asked = replace(event.asked, subject=hook_subject(Identified(CALLER.caller.number), owner.hook))
    with closing(storage.store(owner)) as ledger, ledger.transaction() as transaction:
        transaction.append(replace(event, asked=asked))


def test_hook_that_was_in_order_goes_on_after_a_reload_with_a_mistake(folder: Path) -> None:
    """A reload with a mistake in the hook takes all else of the company over, and the hook goes on as before,
    on its lines, too."""
    file = hook_up(folder, NOWHERE)
    before = prepare(file)
    _without_secret(file)
    after = with_previous_hooks(before, prepare(file))
    assert after.controllers["acme"].hook == before.controllers["acme"].hook
    assert after.spelled[LINE].controller.hook == before.controllers["acme"].hook
    assert after.hook_mistakes


def test_secret_that_stalls_leaves_its_company_live() -> None:
    """A secret of a hook on a network folder that does not answer is a mistake, and no reason to leave the
    company's calls alone; its key is."""
    findings = Findings(SourceDocument("informativa.yaml"), Looks(None))
    findings.note_stalled(Path("/mnt/hook"), ("controllers", "acme", "hook", "secret"))
    assert (len(findings.problems), findings.stalled) == (1, {})
    findings.note_stalled(Path("/mnt/key"), ("controllers", "acme", "key"))
    assert list(findings.stalled) == ["acme"]


def test_overlong_customer_number_is_hashed() -> None:
    """What a dialplan gives as a customer number is sent as it is up to 100 characters, and hashed beyond
    them and where it may be a telephone's."""
    hook = Hook(NOWHERE, bytes(32), by_customer=True)
    assert hook_subject(Identified("C" * 100, customer=True), hook) == "C" * 100
    assert len(hook_subject(Identified("C" * 101, customer=True), hook)) == 64
    assert hook_subject(Identified("C\udc80", customer=True), hook) == "C?"
    assert hook_subject(Identified("C-7", customer=True), Hook(NOWHERE, b"", by_customer=True)) == "C-7"
    assert hook_subject(Identified("+393331234567"), Hook(NOWHERE, b"")) == ""


def test_withdrawal_is_recorded_without_a_secret(folder: Path) -> None:
    """A mistake in the hook keeps nobody from putting a withdrawal on record, which waits for a name."""
    file = hook_up(folder, NOWHERE)
    _without_secret(file)
    selection = select_for_notices(file, "acme")
    choice = consents.consent_named(selection.configuration, "acme", "marketing")
    consents.record_act(
        selection.named[0], choice, CALLER, Answer.WITHDRAWN, RecordKind.OPERATOR, "", None, NOW
    )
    assert hooks.state(prepare(file).controllers["acme"]).unnamed == 1
