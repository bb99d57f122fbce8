"""One-time codes, against the published vectors."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest

from informativa.operations.accounts import totp

KEY = b"12345678901234567890"
SECRET = base64.b32encode(KEY).decode()


def test_hotp_of_rfc_4226() -> None:
    """Its appendix D."""
    assert [totp.hotp(KEY, counter) for counter in range(10)] == [
        "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_totp_of_rfc_6238(seconds: int, code: str) -> None:
    """Its appendix B, for SHA-1: eight digits, of which an app shows the last six."""
    at = datetime.fromtimestamp(seconds, UTC)
    assert totp.hotp(KEY, totp.step(at), 8) == code
    assert totp.matching_step(SECRET, code[2:], at) == seconds // 30


@pytest.mark.parametrize(("off", "good"), [(-61, False), (-30, True), (0, True), (30, True), (61, False)])
def test_code_of_a_clock_that_is_off(off: int, good: bool) -> None:
    """One step before or after is taken, two are not."""
    now = datetime(2026, 11, 26, 9, 0, 0, tzinfo=UTC)
    code = totp.hotp(KEY, totp.step(now + timedelta(seconds=off)))
    assert (totp.matching_step(SECRET, code, now) is not None) is good


def test_code_is_not_taken_again() -> None:
    """Neither that of the last step used nor one before it."""
    now = datetime(2026, 11, 26, 9, 0, 0, tzinfo=UTC)
    step = totp.step(now)
    code = totp.hotp(KEY, step)
    assert totp.matching_step(SECRET, code, now, step - 1) == step
    assert totp.matching_step(SECRET, code, now, step) is None
    assert totp.matching_step(SECRET, totp.hotp(KEY, step + 1), now, step) == step + 1


@pytest.mark.parametrize("code", ["", "75522", "7552244", "٧٥٥٢٢٤", "abcdef", "\ud800"])
def test_what_is_no_code(code: str) -> None:
    """Typed wrong, or too long: no error, and no way in."""
    assert totp.matching_step(SECRET, code, datetime.fromtimestamp(1, UTC)) is None


def test_uri_as_apps_read_it() -> None:
    """Names are escaped, and the issuer stands in both places (Google's Key URI format)."""
    assert totp.uri(SECRET, "anna@example.com", "Studio & Co") == (
        "otpauth://totp/Studio%20%26%20Co:anna@example.com"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Studio%20%26%20Co"
    )


def test_secret_is_of_160_bits() -> None:
    """As long as the hash, without padding that apps refuse, and another one each time."""
    secrets = {totp.new_secret() for _each in range(20)}
    assert {(len(secret), "=" in secret) for secret in secrets} == {(32, False)}
    assert len(secrets) == 20
