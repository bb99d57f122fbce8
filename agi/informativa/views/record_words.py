"""What the codes and names of a record mean, in sentences for somebody who has never seen one."""

from __future__ import annotations

from collections.abc import Mapping

from ..model import Ending, Reason, RecordKind, Status, Vouched
from ..text import Text
from .messages import Language
from .text.explain import RULES

STATUSES: dict[str, Text] = {
    Status.PLAYED: Text("the notice was played to its end"),
    Status.PARTIAL: Text("the notice began and was not heard to its end, so it does not count as given"),
    Status.SKIPPED: Text("the notice was left out, by a setting of the company or by a key of the caller"),
    Status.NOTDUE: Text("the notice was not played, since the caller had it already"),
    Status.FALLBACK: Text("a notice was played by the telephone system alone, to a caller who stays unknown"),
    Status.FAILED: Text("the notice was due and could not be played"),
    Status.INFORMED: Text("the caller was given the notice otherwise than by this telephone system"),
}
REASONS: dict[str, Text] = {
    **{str(reason): text for reason, text in RULES.items()},
    Reason.SAME_CALL: Text("the caller heard it earlier in the same call"),
    Reason.TOLD_ELSEWHERE: Text("the caller was told elsewhere"),
    Reason.REQUEST: Text("the caller asked for it"),
    Reason.RETENTION: Text("the time for which the company keeps records was over"),
    Reason.RESTORED: Text("a backup was put in the place of the records"),
    Reason.NEW_KEY: Text("the key that signs the log was replaced"),
    Reason.NOTHING_TO_TELL: Text("an operator read what is due on every call anyway"),
    Reason.LEDGER_UNAVAILABLE: Text("the records could not be read, so nothing proved that he was told"),
    Reason.SERVICE_UNAVAILABLE: Text("the program that decides could not be reached"),
    Reason.SERVICE_BUSY: Text("the program that decides had too many calls"),
    Reason.NO_LINE: Text("the called number is not configured"),
}
ENDINGS: dict[str, Text] = {
    Ending.WHOLE: Text("to its end"),
    Ending.KEY: Text("until the caller pressed a key"),
    Ending.HUNG_UP: Text("until the caller hung up"),
    Ending.CUT_SHORT: Text("until the telephone system ended it too early"),
    Ending.NOT_PLAYABLE: Text("the telephone system could not play it"),
    Ending.CHANGED: Text("the recording had been changed, so that nobody knows what was said"),
    Ending.CONNECTION_LOST: Text("until the connection to the telephone system was lost"),
    Ending.SERVICE_STOPPED: Text("until the program was stopped"),
}
KINDS: dict[str, Text] = {
    RecordKind.PHONE: Text("on the telephone"),
    RecordKind.OPERATOR: Text("by an operator"),
    RecordKind.WEBSITE: Text("on a website"),
    RecordKind.CONTRACT: Text("with a contract"),
    RecordKind.ERASURE: Text("a caller's records were erased at his request"),
    RecordKind.PURGE: Text("records older than the retention were deleted"),
    RecordKind.LOST: Text("records were lost that the backup does not have"),
    RecordKind.NEW_LOG: Text("the log goes on in this one"),
}
MIGRATED = Text("entered from a time before there was a log")
VOUCHERS: dict[str, Text] = {
    Vouched.NOBODY: Text("nobody; the caller's own side wrote it"),
    Vouched.NETWORK: Text("the telephone network"),
    Vouched.SIGNATURE: Text("another operator's signature, which was verified"),
    Vouched.DIALPLAN: Text("the company's telephone system, which recognised the caller otherwise"),
}
LANGUAGES: dict[str, Text] = {
    "it": Text("Italian"),
    "en": Text("English"),
    "de": Text("German"),
    "fr": Text("French"),
    "es": Text("Spanish"),
}
CODES: Mapping[str, Mapping[str, Text]] = {
    "status": STATUSES,
    "reason": REASONS,
    "ending": ENDINGS,
    "kind": {**KINDS, "migrated": MIGRATED},
    "was": KINDS,
    "vouched": VOUCHERS,
    "language": LANGUAGES,
    "wanted": LANGUAGES,
}
"""By the name of a fact, what each of its codes means; another code stands as it is."""

FACTS = {
    "counts": Text("Counts as informing (0: no)"),
    "ending": Text("How it ended"),
    "happened": Text("Happened (UTC)"),
    "heard": Text("Samples heard"),
    "indices": Text("Records that it is about"),
    "kind": Text("How it was given"),
    "language": Text("Language"),
    "length": Text("Samples of the recording"),
    "line": Text("Called number"),
    "log": Text("Log"),
    "notice": Text("Notice"),
    "number": Text("Number in the ledger"),
    "prompt": Text("Path of the recording"),
    "purposes": Text("Purposes"),
    "rate": Text("Samples of a second"),
    "reason": Text("Reason"),
    "record": Text("Index in the log, from 0"),
    "recorded": Text("Recorded (UTC)"),
    "recording": Text("Digest of the recording"),
    "status": Text("Outcome"),
    "supplement": Text("Only what is new (1: yes)"),
    "version": Text("Version"),
    "vouched": Text("Who vouches for the number"),
    "wanted": Text("Language that was wanted"),
    "was": Text("How it was given, before there was a log"),
}
PERSON = {
    "basis": Text("Record that shows what the caller had already"),
    "binding": Text("Binding to the number"),
    "call": Text("Id of the call"),
    "elsewhere": Text("Record of another box that shows what the caller had already"),
    "happened": Text("Happened (microseconds since 1970, UTC)"),
    "key": Text("Key that was pressed"),
    "linked": Text("Id of the conversation"),
    "pseudonym": Text("Pseudonym of the caller"),
    "recorded": Text("Recorded (microseconds since 1970, UTC)"),
    "earlier": Text("Pseudonym by an earlier key"),
    "reference": Text("What shows it elsewhere"),
}
"""What each fact is called, in a table."""

NAMES = {
    "privacy": Text("privacy notice"),
    "recording": Text("recording of calls"),
    "service": Text("handling the call and the service asked for"),
    "quality": Text("improving the quality of the service"),
    "marketing": Text("sending offers, only with consent"),
    "profiling": Text("learning preferences, only with consent"),
}
"""What notices and purposes with these ids are called, where their company gives them no name of its own."""


def named(one: str, names: Mapping[str, Mapping[str, str]], say: Language) -> str:
    """A notice or purpose by the name that its company gives it in the reader's language, or else by ours; by
    its id where there is neither."""
    own = names.get(say.code, {}).get(one)
    return own or (say(NAMES[one]) if one in NAMES else one)


MONTHS = (
    Text("January"),
    Text("February"),
    Text("March"),
    Text("April"),
    Text("May"),
    Text("June"),
    Text("July"),
    Text("August"),
    Text("September"),
    Text("October"),
    Text("November"),
    Text("December"),
)
MOMENT = Text("{day} {month} {year}, {time}")
TENTHS = Text("{whole}.{tenth}")
