"""The approvals that stand in logs, by the leaves that they are for. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache

from ..model.errors import EvidenceError
from ..model.text import NOTHING, Text
from .approval import Approval, LeafIdentity, VerifiedApproval, verify
from .note import Verifier
from .notes import ApprovalNote, RuleNote
from .read_log import ReadLog


class LogApprovals:
    """The approvals in some logs. `approvers` are the keys that the controller gave; without them those that
    the rules name may approve."""

    def __init__(self, logs: Iterable[ReadLog], approvers: tuple[Verifier, ...]) -> None:
        self.approvers = approvers
        self._texts: dict[LeafIdentity, list[bytes]] = defaultdict(list)
        named: dict[Verifier, None] = {}
        for log in logs:
            for content in (entry.note.content for entry in log.entries if entry.note):
                if isinstance(content, RuleNote) and content.approver:
                    named[content.approver] = None
                elif isinstance(content, ApprovalNote):
                    for leaf in Approval.unverified(content.text).leaves:
                        self._texts[leaf].append(content.text)
        self._anybody = approvers or tuple(named)

    def keys(self, rule: RuleNote | None) -> tuple[Verifier, ...]:
        """Return the keys that may approve where this rule says who may."""
        return self.approvers or ((rule.approver,) if rule and rule.approver else ())

    def of(self, leaf: LeafIdentity, keys: tuple[Verifier, ...]) -> Iterator[VerifiedApproval]:
        """Yield the approvals of a leaf that one of these keys signed."""
        for text in self._texts.get(leaf, ()):
            try:
                yield _verified(text, keys)
            except EvidenceError:
                continue

    def flaw(self, content: ApprovalNote) -> Text:
        """Return the flaw of an approval that nobody gave who may approve anything; '' if somebody did."""
        try:
            _verified(content.text, self._anybody)
        except EvidenceError as error:
            return error.message
        return NOTHING


@lru_cache(4096)  # each look judges all notes; of the largest approvals these take 60 MB
def _verified(text: bytes, keys: tuple[Verifier, ...]) -> VerifiedApproval:
    return verify(text, keys)
