"""Records as linked data (JSON-LD 1.1), for programs that compare processing of many controllers.

The terms are those of the W3C Data Privacy Vocabulary, version 2, in the structure of ISO/IEC TS 27560: a
record, the controller, the data subject, the notice with its purposes and its state, the event. A record of a
notice is not of consent: the notice was given, or was known; nothing in it says that anybody agreed, and no
term of consent occurs in it. A caller's answer to a choice that asks for consent is a consent record: its
state, who indicated it, when and how. Other choices are notices of a choice. What DPV has no term for has the
name that it has in the log, in a vocabulary below the log's own origin. The context stands in the file, so
that no reader fetches anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from ..model import Answer, Asked, Asks, Controller, Event, Heard, Record, RecordKind, Status

_REFERENCES = (
    "dpv:hasDataController",
    "dpv:hasDataProcessor",
    "dpv:hasDataSubject",
    "dpv:hasNoticeStatus",
    "dpv:hasPurpose",
    "prov:wasDerivedFrom",
)
_CONTEXT = {
    "@version": 1.1,
    "dpv": "https://w3id.org/dpv#",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dct:created": {"@type": "xsd:dateTime"},
    "prov:atTime": {"@type": "xsd:dateTime"},
    **{term: {"@type": "@id"} for term in _REFERENCES},
}
CONSENTS = {
    Answer.GRANTED: "ConsentGiven",
    Answer.REFUSED: "ConsentRefused",
    Answer.WITHDRAWN: "ConsentWithdrawn",
}
"""The state of a consent after each act, in the terms of DPV."""

_SPOKEN = (RecordKind.PHONE, RecordKind.OPERATOR)


def begin(
    owner: Controller,
    origin: str,
    terms: Mapping[str, object] | None = None,
    more: Iterable[Mapping[str, object]] = (),
) -> str:
    """Return the beginning of the document, with the controller, the processor and `more` nodes; records
    follow, and `END`. `terms` are others for the context."""
    base = f"https://{origin}"
    context = {**_CONTEXT, **(terms or {}), "@base": base, "log": f"{base}#"}
    nodes: list[Mapping[str, object]] = [
        {
            "@id": "#controller",
            "@type": "dpv:DataController",
            "dct:title": owner.name,
            "dct:identifier": owner.id,
        }
    ]
    if owner.outsourcing is not None:
        processor = owner.outsourcing.processor
        nodes.append({"@id": "#processor", "@type": "dpv:DataProcessor", "dct:title": processor})
    listed = ",\n".join(map(_written, (*nodes, *more)))
    return f'{{"@context": {_written(context)},\n"@graph": [\n{listed}'


END = "\n]}\n"


def record(entry: Record, owner: Controller, box: str = "") -> str:
    """Return one record, to stand behind another node; `box` is '' if all records are of one box."""
    event = entry.event
    prefix = f"record-{box}-" if box else "record-"
    node: dict[str, object] = {
        "@id": f"#{prefix}{entry.number}",
        "@type": "dpv:DataProcessingRecord",
        "dct:identifier": str(entry.number),
        "dct:created": time(event.recorded or event.at),
        "prov:atTime": time(event.at),
        "dpv:hasDataController": "#controller",
        "log:kind": event.kind,
        "log:status": event.status,
        "log:reason": event.reason,
    }
    if box:
        node["log:box"] = box
    if owner.outsourcing is not None:
        node["dpv:hasDataProcessor"] = "#processor"
    if event.pseudonym is not None:
        subject = f"#caller-{event.pseudonym.hex()}"
        node["dpv:hasDataSubject"] = {"@id": subject, "@type": "dpv:DataSubject"}
    if event.erased:
        node["log:erased"] = True
    if event.notice or event.asked:
        node["dpv:hasNotice"] = _notice(event)
        node["dpv:hasPurpose"] = [purpose(name) for name in sorted(event.purposes)]
    if event.notice and event.status in (Status.PLAYED, Status.INFORMED):
        node["dpv:hasNoticeStatus"] = "dpv:NoticeCommunicated"
    if event.supplement:
        node["log:supplement"] = True
    if event.recording:
        node["log:recording"] = event.recording
    if event.heard is not None:
        node |= _heard(event.heard)
    if event.asked is not None:
        node |= _choice(event, event.asked)
    if isinstance(event.basis, int):
        node["prov:wasDerivedFrom"] = f"#{prefix}{event.basis}"
    elif event.basis is not None and box:
        node["prov:wasDerivedFrom"] = f"#record-{event.basis.replace(':', '-')}"
    elif event.basis is not None:
        node["log:restsOnElsewhere"] = event.basis
    if event.reference:
        node["log:reference"] = event.reference
    return f",\n{_written(node)}"


def purpose(name: str) -> Mapping[str, object]:
    """Return the node of a purpose."""
    return {"@id": f"#purpose-{name}", "@type": "dpv:Purpose", "dct:title": name}


def _heard(heard: Heard) -> Mapping[str, object]:
    return {
        "log:heard": heard.samples,
        "log:length": heard.total,
        "log:rate": heard.rate,
        "log:ending": heard.ending,
    }


def _choice(event: Event, asked: Asked) -> Mapping[str, object]:
    """Return what was asked and answered; of a consent in the terms of consent. Without an answer it was
    requested, and nothing else."""
    node: dict[str, object] = {
        "log:asks": asked.asks,
        "log:answer": asked.answer,
        "log:options": asked.options,
        "log:tries": asked.tries,
        "log:waited": asked.waited,
    }
    if asked.asks is not Asks.CONSENT:
        return node
    node["@type"] = "dpv:ConsentRecord"
    if asked.answer in CONSENTS:
        node["dpv:isIndicatedAtTime"] = time(event.at)
        if event.pseudonym is not None:
            node["dpv:isIndicatedBy"] = {"@id": f"#caller-{event.pseudonym.hex()}"}
        if event.heard is not None and event.heard.key:
            node["dpv:hasIndicationMethod"] = f"key {event.heard.key}"
    if event.status is not Status.NOTASKED:
        node["dpv:hasConsentStatus"] = {"@id": f"dpv:{CONSENTS.get(asked.answer, 'ConsentRequested')}"}
    return node


def _notice(event: Event) -> Mapping[str, object]:
    """Return the notice of an event, or the wording of its choice: its version, its language, and whether it
    was spoken."""
    spoken = ["dpv:OralNotice"] if event.kind in _SPOKEN else []
    prefix, about, kind = "notice", event.notice, "dpv:PrivacyNotice"
    if event.asked is not None:
        prefix, about = "choice", event.asked.choice
        kind = "dpv:ConsentNotice" if event.asked.asks is Asks.CONSENT else "dpv:Notice"
    name = (f"{about}@{event.version}", event.language, event.kind)
    notice: dict[str, object] = {
        "@id": f"#{prefix}-{'-'.join(filter(None, name))}",
        "@type": [kind, *spoken],
        "dct:identifier": about,
        "log:version": event.version,
    }
    if event.language:
        notice["dct:language"] = event.language
    return notice


def time(at: datetime) -> str:
    """Return a time as it is written."""
    return at.isoformat(timespec="milliseconds")


_written = json.JSONEncoder(ensure_ascii=False).encode
