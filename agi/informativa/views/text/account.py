"""Instructions to make an account at Asterisk's manager interface."""

from __future__ import annotations

from ...model.text import Text, command
from ...operations.doctor.account import KEPT_IN, TRIAL_READ, TRIAL_WRITE, WRITE, NewAccount
from ..messages import Language

_STANZA = """\
[{user}]
secret = {secret}
deny = 0.0.0.0/0.0.0.0
permit = 127.0.0.1/255.255.255.255
read =
write = {write}
; {check}
"""
_SETTINGS = """\
manager:
  address: {host}:{port}
  user: {user}
  secret: {file}
"""


def instructions(account: NewAccount, say: Language) -> str:
    """Return the texts to copy, each with its file."""
    steps = [
        (
            Text(
                "At the end of /etc/asterisk/manager.conf, where [general] must say `enabled = yes`"
                " (FreePBX: manager_custom.conf):"
            ),
            _stanza(account, say),
        ),
        (Text("Then, as root:"), "asterisk -rx 'manager reload'\n"),
    ]
    if not account.configured:
        settings = _SETTINGS.format(host=account.host, port=account.port, user=account.user, file=KEPT_IN)
        steps.append((Text("In {file}:", file=account.file), settings))
    doctor = command("informativa", "doctor", "-c", account.file)
    commands = f"systemctl restart informativa\n{doctor}\n"
    steps.append((Text("And at the end:"), commands))
    return "\n".join(f"{say(title)}\n\n{_indented(text)}" for title, text in steps)


def _stanza(account: NewAccount, say: Language) -> str:
    """The section of manager.conf that makes the account."""
    check = say(
        "for `informativa test-call`, which places a call, instead: read = {read} and write = {write}",
        read=TRIAL_READ,
        write=f"{WRITE},{TRIAL_WRITE}",
    )
    return _STANZA.format(user=account.user, secret=account.secret, write=WRITE, check=check)


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())
