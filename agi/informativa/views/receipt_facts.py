"""Names of a record's facts, in the tables of a receipt."""

from __future__ import annotations

from ..model.text import Text

FACTS = {
    "answer": Text("Answer"),
    "asks": Text("What was asked"),
    "choice": Text("Choice"),
    "counts": Text("Counts as informing (0: no)"),
    "ending": Text("How it ended"),
    "from": Text("First leaf that is counted"),
    "happened": Text("Happened (UTC)"),
    "head": Text("Hash of the newest entry"),
    "heard": Text("Samples heard"),
    "indices": Text("Records that it is about"),
    "kind": Text("How it was given"),
    "language": Text("Language"),
    "length": Text("Samples of the recording"),
    "line": Text("Called number"),
    "log": Text("Signed log"),
    "notice": Text("Notice"),
    "number": Text("Number in the ledger"),
    "options": Text("Keys with their answers"),
    "prompt": Text("Path of the recording"),
    "purposes": Text("Purposes"),
    "rate": Text("Samples of a second"),
    "reason": Text("Reason"),
    "record": Text("Index in the signed log, from 0"),
    "recorded": Text("Recorded (UTC)"),
    "recording": Text("Digest of the recording"),
    "rows": Text("Entries in the list of who looked at records"),
    "status": Text("Outcome"),
    "supplement": Text("Only what is new (1: yes)"),
    "to": Text("Leaf before which the count ends"),
    "totals": Text("Numbers of records by line, notice, outcome and reason"),
    "tries": Text("Times that it was asked"),
    "version": Text("Version"),
    "vouched": Text("Who vouches for the number"),
    "waited": Text("Milliseconds of the last wait until the answer"),
    "wanted": Text("Language that was wanted"),
}
PERSON = {
    "basis": Text("Record that shows what the caller had already"),
    "binding": Text("Binding to the number"),
    "call": Text("Id of the call"),
    "elsewhere": Text("Record of another box that shows what the caller had already"),
    "happened": Text("Happened (microseconds since 1970, UTC)"),
    "key": Text("Key that was pressed"),
    "linked": Text("Id of the conversation"),
    "opening": Text("Digest of the opening key"),
    "pseudonym": Text("Pseudonym of the caller"),
    "recorded": Text("Recorded (microseconds since 1970, UTC)"),
    "earlier": Text("Pseudonym by an earlier key"),
    "reference": Text("What shows it elsewhere"),
}
"""The name of each fact, in a table."""
