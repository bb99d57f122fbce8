"""The form of messages to a company's hook, as Standard Webhooks asks: the body, and the signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

from ..model.hooks import HookMessage


def content(message: HookMessage) -> bytes:
    """Return the body of a message, the same however often it is sent."""
    return _json(
        {
            "id": message.id,
            "type": f"consent.{message.word.value}",
            "timestamp": _time(message.recorded),
            "data": {
                "choice": message.choice,
                "purpose": message.purpose,
                "version": message.version,
                "at": _time(message.at),
                "record": message.record,
                "subject": message.subject,
            },
        }
    )


def test_content(message_id: str, now: datetime) -> bytes:
    """Return the body of a message that is about nobody."""
    return _json({"id": message_id, "type": "informativa.test", "timestamp": _time(now), "data": {}})


def headers(secret: bytes, message_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers of a message that is sent at that time, with its signature."""
    timestamp = str(int(now.timestamp()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
    return {
        "Content-Type": "application/json",
        "User-Agent": "informativa",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
    }


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
