"""SHA-256 and HMAC-SHA256 are what hashlib and hmac make of the same."""

from __future__ import annotations

import hashlib
import hmac
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from informativa.model import hashing


@given(key=st.binary(max_size=200), message=st.binary(max_size=200))
def test_both_ways_are_hmac_of_any_key_and_message(key: bytes, message: bytes) -> None:
    """A key of up to 64 bytes, and a longer one, which is hashed first; asked twice, and once."""
    expected = hmac.digest(key, message, hashlib.sha256)
    digests = {hashing.hmac(key, message), hashing.hmac(key, message)}
    assert digests | {hashing.hmac_once(key, message)} == {expected}


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
    assert hashing.hmac(key, message).hex() == hashing.hmac_once(key, message).hex() == expected


def test_a_key_that_is_used_once_is_not_kept() -> None:
    """Whoever has the opening key of a record can find its number: nothing of one stays in memory here."""
    before = hashing._cached_halves.cache_info().currsize
    hashing.hmac_once(b"used once" * 3, b"of one record")
    assert hashing._cached_halves.cache_info().currsize == before


@given(data=st.binary(max_size=1000))
def test_sha256_is_that_of_hashlib(data: bytes) -> None:
    """Whichever of Python's implementations it is."""
    assert hashing.sha256(data).digest() == hashlib.sha256(data).digest()


def test_python_without_its_own_sha256_has_that_of_openssl(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python can be built with OpenSSL's hashes alone."""
    for module in ("_sha2", "_sha256"):
        monkeypatch.setitem(sys.modules, module, None)
    assert hashing._fastest_sha256() is hashlib.sha256


def test_a_script_opens_its_ledger_without_openssl() -> None:
    """A caller who knows the notice does not wait for hashes of files to be loaded."""
    code = "import sys, informativa.process.script, informativa.ledgers.sqlite; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert not {"hashlib", "informativa.model.countries"} & set(loaded.stdout.split())
