"""The console's access log in words, and as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

from ...model import Action
from ...model.looks import Unusual, UnusualLooks
from ...model.text import Text
from ...operations.access_log import AccessEntries
from ..messages import Language
from ..terminal import one_line
from ..times import local_time

_ACTIONS: dict[Action, Text] = {
    Action.LOGIN: Text("logged in"),
    Action.LOGIN_REFUSED: Text("was refused: a wrong password or code"),
    Action.LOGOUT: Text("logged out"),
    Action.SEARCH: Text("looked for a caller or for records"),
    Action.OPEN_CALLER: Text("saw what is on record of a caller"),
    Action.OPEN_RECORD: Text("opened a record"),
    Action.LISTEN: Text("listened to what was played"),
    Action.WHAT_IF: Text("asked what would happen to a call"),
    Action.LETTER: Text("wrote an answer to a request for access"),
    Action.RECEIPT: Text("took a receipt"),
    Action.EXPORT: Text("took a file of records"),
    Action.EXPORT_ASKED: Text("asked for a file that a second person must confirm"),
    Action.EXPORT_CONFIRMED: Text("confirmed a file that somebody else asked for"),
    Action.RECORD_ELSEWHERE: Text("put on record that a caller was told elsewhere"),
    Action.RECORD_CONSENT: Text("put on record what a caller answered to a consent"),
    Action.HOOK: Text("discarded messages to the hook, or had them sent anew"),
    Action.ERASE_TRIAL: Text("saw what would be erased of a caller"),
    Action.ERASE: Text("erased a caller"),
    Action.REQUEST: Text("worked on a person's request"),
    Action.PURGE: Text("deleted what is past the retention"),
    Action.NEW_KEY: Text("gave the company a new key"),
    Action.BUNDLE: Text("took a bundle for an auditor"),
    Action.AUDIT: Text("audited the log"),
    Action.SETTINGS: Text("changed the configuration"),
    Action.ACCOUNTS: Text("changed an account, or who may what"),
    Action.ACCESS_LOG: Text("looked at this page"),
}
_DETAILS = {
    "number": Text("by telephone number"),
    "customer": Text("by customer number"),
    "begun": Text("begun (a later entry says that it is done)"),
    "done": Text("done"),
    "waiting": Text("noted, waits for the approval"),
    "shown": Text("shown"),
    "saved": Text("saved as a file"),
    "html": Text("as a page"),
    "proof": Text("for a program"),
    "oidc": Text("as the identity provider says"),
    "app": Text("with the code of an app"),
    "passkey": Text("with a passkey"),
    "passkey-twice": Text("with a passkey that exists twice"),
    "recovery": Text("with a recovery code"),
    "password": Text("the password"),
    "new-app": Text("set up an app"),
    "no-app": Text("removed the app"),
    "new-passkey": Text("registered a passkey"),
    "no-passkey": Text("removed a passkey"),
    "codes": Text("made recovery codes"),
    "sessions": Text("ended other sessions"),
    "invite": Text("invited"),
    "role": Text("another role:"),
    "log-out": Text("ended the sessions of"),
    "withdraw": Text("withdrew the invitation of"),
    "remove": Text("removed the account of"),
    "bundle": Text("bundle for an auditor"),
    "consents": Text("consents"),
}


def action_text(action: Action | str) -> Text | str:
    """Return an action in words, or the word itself if it is unknown."""
    return _ACTIONS[action] if isinstance(action, Action) else action


def detail_text(detail: str, say: Language) -> str:
    """Return a detail with its first word in the reader's language, if that is one of ours."""
    first, _space, remainder = detail.partition(" ")
    return f"{say(_DETAILS[first])} {remainder}".strip() if first in _DETAILS else detail


def unusual_text(looks: UnusualLooks) -> Text:
    """Return a sentence on unusual looks of an account."""
    text = (
        Text.counted("{account}: {count} look at night", "{account}: {count} looks at night", looks.count)
        if looks.kind is Unusual.NIGHT
        else Text.counted(
            "{account}: {count} person within an hour",
            "{account}: {count} persons within an hour",
            looks.count,
        )
    )
    return text.format(account=looks.account, count=looks.count)


def short(pseudonym: bytes | str | None) -> str:
    """Return the first hexadecimal digits of a pseudonym: enough to tell callers of one ledger apart."""
    digits = pseudonym.hex() if isinstance(pseudonym, bytes) else pseudonym
    return (digits or "")[:8]


def entries(page: AccessEntries, zone: tzinfo, say: Language) -> Iterator[str]:
    """Yield a line for each entry, the newest first, and the option that shows earlier ones."""
    for entry in page.entries:
        parts = [say("erased") if entry.erased else short(entry.caller)]
        parts += [say("record {record}", record=entry.record)] if entry.record is not None else []
        text = ", ".join(
            filter(None, [say(action_text(entry.action)), *parts, detail_text(entry.detail or "", say)])
        )
        yield one_line(f"{local_time(entry.at, zone, seconds=True)}  {entry.account}: {text}")
    if not page.entries:
        yield say("Nothing of that kind is on record.")
    if page.before:
        yield say("For earlier ones: --before {number}", number=page.before)
