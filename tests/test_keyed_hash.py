"""HMAC-SHA256 is what Python's own makes of the same."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from informativa import keyed_hash


@given(key=st.binary(max_size=200), message=st.binary(max_size=200))
def test_both_ways_are_hmac_of_any_key_and_message(key: bytes, message: bytes) -> None:
    """A key of up to 64 bytes, and a longer one, which is hashed first; asked twice, and once."""
    expected = hmac.digest(key, message, hashlib.sha256)
    found = {keyed_hash.digest(key, message), keyed_hash.digest(key, message)}
    assert found | {keyed_hash.digest_once(key, message)} == {expected}


@pytest.mark.parametrize(
    ("key", "message", "expected"),
    [
        (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (
            b"\xaa" * 131,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ],
)
def test_published_vectors(key: bytes, message: bytes, expected: str) -> None:
    """RFC 4231, cases 1 and 6."""
    assert keyed_hash.digest(key, message).hex() == keyed_hash.digest_once(key, message).hex() == expected


def test_a_key_that_is_used_once_is_not_kept() -> None:
    """Whoever has the opening key of a record can find its number: nothing of one stays in memory here."""
    before = keyed_hash._kept.cache_info().currsize
    keyed_hash.digest_once(b"used once" * 3, b"of one record")
    assert keyed_hash._kept.cache_info().currsize == before
