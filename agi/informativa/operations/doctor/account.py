"""The account at Asterisk's manager interface: what it must be allowed, and how to make one that is
allowed nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...model import ManagerAccount
from ...text import Text

# The classes of `write` that let an account do each, any one of which suffices (Asterisk 16 and 22 agree).
ACTIONS = {
    "CoreSettings": ("system", "reporting"),
    "DBDel": ("system",),
    "DBGetTree": ("system", "reporting"),
    "ModuleCheck": ("system",),
    "ShowDialPlan": ("config", "reporting"),
}
COLLECTION = ("DBGetTree", "DBDel")  # what the service needs; the rest is for looking
WRITE = "system,reporting"  # the fewest that allow all; `read` is for events, and we want none
KEPT_IN = "keys/manager.secret"  # beside the configuration
TRIAL_READ, TRIAL_WRITE = "call,dialplan,agi", "originate"  # what a test call needs more

_STANZA = """\
[{user}]
secret = {secret}
deny = 0.0.0.0/0.0.0.0
permit = 127.0.0.1/255.255.255.255
read =
write = {write}
; {trial}
"""
_SETTINGS = """\
manager:
  address: {host}:{port}
  user: {user}
  secret: {file}
"""


def stanza(user: str, secret: str, say: Callable[[Text], str]) -> str:
    """The section of manager.conf that makes the account."""
    trial = Text(
        "for `informativa test-call`, which places a call, instead: read = {read} and write = {write}"
    )
    trial = trial.format(read=TRIAL_READ, write=f"{WRITE},{TRIAL_WRITE}")
    return _STANZA.format(user=user, secret=secret, write=WRITE, trial=say(trial))


def instructions(
    file: Path, configured: ManagerAccount | None, secret: Path, say: Callable[[Text], str]
) -> str:
    """What to copy where, with what is in the file `secret`: for the account that is `configured`, or for a
    first one. Raises OSError."""
    account = configured or ManagerAccount("127.0.0.1", 5038, "informativa", "")
    words = secret.read_text(encoding="utf-8").strip()
    steps = [
        (
            Text(
                "At the end of /etc/asterisk/manager.conf, where [general] must say `enabled = yes`"
                " (FreePBX: manager_custom.conf):"
            ),
            stanza(account.user, words, say),
        ),
        (Text("Then, as root:"), "asterisk -rx 'manager reload'\n"),
    ]
    if configured is None:
        settings = _SETTINGS.format(host=account.host, port=account.port, user=account.user, file=KEPT_IN)
        steps.append((Text("In {file}:", file=file), settings))
    steps.append((Text("And at the end:"), f"systemctl restart informativa\ninformativa doctor -c {file}\n"))
    return "\n".join(f"{say(title)}\n\n{_indented(text)}" for title, text in steps)


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())
