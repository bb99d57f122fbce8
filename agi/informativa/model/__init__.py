"""The nouns of a call, all frozen. No I/O and no decisions here.

Terms are the field's own: *controller*, *notice*, *purpose*, *line* (the called number), *delivery*
(one giving of one notice to one caller), *ledger*. Lengths are in samples at a stated rate where
Asterisk gives samples, and in seconds elsewhere; times are aware datetimes in UTC.
"""

from .calls import (
    Caller,
    Decision,
    Event,
    Heard,
    Identified,
    IncomingCall,
    Known,
    Playback,
    Record,
    Standing,
    Told,
    Unidentified,
    Verdict,
    told_elsewhere,
)
from .plan import (
    Controller,
    Document,
    Keys,
    Length,
    Line,
    Lookup,
    ManagerAccount,
    Notice,
    Outsourcing,
    Prompt,
    Recording,
    Step,
    Version,
)
from .words import Ending, Kind, NumberForm, Reason, Status

__all__ = [
    "Caller",
    "Controller",
    "Decision",
    "Document",
    "Ending",
    "Event",
    "Heard",
    "Identified",
    "IncomingCall",
    "Keys",
    "Kind",
    "Known",
    "Length",
    "Line",
    "Lookup",
    "ManagerAccount",
    "Notice",
    "NumberForm",
    "Outsourcing",
    "Playback",
    "Prompt",
    "Reason",
    "Record",
    "Recording",
    "Standing",
    "Status",
    "Step",
    "Told",
    "Unidentified",
    "Verdict",
    "Version",
    "told_elsewhere",
]
