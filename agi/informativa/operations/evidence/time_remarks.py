"""Remarks on leaves whose time of recording contradicts the time at which a witness first signed them."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from ...evidence.cosignature import WitnessVerifier
from ...evidence.leaf_times import TOLERANCE, MisdatedLeaves, SignedTimes, WrongTime, first_signed
from ...evidence.log_folder import LogFolder
from ...evidence.note import Verifier
from ...evidence.note_standing import rules_of
from ...evidence.proof import VerifiedProof
from ...ledgers.audit_log import AuditedLog
from ...model.text import Text
from .audited_notes import signed_leaves


def of_audit(
    audited: AuditedLog,
    folder: LogFolder,
    approvers: Sequence[Verifier],
    witnesses: Collection[WitnessVerifier],
) -> Iterator[Text]:
    """Yield a remark for each log and each way in which times of its leaves are wrong. The witnesses of the
    rule that was in effect count, by the `approvers` that the controller gave; `witnesses` where that names
    none."""
    signed_at = signed_leaves(audited.logs, folder)
    for origin, log in audited.logs.items():
        if not (cosigned := audited.cosigned.get(origin)):
            continue
        rules = rules_of(audited.logs, origin, signed_at, approvers)

        def counting(at: datetime) -> Collection[WitnessVerifier]:
            rule = rules.in_force(at)  # noqa: B023  # it is called before the next log
            return (rule.witnesses if rule else ()) or witnesses

        times = array("q", audited.times[origin])
        for entry in log.entries:
            if entry.note and entry.note.index < len(times):
                times[entry.note.index] = int(entry.note.at.timestamp())
        for leaves in SignedTimes.of(first_signed(cosigned, counting)).misdated(times):
            yield _misdated(leaves, origin)


def of_receipt(proof: VerifiedProof, facts: Mapping[str, str | int]) -> Iterator[Text]:
    """Yield a remark on a receipt whose record says that it is younger than the first signature of a witness.
    A receipt does not show when the checkpoint before was signed, so an earlier time cannot be judged."""
    if not proof.witnesses:
        return
    signed = SignedTimes.of({proof.checkpoint.size: min(witness.at for witness in proof.witnesses)})
    with suppress(ValueError):  # a day that no month has, or the year 0
        recorded = datetime.fromisoformat(str(facts["recorded"]))
        if signed.wrong(proof.index, int(recorded.timestamp())):
            yield Text(
                "It says that it was recorded more than {minutes} minutes after a witness signed it.",
                minutes=TOLERANCE,
            )


def _misdated(leaves: MisdatedLeaves, origin: str) -> Text:
    places = f"{leaves.first}-{leaves.last}" if leaves.count > 1 else f"{leaves.first}"
    values = {"leaves": places, "log": origin, "minutes": TOLERANCE}
    if leaves.wrong is WrongTime.EARLY:
        return Text.counted(
            "{count} leaf of {log} ({leaves}) says that it was recorded more than {minutes} minutes before a"
            " witness signed the log without it.",
            "{count} leaves of {log} ({leaves}) say that they were recorded more than {minutes} minutes"
            " before a witness signed the log without them.",
            leaves.count,
            **values,
        )
    return Text.counted(
        "{count} leaf of {log} ({leaves}) says that it was recorded more than {minutes} minutes after a"
        " witness signed the log with it.",
        "{count} leaves of {log} ({leaves}) say that they were recorded more than {minutes} minutes after a"
        " witness signed the log with them.",
        leaves.count,
        **values,
    )
