"""Calls around a midnight, of which tests know the counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from examples import ONE, OTHER, PLAYED
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Event, Reason, RecordKind, Status

START = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)
NOTDUE = replace(PLAYED, status=Status.NOTDUE, reason=Reason.ALREADY_INFORMED, heard=None, prompt="")


def at(event: Event, hours: float, call: str, **more: object) -> Event:
    """The event so many hours after the start, of a call."""
    return replace(event, at=START + timedelta(hours=hours), call=call, line="l", **more)  # type: ignore[arg-type]


def some(store: SqliteStore) -> None:
    """Four calls of three callers, one of two notices in two transactions and one through midnight."""
    store.append([at(PLAYED, 0, "1.1", pseudonym=ONE), at(NOTDUE, 0, "2.1", pseudonym=OTHER)])
    store.append([at(replace(PLAYED, notice="other"), 1, "1.1", pseudonym=ONE)])
    store.append([at(PLAYED, 2, "3.1", pseudonym=OTHER)])
    store.append(
        [at(NOTDUE, 2, "4.1", pseudonym=OTHER), at(NOTDUE, 2, "4.1", pseudonym=OTHER, notice="other")]
    )
    store.append([at(PLAYED, 2, "", kind=RecordKind.CONTRACT, reason=Reason.TOLD_ELSEWHERE)])
