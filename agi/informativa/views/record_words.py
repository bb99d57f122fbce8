"""The meanings of the codes and names of a record, in sentences for readers who have never seen one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..evidence import commitment
from ..evidence.notes import LogNote
from ..ledgers import references
from ..model import Action, Ending, Event, Reason, RecordKind, Status, Vouched, name_of
from ..model.errors import EvidenceError
from ..model.requests import Identification
from ..model.text import Text
from ..operations.evidence import note_words
from .choice_sentences import ANSWERS, ASKS
from .messages import Language

RULES = {
    Reason.NOT_INFORMED: Text("nobody has told this caller to the end yet (GDPR 13(1))"),
    Reason.NEW_PURPOSE: Text(
        "the version in force covers a purpose that this caller was not told (GDPR 13(3))"
    ),
    Reason.MATERIAL_CHANGE: Text("a version since what this caller knows is a material change (WP260)"),
    Reason.PERIOD_OVER: Text("the plan asks for it again after so long"),
    Reason.RECYCLED: Text("nobody called for so long that the number may be somebody else's now"),
    Reason.UNVERIFIED: Text("the network found the number wrong, so nothing proves that he was told"),
    Reason.EVERY_CALL: Text("the plan asks for it on every call"),
    Reason.OTHER_COUNTRY: Text(
        "the plan does not name the operator's country, or the dialplan does not: the notice for all others"
    ),
    Reason.ALREADY_INFORMED: Text("this caller already has the information (GDPR 13(4))"),
    Reason.SERVICE_DATA_ONLY: Text(
        "the line's setting: only data needed for the service are used (Garante 2007)"
    ),
    Reason.INTERNAL: Text("a telephone of the company's own rings, by the configuration: there is no caller"),
    Reason.WITHHELD: Text("the caller's number is withheld, so nothing proves that he was told"),
    Reason.MALFORMED: Text("what came as the caller's number is not one, so nothing proves that he was told"),
    Reason.SHARED: Text("many callers show this number, so nothing proves that this one was told"),
    Reason.LEDGER_UNAVAILABLE: Text(
        "the company is not live, so nothing is known of its callers, and nothing recorded"
    ),
    Reason.AMBIGUOUS: Text("the digits may be two numbers, so nothing proves that he was told"),
}
"""Each reason of a decision in a sentence."""


STATUSES: dict[str, Text] = {
    Status.PLAYED: Text("the notice was played to its end"),
    Status.PARTIAL: Text("the notice began and was not heard to its end, so it does not count as given"),
    Status.SKIPPED: Text("the notice was left out, by a setting of the company or by a key of the caller"),
    Status.NOTDUE: Text("the notice was not played, since the caller had it already"),
    Status.FALLBACK: Text("a notice was played by the telephone system alone, to a caller who stays unknown"),
    Status.FAILED: Text("the notice was due and could not be played"),
    Status.INFORMED: Text("the caller was given the notice otherwise than by this telephone system"),
    Status.ASKED: Text("the caller was asked for a choice"),
    Status.NOTASKED: Text("the caller was to be asked for a choice, and could not be"),
    Status.REPORTED: Text("the caller told his choice otherwise than to this telephone system"),
}
REASONS: dict[str, Text] = {
    **{str(reason): text for reason, text in RULES.items()},
    Reason.NOT_ANSWERED: Text("no answer of this caller that still holds is on record"),
    Reason.SAME_CALL: Text("the caller heard it earlier in the same call"),
    Reason.TOLD_ELSEWHERE: Text("the caller was told elsewhere"),
    Reason.REQUEST: Text("the caller asked for it"),
    Reason.RETENTION: Text("the time for which the company keeps records was over"),
    Reason.RESTORED: Text("a backup was put in the place of the records"),
    Reason.NEW_KEY: Text("the key that signs the log was replaced"),
    Reason.CONFIGURED: Text("the configuration says so"),
    Reason.COUNTED: Text("what was recorded until then was counted"),
    Reason.APPROVED: Text("the person who approves for the company signed it"),
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
    RecordKind.NEXT: Text("the log ends here, and goes on in another one"),
    RecordKind.RULE: Text("by this rule records are kept from now on"),
    RecordKind.APPROVAL: Text("the company approved other entries"),
    RecordKind.TOTALS: Text("the records of a day, counted"),
    RecordKind.ACCESS: Text("the last entry of the list of who looked at records"),
}
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
    "kind": KINDS,
    "vouched": VOUCHERS,
    "language": LANGUAGES,
    "wanted": LANGUAGES,
    "asks": ASKS,
    "answer": ANSWERS,
}
"""The meaning of each code of a fact, by the name of the fact; another code stands as it is."""

LOOKS: Mapping[str, Text] = {
    Action.SEARCH: Text("search for your records"),
    Action.OPEN_CALLER: Text("view of the records about you"),
    Action.OPEN_RECORD: Text("view of one record"),
    Action.LISTEN: Text("listening to the notice that you heard"),
    Action.LETTER: Text("answer to a request for access"),
    Action.RECEIPT: Text("receipt of a record"),
    Action.EXPORT: Text("export of your records"),
    Action.WHAT_IF: Text("check of which notice a call from you would hear"),
    Action.RECORD_ELSEWHERE: Text("entry that you were informed by other means"),
    Action.RECORD_CONSENT: Text("entry of what you answered to a consent"),
    Action.ERASE_TRIAL: Text("preview of an erasure"),
    Action.ERASE: Text("erasure"),
}
"""For what somebody looked at a caller's data, said to that caller."""


IDENTIFICATIONS: Mapping[Identification, Text] = {
    Identification.CALLED_BACK: Text("we called it back"),
    Identification.IN_PERSON: Text("you came in person"),
    Identification.DOCUMENT: Text("you showed an identity document"),
    Identification.SIGNATURE: Text("your request is signed electronically"),
    Identification.ACCOUNT: Text("you asked from your account with us"),
}
"""The ways in which it was checked that the number is the person's, said to that person."""


def name_in_language(notice_id: str, names: Mapping[str, Mapping[str, str]], say: Language) -> str:
    """A notice or purpose by its name in the reader's language."""
    return say(name_of(notice_id, names))


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
TENTHS = Text("{whole}.{tenth}")


def note_text(event: Event, words: Callable[[LogNote], Text] = note_words.statement) -> Text | None:
    """Return what a note says, if the record is one."""
    if event.kind not in commitment.ABOUT_RECORDS or not references.is_note(event.reference):
        return None
    try:
        return words(LogNote.of_text(event.reference))
    except (EvidenceError, ValueError):  # an audit reports it
        return None


def tenths(number: float, say: Language) -> str:
    """Return a number with one decimal, as the language writes it."""
    units, tenth = divmod(round(10 * number), 10)
    return say(TENTHS.format(whole=units, tenth=tenth))
