"""The findings of `informativa doctor` about an Asterisk: state, sentence and remedy, over a manager
interface that really listens and says what the test says."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consenting import ask_for_consents
from doubles import ManagerServer
from informativa.asterisk import ami
from informativa.asterisk import dialplan as dialplans
from informativa.config import Configuration, load
from informativa.model.errors import ManagerError
from informativa.model.text import Text
from informativa.operations.doctor import asterisk, dialplan, users
from informativa.operations.doctor.dialplan import DialplanStep
from informativa.operations.doctor.findings import Finding, ok, unknown, warning, wrong
from informativa.operations.doctor.system import System
from informativa.system import shipped

Check = Callable[[System], AsyncIterator[Finding]]

OTHER = 54321  # a user id that is nobody's
LOADED = "Response: Success\nVersion: 22.5.0"
NOT_LOADED = "Response: Error\nMessage: Module not loaded"
ALL = frozenset({"CoreSettings", "DBDel", "DBGetTree", "ModuleCheck", "ShowDialPlan"})
CALLING = DialplanStep("from-trunk", "_[+0-9].", 1, "Gosub", "informativa,s,1(${EXTEN})")
WITHDRAWING = replace(CALLING, data="informativa,consent,1(${EXTEN})")
FIXED_LINE = replace(CALLING, extension="+493012345678")
WHERE = (
    "Where its calls come in, before a queue or a Dial: same =>"
    " n,GosubIf($[${DIALPLAN_EXISTS(informativa,s,1)}]?informativa,s,1(${EXTEN}))"
)


@pytest.fixture
def configuration(folder: Path) -> Configuration:
    """One with two lines, +390212345678 and +493012345678, whose prompts are .wav files."""
    return load(folder / "informativa.yaml")


def looked(
    check: Check, configuration: Configuration, replies: Mapping[str, Any], **more: Any
) -> list[Finding]:
    """Return what a check finds of an Asterisk that says this to each action."""

    async def story() -> list[Finding]:
        async with ManagerServer(dict(replies)).listening() as account, ami.session(account) as session:
            system = System(configuration.file, configuration, (), asterisk=session, **more)
            return [finding async for finding in check(system)]

    return asyncio.run(story())


def modules(*missing: str) -> dict[str, Callable[[Mapping[str, str]], str]]:
    """An Asterisk that has loaded all modules but these."""
    return {"ModuleCheck": lambda asked: NOT_LOADED if asked["Module"] in missing else LOADED}


def shown(steps: Iterable[DialplanStep]) -> dict[str, str]:
    """An Asterisk with this dialplan."""
    messages = ["Response: Success\nEventList: start\nMessage: DialPlan list will follow"]
    for step in steps:
        where = f"Context: {step.context}\nExtension: {step.extension}\nPriority: {step.priority}"
        does = f"Application: {step.application}\nAppData: {step.data}"
        messages.append(f"Event: ListDialplan\n{where}\n{does}")
    messages.append("Event: ShowDialPlanComplete\nEventList: Complete")
    return {"ShowDialPlan": "\n\n".join(messages)}


def spooled(**rows: str) -> dict[str, str]:
    """An Asterisk with these rows in AstDB, by call and time."""
    messages = ["Response: Success\nEventList: start\nMessage: Result will follow"]
    for name, text in rows.items():
        key = name.removeprefix("row").replace("_", ".", 1).replace("_", "-")
        messages.append(f"Event: DBGetTreeResponse\nKey: /informativa/{key}\nVal: {text}")
    messages.append("Event: DBGetTreeComplete\nEventList: Complete")
    return {"DBGetTree": "\n\n".join(messages)}


def dialplan_steps(configuration: Configuration) -> list[DialplanStep]:
    """The dialplan of this configuration."""
    template = (shipped.folder("dialplan") / "informativa.conf").read_text()
    return list(dialplan.parsed(dialplans.render(template, configuration)))


def changed(steps: Iterable[DialplanStep], old: str, new: str) -> list[DialplanStep]:
    """The same with other words in what its steps do."""
    return [replace(step, data=step.data.replace(old, new)) for step in steps]


def script(name: str | Path) -> dict[str, str]:
    """An Asterisk whose dialplan starts a script, beside the service."""
    return shown(
        [
            DialplanStep("informativa", "s", 1, "AGI", "agi://127.0.0.1:4588/notice/token,x"),
            DialplanStep("informativa", "s", 2, "AGI", f"{name},x"),
            DialplanStep("elsewhere", "s", 1, "AGI", "/somebody/elses,x"),
        ]
    )


def test_account_with_all_rights(configuration: Configuration) -> None:
    """An account that may do all that is needed is in order."""
    assert looked(asterisk.rights, configuration, {}, allowed=ALL) == [
        ok(Text("the account may do all that is needed"))
    ]


RIGHTS = "In its section of manager.conf put: write = system,reporting (then: asterisk -rx 'manager reload')."


@pytest.mark.parametrize(
    ("lacking", "rights"),
    [
        ({"CoreSettings", "ModuleCheck"}, "CoreSettings, ModuleCheck"),
        ({"DBDel"}, "DBDel, so the fallback spool stays where it is"),
        ({"DBGetTree", "ShowDialPlan"}, "DBGetTree, ShowDialPlan, so the fallback spool stays where it is"),
    ],
)
def test_account_that_lacks_rights(configuration: Configuration, lacking: set[str], rights: str) -> None:
    """What an account may not do is named, and that the spool is not collected where it needs just that."""
    assert looked(asterisk.rights, configuration, {}, allowed=ALL - lacking) == [
        wrong(f"the account at Asterisk's manager interface may not do {rights}", RIGHTS)
    ]


@pytest.mark.parametrize("given", ["16.28.0~dfsg", "22.5.0", "certified/18.9-cert1"])
def test_version_that_was_tried(configuration: Configuration, given: str) -> None:
    """A major version from 16 to 22 is in order, however it is written."""
    settings = {"CoreSettings": f"Response: Success\nAsteriskVersion: {given}"}
    assert looked(asterisk.version, configuration, settings) == [ok(Text(f"Asterisk {given}"))]


@pytest.mark.parametrize("given", ["15.7.4", "23.0.0", "unknown"])
def test_version_that_was_never_tried(configuration: Configuration, given: str) -> None:
    """An older version, a newer one and one that has no number are warned of."""
    settings = {"CoreSettings": f"Response: Success\nAsteriskVersion: {given}"}
    assert looked(asterisk.version, configuration, settings) == [
        warning(
            f"Asterisk {given} was never tried with informativa; 16 to 22 were",
            "Ring a line twice and look at `informativa ledger show`, or use one of those.",
        )
    ]


def load_module(module: str) -> str:
    """Return what is to be done about a module that is not loaded."""
    return (
        f"asterisk -rx 'module load {module}.so' (and no `noload` for it in modules.conf; it may be in a"
        " package of its own)"
    )


def test_modules_that_are_loaded(configuration: Configuration) -> None:
    """An Asterisk with all modules is in order."""
    assert looked(asterisk.modules, configuration, modules()) == [
        ok(Text("all modules that our dialplan needs are loaded"))
    ]


def test_modules_that_are_not_loaded(configuration: Configuration) -> None:
    """Each module that is missing is told with what the dialplan needs of it."""
    assert looked(asterisk.modules, configuration, modules("app_stack", "res_agi")) == [
        wrong("Asterisk has not loaded res_agi, and our dialplan needs its AGI", load_module("res_agi")),
        wrong(
            "Asterisk has not loaded app_stack, and our dialplan needs its Gosub, Return, LOCAL, STACK_PEEK",
            load_module("app_stack"),
        ),
    ]


def test_modules_that_may_not_be_asked_for(configuration: Configuration) -> None:
    """A refusal to say whether a module is loaded is not taken for one that is not."""
    denied = {"ModuleCheck": "Response: Error\nMessage: Permission denied"}
    with pytest.raises(ManagerError, match="refused ModuleCheck: Permission denied"):
        looked(asterisk.modules, configuration, denied)


def test_formats_that_can_be_read(configuration: Configuration) -> None:
    """Only the modules of formats that prompts have are looked for."""
    missing = modules("format_gsm", "format_pcm", "format_sln")
    assert looked(asterisk.formats, configuration, missing) == [
        ok(Text("the prompts are in formats that Asterisk reads"))
    ]


def test_format_that_no_prompt_needs(configuration: Configuration) -> None:
    """A format that cannot be read is a warning where each prompt has another one, too."""
    prompts = configuration.folder / "prompts"
    (prompts / "it/short.gsm").touch()
    (prompts / "it/short.g722").touch()
    (prompts / "en/short.ulaw").touch()
    assert looked(asterisk.formats, configuration, modules("format_gsm", "format_pcm")) == [
        warning("Asterisk has not loaded format_gsm, which reads prompts in gsm", load_module("format_gsm")),
        warning(
            "Asterisk has not loaded format_pcm, which reads prompts in g722, ulaw",
            load_module("format_pcm"),
        ),
    ]


def test_prompt_that_can_be_played_in_no_format(configuration: Configuration) -> None:
    """A prompt without any format that can be read is wrong, and is named."""
    short = configuration.folder / "prompts/en/short"
    Path(f"{short}.wav").rename(f"{short}.gsm")
    assert looked(asterisk.formats, configuration, modules("format_gsm")) == [
        wrong(
            "Asterisk has not loaded format_gsm, which reads prompts in gsm; it can play"
            f" {short} in no format",
            load_module("format_gsm"),
        )
    ]


def test_prompt_is_named_where_the_module_would_mend_it(configuration: Configuration) -> None:
    """A prompt that cannot be played is named with the module that reads it, and with no other; one that has
    no file at all is no module's fault."""
    prompts = configuration.folder / "prompts"
    (prompts / "en/short.wav").rename(prompts / "en/short.alaw")
    (prompts / "it/short.gsm").touch()
    (prompts / "de/full.wav").unlink()
    assert looked(asterisk.formats, configuration, modules("format_gsm", "format_pcm")) == [
        warning("Asterisk has not loaded format_gsm, which reads prompts in gsm", load_module("format_gsm")),
        wrong(
            "Asterisk has not loaded format_pcm, which reads prompts in alaw; it can play"
            f" {prompts}/en/short in no format",
            load_module("format_pcm"),
        ),
    ]


def test_sounds_of_an_asterisk_elsewhere(configuration: Configuration) -> None:
    """Whose process it is cannot be seen of an Asterisk on another machine, and so nothing is said."""
    assert looked(asterisk.sounds, configuration, {}) == [
        unknown(Text("whether Asterisk can read the prompts: whose process it is cannot be seen from here"))
    ]


def test_sounds_that_can_be_read(configuration: Configuration) -> None:
    """The prompts that Asterisk's user can read are counted."""
    user = users.name(os.geteuid())
    assert looked(asterisk.sounds, configuration, {}, asterisk_uid=os.geteuid()) == [
        ok(Text(f"Asterisk ({user}) can read all 9 prompts"))
    ]
    lone = replace(configuration, notices={})
    assert looked(asterisk.sounds, lone, {}, asterisk_uid=os.geteuid()) == [
        ok(Text(f"Asterisk ({user}) can read the only prompt"))
    ]


def test_sounds_that_cannot_be_read(configuration: Configuration) -> None:
    """Each file that Asterisk's user cannot read is told, in each of its formats."""
    lone, prompts = replace(configuration, notices={}), configuration.folder / "prompts/it"
    prompts.chmod(0o700)
    (prompts / "short-nokey.gsm").touch()
    closed = users.blocking(OTHER, prompts / "short-nokey.wav")
    assert closed is not None
    assert looked(asterisk.sounds, lone, {}, asterisk_uid=OTHER) == [
        wrong(f"Asterisk (54321) cannot read {prompts}/short-nokey.{form}", f"chmod a+x {closed}")
        for form in ("wav", "gsm")
    ]


def write(configuration: Configuration) -> str:
    """Return what writes the dialplan anew."""
    return f"informativa dialplan install -c {configuration.file}; asterisk -rx 'dialplan reload'"


def test_dialplan_without_our_context(configuration: Configuration) -> None:
    """A dialplan with our lines and without our context is not ours, and how to include it is said."""
    steps = [
        CALLING,
        *(step for step in dialplan_steps(configuration) if step.context == "informativa-lines"),
    ]
    assert looked(asterisk.context, configuration, shown(steps)) == [
        wrong(
            "Asterisk has no context [informativa] loaded",
            write(configuration),
        )
    ]


@pytest.mark.parametrize("elsewhere", ["hagi://notice.example", "agi://10.0.0.2:4588"])
def test_dialplan_that_asks_another_boxs_service(configuration: Configuration, elsewhere: str) -> None:
    """With `service.elsewhere` the dialplan has a line more after each that asks the own service, and is in
    order; without it the same dialplan is another's."""
    more = replace(configuration, elsewhere=elsewhere)
    steps = dialplan_steps(more)
    notice = f"notice/{configuration.tokens[0]}"
    asked = [step for step in steps if elsewhere in step.data]
    assert [(step.application, step.extension) for step in asked] == [
        ("ExecIf", "s"),
        ("ExecIf", "read"),
        ("ExecIf", "consent"),
    ]
    assert [step.data for step in asked] == [
        '$["${INFORMATIVA_STATUS}${INFORMATIVA_REASON}" = ""]?AGI('
        + f"{elsewhere}/{notice},${{{line}}},${{options}})"
        for line in ("INFORMATIVA_LINE", "line", "line")
    ]
    in_order = [ok(Text("the loaded dialplan is the one of this configuration"))]
    assert looked(asterisk.context, more, shown([CALLING, *steps])) == in_order
    findings = looked(asterisk.context, configuration, shown([CALLING, *steps]))
    assert elsewhere.partition("//")[2] in str(findings[0].finding)


def test_dialplan_of_this_configuration(configuration: Configuration) -> None:
    """A dialplan as this configuration comes to is in order, whatever else Asterisk has."""
    assert looked(asterisk.context, configuration, shown([CALLING, *dialplan_steps(configuration)])) == [
        ok(Text("the loaded dialplan is the one of this configuration"))
    ]


def test_dialplan_that_looks_elsewhere(configuration: Configuration) -> None:
    """An address at which the service is not to listen is told, and nothing else of the same steps."""
    steps = changed(dialplan_steps(configuration), "127.0.0.1:4588", "127.0.0.1:4600")
    assert looked(asterisk.context, configuration, shown(steps)) == [
        wrong(
            "the loaded dialplan looks for the service at 127.0.0.1:4600, and it is to listen at"
            " 127.0.0.1:4588",
            write(configuration),
        )
    ]


def test_dialplan_with_the_token_of_before(configuration: Configuration) -> None:
    """A token that is still accepted is a warning."""
    (current,) = configuration.tokens
    rotated = replace(configuration, tokens=("new", current))
    assert looked(asterisk.context, rotated, shown(dialplan_steps(configuration))) == [
        warning(
            "the loaded dialplan has an old token, which is accepted until a call comes with the new one",
            write(configuration),
        )
    ]


@pytest.mark.parametrize("token", ["/strange", ""])
def test_dialplan_without_the_token(configuration: Configuration, token: str) -> None:
    """Another token than ours, and none at all, are wrong: such calls are refused."""
    steps = changed(dialplan_steps(configuration), f"/{configuration.tokens[0]}", token)
    assert looked(asterisk.context, configuration, shown(steps)) == [
        wrong(
            "the loaded dialplan lacks the token by which Asterisk is known: its calls are refused",
            write(configuration),
        )
    ]


def test_dialplan_with_a_step_too_many(configuration: Configuration) -> None:
    """A step of our context that asks the service without a token is found beside all that are in order."""
    stray = DialplanStep("informativa", "old", 1, "AGI", "agi://127.0.0.1:4588/notice,x")
    assert looked(asterisk.context, configuration, shown([*dialplan_steps(configuration), stray])) == [
        wrong(
            "the loaded dialplan lacks the token by which Asterisk is known: its calls are refused",
            write(configuration),
        )
    ]


def test_dialplan_with_a_token_that_nobody_asks_for(configuration: Configuration) -> None:
    """Where whoever connects is believed, a token in the dialplan is no fault but a difference."""
    believing = replace(configuration, tokens=())
    assert looked(asterisk.context, believing, shown(dialplan_steps(configuration))) == [
        warning(
            "the loaded dialplan is not as this version of informativa writes it for this configuration",
            write(configuration),
        )
    ]


def test_dialplan_of_before_a_line(configuration: Configuration) -> None:
    """The lines that are missing or play something else are named, in every spelling."""
    steps = [step for step in dialplan_steps(configuration) if step.extension != "+390212345678"]
    steps = changed(steps, "prompts/de/short", "prompts/de/before")
    (finding,) = looked(asterisk.context, configuration, shown(steps))
    assert finding == wrong(
        "the loaded dialplan is older than the configuration; it differs for +390212345678, +493012345678,"
        " 00493012345678, 03012345678, 493012345678",
        write(configuration),
    )


def test_dialplan_of_another_version(configuration: Configuration) -> None:
    """A step of our context that was changed by hand, or is of another version, is a warning."""
    steps = dialplan_steps(configuration)
    index = next(index for index, step in enumerate(steps) if step.context == "informativa")
    steps[index] = replace(steps[index], data="by hand")
    assert looked(asterisk.context, configuration, shown(steps)) == [
        warning(
            "the loaded dialplan is not as this version of informativa writes it for this configuration",
            write(configuration),
        )
    ]


def test_nothing_calls(configuration: Configuration) -> None:
    """A dialplan in which only our own contexts call us brings no caller to the notice."""
    assert looked(asterisk.lines, configuration, shown(dialplan_steps(configuration))) == [
        wrong("nothing in the dialplan calls informativa", WHERE)
    ]


def test_line_that_nothing_calls_for(configuration: Configuration) -> None:
    """Each line for which no step calls us is named."""
    steps = [replace(CALLING, extension="_+39X.")]
    assert looked(asterisk.lines, configuration, shown(steps)) == [
        warning("no context seems to call informativa for line +493012345678", WHERE)
    ]


def test_lines_that_are_all_called_for(configuration: Configuration) -> None:
    """The contexts that call us are named, each once and in order."""
    steps = [CALLING, replace(CALLING, priority=2), replace(CALLING, context="from-lab")]
    assert looked(asterisk.lines, configuration, shown(steps)) == [
        ok(Text("informativa is called from from-lab, from-trunk, for every line"))
    ]


@pytest.mark.parametrize(
    ("calling", "withdrawn_by"),
    [((CALLING,), False), ((CALLING, WITHDRAWING), True), ((FIXED_LINE, WITHDRAWING), True)],
    ids=["no way", "both", "a line for withdrawals alone"],
)
def test_line_by_which_callers_withdraw(
    folder: Path, calling: Sequence[DialplanStep], withdrawn_by: bool
) -> None:
    """GDPR 7(3): a line that callers are told to call to withdraw, and whose dialplan never asks them, is
    named with the step that does; one that is there for withdrawals alone need not play the notice."""
    findings = looked(asterisk.lines, load(ask_for_consents(folder)), shown(calling))
    text = "no context seems to call informativa,consent for line +390212345678, by which callers withdraw"
    warned = [warning(text, WHERE.replace("informativa,s,", "informativa,consent,"))]
    assert [finding for finding in findings if finding.state != "ok"] == ([] if withdrawn_by else warned)


def test_script_of_an_asterisk_elsewhere(configuration: Configuration) -> None:
    """Whether it can start a script cannot be seen of an Asterisk on another machine."""
    assert looked(asterisk.script, configuration, {}) == [
        unknown(Text("whether Asterisk can start the script: whose process it is cannot be seen from here"))
    ]


def started(configuration: Configuration, name: str | Path) -> list[Finding]:
    """Return what is found of the script that a dialplan starts as us."""
    return looked(asterisk.script, configuration, script(name), asterisk_uid=os.geteuid())


def cannot_execute(configuration: Configuration, file: str | Path) -> Finding:
    """Return that Asterisk, as us, cannot."""
    return wrong(
        f"Asterisk ({users.name(os.geteuid())}) cannot execute {file}, which the dialplan starts",
        write(configuration),
    )


def executable(file: Path, first: bytes) -> Path:
    """A file that begins so, and may be executed."""
    file.write_bytes(first)
    file.chmod(0o755)
    return file


def test_dialplan_that_starts_no_script(configuration: Configuration) -> None:
    """A dialplan whose only AGI of ours is the service has no script, and that is said."""
    steps = [DialplanStep("informativa", "s", 1, "AGI", "agi://127.0.0.1:4588/notice/token,x")]
    assert looked(asterisk.script, configuration, shown(steps), asterisk_uid=OTHER) == [
        unknown(Text("which script Asterisk starts: the dialplan names none"))
    ]


def test_script_in_asterisks_own_folder(configuration: Configuration) -> None:
    """Where Asterisk's own folder is, is not known: a script without a path is not looked for."""
    assert started(configuration, "informativa-agi") == [
        unknown(Text("which script Asterisk starts: informativa-agi is in its own folder"))
    ]


def test_script_that_is_not_there(configuration: Configuration, tmp_path: Path) -> None:
    """A script that is not there is wrong, and the dialplan is to be written anew."""
    assert started(configuration, tmp_path / "none") == [
        wrong(
            f"the dialplan starts {tmp_path}/none, which is not there",
            write(configuration),
        )
    ]


@pytest.mark.parametrize("first", [b"#!/bin/sh\n", b"#! /bin/sh -e\n", b"#!sh\n", b"\x7fELF"])
def test_script_that_can_be_started(configuration: Configuration, tmp_path: Path, first: bytes) -> None:
    """A program, and a script whose interpreter is there, can be started."""
    file = executable(tmp_path / "script", first)
    assert started(configuration, file) == [
        ok(Text(f"Asterisk ({users.name(os.geteuid())}) can start {file}"))
    ]


def test_script_that_may_not_be_started(configuration: Configuration, tmp_path: Path) -> None:
    """A script whose mode does not let Asterisk's user execute it is wrong."""
    file = executable(tmp_path / "script", b"#!/bin/sh\n")
    file.chmod(0o644)
    assert started(configuration, file) == [cannot_execute(configuration, file)]


def test_script_whose_interpreter_is_gone(configuration: Configuration, tmp_path: Path) -> None:
    """A script whose interpreter is not there or may not be executed is wrong, and the interpreter named."""
    file = executable(tmp_path / "script", f"#!{tmp_path}/python -I\n".encode())
    assert started(configuration, file) == [cannot_execute(configuration, tmp_path / "python")]
    (tmp_path / "python").touch(0o600)
    assert started(configuration, file) == [cannot_execute(configuration, tmp_path / "python")]


@pytest.mark.parametrize("first", [b"#!", b"#!\n", b"#! \t\n/bin/sh\n"])
def test_script_that_names_no_interpreter(configuration: Configuration, tmp_path: Path, first: bytes) -> None:
    """A script whose first line names no interpreter cannot be executed, and ends no examination."""
    file = executable(tmp_path / "script", first)
    assert started(configuration, file) == [cannot_execute(configuration, file)]


def test_script_that_is_a_folder(configuration: Configuration, tmp_path: Path) -> None:
    """A folder in the place of a script cannot be executed, and ends no examination."""
    (tmp_path / "script").mkdir(mode=0o755)
    assert started(configuration, tmp_path / "script") == [cannot_execute(configuration, tmp_path / "script")]


class Stopped:
    """A clock that stands at one moment."""

    def time(self) -> float:
        """1000 s."""
        return 1000.0


@pytest.mark.parametrize(
    ("timestamp", "seconds"),
    [
        ("1000.000000", None),
        ("1002.000000", None),
        ("998.000000", None),
        ("1003.000000", "3"),
        ("997.000000", "3"),
        ("4600.000000", "3600"),
    ],
)
def test_clocks(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch, timestamp: str, seconds: str | None
) -> None:
    """Two seconds between the clocks are nothing; more are told, in either direction."""
    monkeypatch.setattr(asterisk, "time", Stopped())
    pong = {"Ping": f"Response: Success\nPing: Pong\nTimestamp: {timestamp}"}
    agree = ok(Text("Asterisk's clock and this machine's agree"))
    apart = wrong(
        f"Asterisk's clock and this machine's are {seconds} s apart", "On both: timedatectl set-ntp true"
    )
    assert looked(asterisk.clock, configuration, pong) == [apart if seconds else agree]


COLLECTED = (
    "The service collects it every minute; if it stays, the service's log says why. Of a number that is to be"
    " a line, add the line; else, with its key: asterisk -rx 'database del informativa KEY'"
)


@pytest.mark.parametrize(
    "replies", [spooled(), {"DBGetTree": "Response: Error\nMessage: Database entry not found"}]
)
def test_spool_without_rows(configuration: Configuration, replies: dict[str, str]) -> None:
    """A family without rows, and one that Asterisk does not find, are an empty spool."""
    assert looked(asterisk.spool, configuration, replies) == [ok(Text("the fallback spool is empty"))]


def test_spool_with_rows(configuration: Configuration) -> None:
    """Rows are counted by why they were written; for one that will stay, by why it does."""
    good = f"line=+390212345678|prompt={configuration.folder}/prompts/it/short|ending=whole|seconds=9"
    replies = spooled(
        row1_1_1700000000000001=f"at=1700000000|{good}|why=service-busy",
        row1_2_1700000000000002=f"at=1700000000|{good}",
        row1_3_1700000000000003=f"at=1700000000|{good}",
        row1_4_1700000000000004="at=1700000000|line=+391|prompt=|ending=whole|seconds=9",
        row1_5_1700000000000005=f"at=noon|{good}",
    )
    assert looked(asterisk.spool, configuration, replies) == [
        warning(
            "1 row of the fallback spool is not in a ledger: it is not such as informativa writes", COLLECTED
        ),
        warning(
            "1 row of the fallback spool is not in a ledger: it names no line that is configured", COLLECTED
        ),
        warning("1 row of the fallback spool is not in a ledger: service-busy", COLLECTED),
        warning("2 rows of the fallback spool are not in a ledger: service-unavailable", COLLECTED),
    ]


def test_spool_of_an_operator_with_nothing_to_tell(folder: Path) -> None:
    """A row by which an operator read what is due on every call anyway is told as the operator's."""
    file = folder / "informativa.yaml"
    file.write_text(file.read_text().replace("when: once ", "when: always ", 1))
    replies = spooled(row1_1_1700000000000001="at=1700000000|line=+390212345678|ending=operator")
    assert looked(asterisk.spool, load(file), replies) == [
        warning("1 row of the fallback spool is not in a ledger: operator", COLLECTED)
    ]
