"""The words of the field: what a record and the dialplan may say."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum


class Status(StrEnum):
    """The status of a notice in one word, as the dialplan gets it in INFORMATIVA_STATUS."""

    PLAYED = "PLAYED"  # heard to its end
    PARTIAL = "PARTIAL"  # begun and not finished: it stays due
    SKIPPED = "SKIPPED"  # left out by an explicit setting or by the caller's key
    NOTDUE = "NOTDUE"  # this caller already has it
    FALLBACK = "FALLBACK"  # played, but nobody could look or record: it was put into the fallback spool
    FAILED = "FAILED"  # due, and could not be played
    INFORMED = "INFORMED"  # told elsewhere than by a prompt: by an operator, a website, a contract
    ASKED = "ASKED"  # of a choice: it was asked, and the record has the answer
    NOTASKED = "NOTASKED"  # of a choice: it was to be asked, and could not be
    REPORTED = "REPORTED"  # of a choice: answered elsewhere than by key: to an operator, on a website


class RecordKind(StrEnum):
    """The way in which a caller got a notice; and kinds of records that are not about a delivery."""

    PHONE = "phone"
    OPERATOR = "operator"
    WEBSITE = "website"
    CONTRACT = "contract"
    ERASURE = "erasure"  # a caller's records were erased at his request
    PURGE = "purge"  # records older than the retention were deleted
    LOST = "lost"  # records that a backup does not have were lost with the ledger that it replaces
    NEW_LOG = "new-log"  # the log goes on in another one, which begins with this
    NEXT = "next"  # the log ends with this, and goes on in another one
    RULE = "rule"  # the rule by which records are kept and deleted from now on
    APPROVAL = "approval"  # the controller's word for other records about records
    TOTALS = "totals"  # the records of a day, counted
    ACCESS = "access"  # the newest entry of the access log


class Reason(StrEnum):
    """The reason why a notice was played or not; with `Ending` the only words INFORMATIVA_REASON may hold."""

    NOT_INFORMED = "not-informed"  # no complete delivery to this caller is on record
    NEW_PURPOSE = "new-purpose"  # what the caller knows does not cover a purpose of today's version
    MATERIAL_CHANGE = "material-change"  # a version since then is a material change
    PERIOD_OVER = "period-over"  # the plan asks for it again after so long
    EVERY_CALL = "every-call"  # the plan asks for it on every call, whoever knows it
    OTHER_COUNTRY = "other-country"  # the plan does not name the operator's country, or the dialplan does not
    NOT_ANSWERED = "not-answered"  # of a choice: no answer of this caller that still holds is on record
    ALREADY_INFORMED = "already-informed"
    SAME_CALL = "same-call"  # heard earlier in this call, before a transfer
    SERVICE_DATA_ONLY = "service-data-only"  # the line's setting: only data that the service needs are used
    INTERNAL = "internal"  # a telephone of the company's own rings, by the configuration
    WITHHELD = "withheld"  # the caller's number is restricted, unavailable or absent
    MALFORMED = "malformed"  # what came as the caller's number is not one
    SHARED = "shared"  # a number that many show or that stands for a missing one
    AMBIGUOUS = "ambiguous"  # the number may be one of two, or the call's description contradicts itself
    UNVERIFIED = "unverified"  # the network checked the number and found it wrong
    RECYCLED = "recycled"  # so long without a call that the number may be somebody else's now
    TOLD_ELSEWHERE = "told-elsewhere"  # by an operator, a website, a contract
    REQUEST = "request"  # of the caller, to be erased
    RESTORED = "restored"  # a backup was put in a ledger's place
    NEW_KEY = "new-key"  # a log's signing key was replaced, and with it the log
    RETENTION = "retention"  # the time for which the controller keeps records is over
    CONFIGURED = "configured"  # the configuration says so
    COUNTED = "counted"  # a day is over, or somebody looked at records
    APPROVED = "approved"  # whoever approves for the controller has signed it
    NOTHING_TO_TELL = "nothing-to-tell"  # an operator read what is due on every call anyway
    LEDGER_UNAVAILABLE = "ledger-unavailable"
    SERVICE_UNAVAILABLE = "service-unavailable"  # the dialplan had to play it by itself …
    SERVICE_BUSY = "service-busy"  # … or because the service had too many calls
    NO_LINE = "no-line"  # the called number is not configured


class Unasked(StrEnum):
    """The reason why a caller was not asked a choice of the plan, of which there is no record."""

    WITHHELD = (
        Reason.WITHHELD.value
    )  # a consent is somebody's, and nobody knows whose call it is: see `Reason`
    MALFORMED = Reason.MALFORMED.value
    SHARED = Reason.SHARED.value
    AMBIGUOUS = Reason.AMBIGUOUS.value
    UNVERIFIED = Reason.UNVERIFIED.value
    INTERNAL = Reason.INTERNAL.value
    NOT_VOUCHED = "not-vouched"  # nobody confirms the number whom the choice asks for
    NOT_TOLD = (
        "not-told"  # no notice before it tells its purpose, or one that was due was not heard to its end
    )
    ENOUGH_ASKED = "enough-asked"  # as many consents were asked in this call as the line allows
    NOT_ON_RECORD = "not-on-record"  # the ledger cannot be used, and a consent without a record is void
    HUNG_UP_BEFORE = "hung-up-before"  # the caller hung up before its turn


class Ending(StrEnum):
    """The end of the playback of one prompt."""

    WHOLE = "whole"
    KEY = "key"  # the caller pressed a key that stops the prompt
    HUNG_UP = "hung-up"
    CUT_SHORT = "cut-short"  # Asterisk ended it before the prompt's known length
    NOT_PLAYABLE = "not-playable"  # Asterisk could not open or decode the prompt
    CHANGED = (
        "recording-changed"  # its files are not those that were found in order: what was said is not known
    )
    CONNECTION_LOST = "connection-lost"  # Asterisk, or its connection, went away meanwhile
    SERVICE_STOPPED = "service-stopped"  # informativa was told to stop and could not wait for the end


class Asks(StrEnum):
    """The kind of a choice: what the caller is asked. `choices.KINDS` says what each kind entails."""

    CONSENT = "consent"  # to the use of his data for one purpose (GDPR 4(11), 7)
    OPERATOR = "operator"  # to be answered from within the European Union (art. 24-bis(5) DL 83/2012)
    HUMAN = "human"  # to be answered by a person instead of a machine
    RECORDING = "recording"  # not to have the call recorded, or to have it


class Answer(StrEnum):
    """The outcome of a choice: one of its options, or the reason why there is no answer."""

    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # a consent, which was granted before
    EU = "eu"  # answer me from within the European Union
    HUMAN = "human"  # let a person answer
    NOT_RECORDED = "not-recorded"  # do not record the call
    RECORDED = "recorded"  # the call may be recorded; a company may also say that silence means it
    SILENCE = "silence"  # no key was pressed
    UNCLEAR = "unclear"  # a key was pressed that was not offered
    EARLY = "early"  # a key that grants was pressed before all was heard that it grants
    HUNG_UP = "hung-up"
    NOT_ASKED = "not-asked"


class NumberVerification(StrEnum):
    """The verdict on a number of a network that checks them."""

    PASSED = "passed"
    FAILED = "failed"
    ABSENT = "absent"  # nothing was checked, nothing speaks against it


class Vouched(StrEnum):
    """The party that says that the number shown is the caller's (law: a number is not a person)."""

    NOBODY = "nobody"  # the caller's own side wrote it, and nobody checked
    NETWORK = "network"  # the network put it there, or checked it (Q.931 screening)
    SIGNATURE = "signature"  # an operator signed it, and the signature was verified (STIR/SHAKEN)
    DIALPLAN = "dialplan"  # the dialplan recognised the caller by other means, such as a PIN


class NumberForm(StrEnum):
    """The form in which a trunk writes callers' numbers that come without plus or 00."""

    NATIONAL = "national"
    INTERNATIONAL = "international"  # with country code
    EITHER = "either"  # unknown: what may be both is nobody's


class Role(StrEnum):
    """The rights of an account of the console for one controller; each role has those of the ones above."""

    READER = "reader"  # see how it goes: states, calls, records
    COMPLIANCE = "compliance"  # look callers up, export, erase, and prove
    ADMIN = "admin"  # settings, and who may what

    def may(self, needed: Role) -> bool:
        """Return whether this role includes the rights of `needed`. (As words, `<` would compare their
        letters.)"""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class Action(StrEnum):
    """An action of somebody in the console or in a shell, as the access log has it."""

    LOGIN = "login"
    LOGIN_REFUSED = "login-refused"  # somebody gave a wrong password or code for the account
    LOGOUT = "logout"
    SEARCH = "search"  # looked for a caller or for records; the detail is by what, without numbers
    OPEN_CALLER = "open-caller"  # saw all that is on record of one
    OPEN_RECORD = "open-record"
    LISTEN = "listen"  # heard what a caller heard
    LETTER = "letter"  # the answer to an access request, shown or saved
    RECEIPT = "receipt"
    EXPORT = "export"
    EXPORT_ASKED = "export-asked"  # asked for a file that a second person must confirm
    EXPORT_CONFIRMED = "export-confirmed"  # confirmed what somebody else asked for
    WHAT_IF = "what-if"  # asked what would happen to a call from a number
    RECORD_ELSEWHERE = "record-elsewhere"  # put on record that a caller was told elsewhere
    RECORD_CONSENT = "record-consent"  # put on record what a caller answered to a consent
    HOOK = "hook"  # discarded messages to the company's hook, or had those sent that waited
    ERASE_TRIAL = "erase-trial"  # saw what would be erased of a caller
    ERASE = "erase"
    REQUEST = "request"  # opened a person's request, led it on, or closed it
    PURGE = "purge"  # deleted what is past the retention; the service's own purge is nobody's act
    NEW_KEY = "new-key"  # gave the company another key for pseudonyms
    BUNDLE = "bundle"
    AUDIT = "audit"
    SETTINGS = "settings"  # changed the configuration
    ACCOUNTS = "accounts"  # changed who may what
    ACCESS_LOG = "access-log"  # looked at this record itself


class Verdict(StrEnum):
    """The verdict of an audit."""

    COMPLETE = "complete"
    """Nothing was changed, added or taken away."""
    ACCOUNTED = "accounted"
    """Each record that is gone is named by a note that holds, and has the approval that it needs."""
    GAPS = "gaps"
    """Records are gone, and no note accounts for them."""
    CHANGED = "changed"
    """Something is not as it was written and signed."""

    @property
    def exit_code(self) -> int:
        """The exit status of the command."""
        return _EXIT_CODES[self]

    @property
    def is_good(self) -> bool:
        """`True` if nobody need look into it."""
        return not self.exit_code


_EXIT_CODES = {Verdict.COMPLETE: 0, Verdict.ACCOUNTED: 0, Verdict.GAPS: 3, Verdict.CHANGED: 1}


class NumberKind(Enum):
    """The kind of a number's holder, as far as the numbering plan tells."""

    LANDLINE = "one household's; in some countries numbers do not show whether it is a mobile"
    PERSONAL = "one other telephone's: a mobile, or one over the internet"
    SHARED = "toll-free, shared-cost, service and personal numbers (Italy's 199), which whole companies show"


ValidNumbers = Mapping[str, tuple[str, NumberKind]]
"""Numbers in E.164 that a text may be, each with its country (ISO 3166) and the kind of its holder."""
