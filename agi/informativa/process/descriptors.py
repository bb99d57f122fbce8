"""The file descriptors of a service, as many as its calls need."""

from __future__ import annotations

import resource

import structlog

from ..asterisk.fastagi import PENDING_CONNECTIONS

OWN = 100  # for ledgers and the like

log = structlog.get_logger("informativa")


def needed(sessions: int) -> int:
    """Return the number of descriptors for `sessions` calls at a time: one a call, one a pending connection,
    and some for ourselves."""
    return sessions + PENDING_CONNECTIONS + OWN


def allow(sessions: int) -> tuple[int, int]:
    """Raise the limit of descriptors to what the calls need. Return the allowed number of calls at a time,
    and of pending connections: where the system gives fewer descriptors, further calls get their fallback at
    once instead of waiting in line."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    number = needed(sessions)
    allowed = number if hard == resource.RLIM_INFINITY else min(number, hard)
    if soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    pending = PENDING_CONNECTIONS
    if allowed < number:
        sessions = min(sessions, max(allowed // 2, allowed - PENDING_CONNECTIONS - OWN))
        pending = min(pending, max(allowed // 4, allowed - sessions - OWN))
        remedy = "raise ulimit -n"
        log.warning("too few file descriptors", sessions=sessions, needed=number, remedy=remedy)
    return sessions, pending
