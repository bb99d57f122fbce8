"""The nouns of a call, all frozen. No I/O and no decisions here.

Terms are the field's own: *controller*, *notice*, *purpose*, *line* (the called number), *delivery* (one
giving of one notice to one caller), *ledger*. Lengths are in samples at a stated rate where Asterisk
gives samples, and in seconds elsewhere; times are aware datetimes in UTC.

- `words`: what a record and the dialplan may say
- `plan`, `prompts`: what the configuration says: who must hear what on which line; its sound
- `choices`, `countries`, `hooks`: kinds of choices; countries of operators; a company's hook
- `calls`: who rings, what was heard, what is recorded
- `looks`: looks at persons' data, and which are unusual
- `requests`: persons' requests: their states and moves
- `history`: what a caller already got, and a decision
- `names`: what people read in place of ids
- `connections`: a company's systems, Asterisk's manager
- `ports`: the contracts of all that is outside
- `errors`, `text`: all errors, and sentences as data
- `remedy`: remedies that are commands by which nothing is lost
- `plausibility`, `redaction`, `invisible`: days that cannot be; numbers and characters that may not be in
  a text
- `numbering`: telephone numbers by the world's plans
- `hashing`, `frozen`: what a script needs without loading OpenSSL and `dataclasses`
"""

from .calls import (
    INTERNAL_CALLER,
    TELEPHONE_RATE,
    Asked,
    Binding,
    Caller,
    CallResult,
    Event,
    Heard,
    Identified,
    IncomingCall,
    KeyPress,
    Playback,
    Record,
    RecordFilter,
    ReportedDelivery,
    Unidentified,
    told_elsewhere,
)
from .connections import Lookup, ManagerAccount, WebServer
from .history import (
    A_CALL,
    CallerHistory,
    Decision,
    PriorDelivery,
    PromptChoice,
    known_by,
    merge_histories,
)
from .names import (
    LETTER_LANGUAGES,
    NAMES,
    NamesByLanguage,
    languages_without_name,
    name_and_id,
    name_of,
    name_with_basis,
    names_and_ids,
    names_of,
)
from .plan import (
    ALWAYS,
    BackupPlan,
    Choice,
    Controller,
    Internal,
    Keys,
    LetterDetails,
    Line,
    LogRule,
    Notice,
    Outsourcing,
    OutsourcingDocument,
    Period,
    PlannedChoice,
    Recording,
    ReportMail,
    Step,
    Version,
)
from .prompts import (
    ChangedRecording,
    Length,
    Prompt,
    matching_language,
    prompts_by_part,
    recording_digest,
)
from .words import (
    Action,
    Answer,
    Asks,
    Ending,
    NumberForm,
    NumberVerification,
    Reason,
    RecordKind,
    Role,
    Status,
    Unasked,
    Verdict,
    Vouched,
)

__all__ = [
    "ALWAYS",
    "A_CALL",
    "INTERNAL_CALLER",
    "LETTER_LANGUAGES",
    "NAMES",
    "TELEPHONE_RATE",
    "Action",
    "Answer",
    "Asked",
    "Asks",
    "BackupPlan",
    "Binding",
    "CallResult",
    "Caller",
    "CallerHistory",
    "ChangedRecording",
    "Choice",
    "Controller",
    "Decision",
    "Ending",
    "Event",
    "Heard",
    "Identified",
    "IncomingCall",
    "Internal",
    "KeyPress",
    "Keys",
    "Length",
    "LetterDetails",
    "Line",
    "LogRule",
    "Lookup",
    "ManagerAccount",
    "NamesByLanguage",
    "Notice",
    "NumberForm",
    "NumberVerification",
    "Outsourcing",
    "OutsourcingDocument",
    "Period",
    "PlannedChoice",
    "Playback",
    "PriorDelivery",
    "Prompt",
    "PromptChoice",
    "Reason",
    "Record",
    "RecordFilter",
    "RecordKind",
    "Recording",
    "ReportMail",
    "ReportedDelivery",
    "Role",
    "Status",
    "Step",
    "Unasked",
    "Unidentified",
    "Verdict",
    "Version",
    "Vouched",
    "WebServer",
    "known_by",
    "languages_without_name",
    "matching_language",
    "merge_histories",
    "name_and_id",
    "name_of",
    "name_with_basis",
    "names_and_ids",
    "names_of",
    "prompts_by_part",
    "recording_digest",
    "told_elsewhere",
]
