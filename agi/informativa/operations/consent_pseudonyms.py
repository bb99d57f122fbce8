"""One caller's answers under several pseudonyms, where boxes work with different keys of their company."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ..ledgers import answers
from ..ledgers.answers import CallersAnswer
from ..model import Controller
from ..process import storage

FindTies = Callable[[Collection[bytes]], Iterable[tuple[bytes, bytes]]]
"""Returns the ties between one of these pseudonyms and another: each as the earlier one and the later one."""
Callers = Mapping[bytes, Sequence[bytes]]
"""All pseudonyms of the caller who has this one, those that no other replaced first."""


def callers_with_several(pseudonyms: Collection[bytes], find: FindTies) -> Callers:
    """Return the callers among these who have several pseudonyms, by each of them."""
    neighbours, replaced = defaultdict[bytes, set[bytes]](set), set[bytes]()
    known, new = set[bytes](), set(pseudonyms)
    while new:
        for earlier, later in find(new):
            neighbours[earlier].add(later)
            neighbours[later].add(earlier)
            replaced.add(earlier)
        known |= new
        new = neighbours.keys() - known
    callers: dict[bytes, Sequence[bytes]] = {}
    for pseudonym in neighbours:
        if pseudonym not in callers:
            his = _reached(pseudonym, neighbours)
            callers |= dict.fromkeys(his, sorted(his, key=lambda own: (own in replaced, own)))
    return callers


def merge_pseudonyms(
    controller: Controller, entries: Sequence[CallersAnswer], find: FindTies
) -> Sequence[CallersAnswer]:
    """Return the last acts of these that count: each caller's once, under the newest of his pseudonyms that
    has one, on whichever box he gave it. Raises LedgerError."""
    callers = callers_with_several({entry.pseudonym for entry in entries}, find)
    if not callers:
        return entries
    with storage.existing_ledger(controller) as ledger:
        if ledger is None:
            return ()
        with ledger.connected() as connection:

            def his_acts(entry: CallersAnswer) -> Iterator[CallersAnswer]:
                for pseudonym in callers.get(entry.pseudonym, ()):
                    if act := answers.last_act(connection, pseudonym, entry.choice):
                        yield act

            acts = [(entry, list(his_acts(entry)) or [entry]) for entry in entries]
    return [_last(his) for entry, his in acts if his[0].pseudonym == entry.pseudonym]


def _last(his: Sequence[CallersAnswer]) -> CallersAnswer:
    """Return the last act of a caller, under the first of his pseudonyms."""
    last = max(his, key=lambda act: act.answer.order)
    uses = [act.last_use for act in his if act.last_use]
    return replace(last, pseudonym=his[0].pseudonym, last_use=max(uses, default=None))


def _reached(pseudonym: bytes, neighbours: Mapping[bytes, Collection[bytes]]) -> set[bytes]:
    his, added = {pseudonym}, {pseudonym}
    while added:
        added = {other for own in added for other in neighbours[own]} - his
        his |= added
    return his
