"""Standing answers of many callers as a file of one of three kinds, made while they are read.

The linked data are consent records in the terms of the W3C Data Privacy Vocabulary, version 2, in the
structure of ISO/IEC TS 27560: the controller, the data subject, the notice, the purposes, the state and when
it was indicated. What DPV has no term for has a name below the log's own origin, as in jsonld.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from enum import StrEnum

from ..model import Answer, Choice, Controller, Reason
from ..operations.consent_export import ConsentRow
from . import jsonld
from .documents import SCHEMA, facts
from .record_files import csv_row, spreadsheet_cell
from .text.consents import place_of

_encoded = json.JSONEncoder(ensure_ascii=False).encode
_TERMS = {
    "dpv:hasProcess": {"@type": "@id"},
    "dpv:isIndicatedAtTime": {"@type": "xsd:dateTime"},
    "dct:valid": {"@type": "xsd:dateTime"},
}
_ENDED = {Reason.PERIOD_OVER: "ConsentExpired"}


class ConsentFormat(StrEnum):
    """A kind of file."""

    CSV = "csv"
    LINES = "jsonl"
    LINKED = "jsonld"


def text(
    form: ConsentFormat,
    rows: Iterable[ConsentRow],
    owner: Controller,
    choices: Mapping[str, Choice],
    origin: str,
) -> Iterator[str]:
    """Yield the file in parts; `origin` is that of the newest log, `choices` are the consents by name."""
    if form is ConsentFormat.LINKED:
        return _linked(rows, owner, choices, origin)
    return _FORMS[form](rows)


def _table(rows: Iterable[ConsentRow]) -> Iterator[str]:
    names = [column.name for column in fields(ConsentRow)]
    yield csv_row(list(names))
    for row in rows:
        values = facts(row)
        yield csv_row([spreadsheet_cell(name, values[name]) for name in names])


def _lines(rows: Iterable[ConsentRow]) -> Iterator[str]:
    for row in rows:
        yield f"{_encoded({'schema': SCHEMA} | facts(row))}\n"


_FORMS: Mapping[ConsentFormat, Callable[[Iterable[ConsentRow]], Iterator[str]]] = {
    ConsentFormat.CSV: _table,
    ConsentFormat.LINES: _lines,
}


def _linked(
    rows: Iterable[ConsentRow], owner: Controller, choices: Mapping[str, Choice], origin: str
) -> Iterator[str]:
    processes = [
        {
            "@id": f"#choice-{choice.id}",
            "@type": "dpv:Process",
            "dct:identifier": choice.id,
            "dpv:hasPurpose": [jsonld.purpose(choice.purpose)],
            "log:withdrawAt": choice.withdraw_at,
        }
        for choice in choices.values()
    ]
    yield jsonld.begin(owner, origin, _TERMS, processes)
    for row in rows:
        yield f",\n{_encoded(_node(row, owner))}"
    yield jsonld.END


def _node(row: ConsentRow, owner: Controller) -> dict[str, object]:
    subject = f"#caller-{row.caller}"
    state = jsonld.CONSENTS[row.answer]
    if row.answer is Answer.GRANTED and row.ended is not None:
        state = _ENDED.get(row.ended, "ConsentInvalidated")
    node: dict[str, object] = {
        "@id": f"#consent-{row.choice}-{row.caller}",
        "@type": "dpv:ConsentRecord",
        "dct:identifier": f"{row.choice}-{row.caller}",
        "dpv:hasDataController": "#controller",
        "dpv:hasDataSubject": {"@id": subject, "@type": "dpv:DataSubject"},
        "dpv:hasProcess": f"#choice-{row.choice}",
        "dpv:hasPurpose": [jsonld.purpose(purpose) for purpose in row.purposes],
        "dpv:hasNotice": {
            "@id": f"#choice-{row.choice}@{row.version}",
            "@type": "dpv:ConsentNotice",
            "dct:identifier": row.choice,
            "log:version": row.version,
        },
        "dpv:hasConsentStatus": {"@id": f"dpv:{state}"},
        "dpv:isIndicatedBy": {"@id": subject},
        "dpv:isIndicatedAtTime": jsonld.time(row.at),
        "prov:wasDerivedFrom": f"#record-{place_of(row)}",
    }
    if owner.outsourcing is not None:
        node["dpv:hasDataProcessor"] = "#processor"
    if row.kind is not None:
        node["log:kind"] = row.kind
    if row.answer is Answer.GRANTED and row.until is not None:
        node["dct:valid"] = jsonld.time(row.until)
    if row.ended is not None:
        node["log:ended"] = row.ended
    return node
