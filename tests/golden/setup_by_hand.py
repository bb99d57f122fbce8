"""Results of setup, built by hand: they name users, units and programs of a machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from informativa.model.text import NOTHING, Text
from informativa.operations.setup.report import SetupAction, SetupPart, SetupReport, SetupState, SetupStep

ETC, ASTERISK = "/etc/informativa", "/etc/asterisk"
ENABLE = "systemctl enable --now informativa"
OWNER = "asterisk:asterisk"
RELOAD = "asterisk -rx 'dialplan reload'"
STEP = "GosubIf($[${DIALPLAN_EXISTS(informativa,s,1)}]?informativa,s,1(${EXTEN}))"


def _file(
    part: SetupPart,
    path: str,
    state: SetupState,
    mode: str,
    *difference: str,
    owner: str = "asterisk:asterisk",
) -> SetupStep:
    lines = () if state is SetupState.UNCHANGED else difference
    return SetupStep(part, SetupAction.WRITE, path, state, owner=owner, mode=mode, difference=lines)


def _command(part: SetupPart, words: str, state: SetupState, reason: Text = NOTHING) -> SetupStep:
    return SetupStep(part, SetupAction.RUN, words, state, reason)


def _steps(state: SetupState) -> tuple[SetupStep, ...]:
    return (
        _file(SetupPart.CONFIGURATION, f"{ETC}/keys", state, "700"),
        _file(SetupPart.CONFIGURATION, f"{ETC}/informativa.yaml", state, "644", "operator: Acme"),
        _file(
            SetupPart.SERVICE,
            "/etc/systemd/system/informativa.service",
            state,
            "644",
            "[Service]",
            "User=asterisk",
            owner="root:root",
        ),
        _file(
            SetupPart.DIALPLAN,
            f"{ASTERISK}/extensions.conf",
            state,
            "640",
            "@@ -1,2 +1,5 @@",
            " [from-trunk]",
            "-exten => 0212345678,1,Queue(care)",
            f"+exten => 0212345678,1,{STEP}",
            "+ same => n,Queue(care)",
            "+",
            "+#tryinclude informativa.conf",
        ),
        _command(SetupPart.SERVICE, ENABLE, state),
        _command(SetupPart.DIALPLAN, RELOAD, state),
    )


PREVIEW = SetupReport(
    Path(f"{ETC}/informativa.yaml"),
    Path(ASTERISK),
    "asterisk",
    undo=False,
    written=False,
    in_order=True,
    steps=_steps(SetupState.PLANNED),
    by_hand=(
        Text(
            "Calls to the lines may come in at {contexts}. Name the context of your trunk: --context {first}",
            contexts="from-trunk, internal",
            first="from-trunk",
        ),
    ),
    next=("informativa ledger show --controller acme", "informativa doctor"),
)
FAILED = replace(
    PREVIEW,
    written=True,
    in_order=False,
    by_hand=(),
    steps=(
        *_steps(SetupState.DONE)[:-1],
        _command(
            SetupPart.DIALPLAN,
            RELOAD,
            SetupState.FAILED,
            Text("it failed ({why})", why="Unable to connect to remote asterisk"),
        ),
    ),
)
NOTHING_LEFT = replace(PREVIEW, by_hand=(), steps=_steps(SetupState.UNCHANGED)[:-2])
UNDONE = SetupReport(
    Path(f"{ETC}/informativa.yaml"),
    None,
    None,
    undo=True,
    written=True,
    in_order=True,
    steps=(
        SetupStep(SetupPart.DIALPLAN, SetupAction.RESTORE, f"{ASTERISK}/extensions.conf", SetupState.DONE),
        SetupStep(SetupPart.DIALPLAN, SetupAction.DELETE, f"{ASTERISK}/informativa.conf", SetupState.DONE),
        _command(SetupPart.DIALPLAN, RELOAD, SetupState.DONE),
        SetupStep(
            SetupPart.SERVICE,
            SetupAction.DELETE,
            "/etc/systemd/system/informativa.service",
            SetupState.STAYS,
            Text("it was changed since"),
        ),
        SetupStep(
            SetupPart.CONFIGURATION,
            SetupAction.DELETE,
            ETC,
            SetupState.STAYS,
            Text("the ledger of {id} holds records of calls, which prove little without it", id="acme"),
        ),
    ),
)
