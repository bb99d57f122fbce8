"""Ed25519, against RFC 8032, the cases of "Taming the many EdDSAs", and openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from informativa.evidence import ed25519
from lab import openssl
from lab.debian import Unavailable

# RFC 8032 7.1, tests 1 to 3: seed, public key, message, signature
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
# The twelve of ed25519-speccheck: message, key, signature, and whether it may pass here. The key is of small
# order in 0 and 1, and of mixed order in 2 to 5, where RFC 8032's equation holds without the cofactor in 2
# and 3 alone; S is L or more in 6 and 7; R is not canonical in 8 and 9, and the key not in 10 and 11.
SPECCHECK = [
    (
        "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
        "0000000000000000000000000000000000000000000000000000000000000000",
        False,
    ),
    (
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43"
        "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
        False,
    ),
    (
        "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"
        "8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
        True,
    ),
    (
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f"
        "87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
        True,
    ),
    (
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512"
        "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
        False,
    ),
    (
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7"
        "e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
        False,
    ),
    (
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e"
        "547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
        False,
    ),
    (
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942"
        "7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
        False,
    ),
    (
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f",
        False,
    ),
    (
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908",
        False,
    ),
    (
        "e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc"
        "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
        False,
    ),
    (
        "39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc"
        "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
        False,
    ),
]
# The points of small order, each with both signs: y is 0, 1, one of order 8, its negative, -1, p and p + 1,
# the last two in a second encoding. The first seven lines are libsodium's list.
SMALL_ORDER = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]
L = 7237005577332262213973186563042994240857116359379907606001950938285454250989
SEED = bytes(range(32))


@pytest.mark.parametrize("case", RFC_8032, ids=["1", "2", "3"])
def test_rfc_8032(case: tuple[str, str, str, str]) -> None:
    """Key, signature and check are as in RFC 8032 7.1."""
    seed, public, message, signature = map(bytes.fromhex, case)
    assert ed25519.public_key(seed) == public
    assert ed25519.sign(seed, message) == signature
    assert ed25519.verify(public, message, signature)


@pytest.mark.parametrize("number", range(12))
def test_edge_cases_that_libraries_judge_differently(number: int) -> None:
    """Only the cases with a good key, S < L and one encoding pass."""
    *case, passes = SPECCHECK[number]
    message, public, signature = map(bytes.fromhex, case)
    assert ed25519.verify(public, message, signature) is passes


@pytest.mark.parametrize("encoded", SMALL_ORDER)
def test_no_key_is_of_small_order(encoded: str) -> None:
    """Under such a key one signature fits many texts."""
    public = bytes.fromhex(encoded)
    assert not ed25519.is_key(public)
    identity_and_nothing = b"\1" + bytes(63)
    assert not ed25519.verify(public, b"text", identity_and_nothing)


def test_the_library_alone_would_let_small_order_pass() -> None:
    """For cryptography alone the identity as key signs every text with S = 0; our checks refuse it."""
    identity = b"\1" + bytes(31)
    Ed25519PublicKey.from_public_bytes(identity).verify(identity + bytes(32), b"any text")
    assert not ed25519.verify(identity, b"any text", identity + bytes(32))


def test_what_is_no_point_is_no_key() -> None:
    """y = 2 is not on the curve (RFC 8032 5.1.3); no other length is one either."""
    assert not ed25519.is_key(b"\2" + bytes(31))
    good = ed25519.public_key(SEED)
    assert ed25519.is_key(good)
    assert not ed25519.is_key(good[:31])
    assert not ed25519.is_key(good + b"\0")
    assert not ed25519.is_key(b"")


@given(st.binary(max_size=64), st.integers(0, 511))
def test_a_bit_is_another_signature(message: bytes, bit: int) -> None:
    """No bit of it may be another, and it fits no other message."""
    public, signature = ed25519.public_key(SEED), bytearray(ed25519.sign(SEED, message))
    assert ed25519.verify(public, message, bytes(signature))
    assert not ed25519.verify(public, message + b"\0", bytes(signature))
    signature[bit // 8] ^= 1 << bit % 8
    assert not ed25519.verify(public, message, bytes(signature))


def test_s_has_one_value() -> None:
    """RFC 8032 5.1.7: S + L, which stands for the same number, is refused; so are other lengths."""
    public, signature = ed25519.public_key(SEED), ed25519.sign(SEED, b"text")
    number = int.from_bytes(signature[32:], "little") + L
    assert not ed25519.verify(public, b"text", signature[:32] + number.to_bytes(32, "little"))
    assert not ed25519.verify(public, b"text", signature[:63])
    assert not ed25519.verify(public, b"text", signature + b"\0")


def test_openssl_takes_our_signatures(tmp_path: Path) -> None:
    """Its command line verifies one of ours with the key alone, and refuses it for another text."""
    try:
        program = openssl.command()
    except Unavailable as missing:
        pytest.skip(str(missing))
    prefix = bytes.fromhex("302a300506032b6570032100")  # RFC 8410: SubjectPublicKeyInfo of an Ed25519 key
    (tmp_path / "key.der").write_bytes(prefix + ed25519.public_key(SEED))
    (tmp_path / "signature").write_bytes(ed25519.sign(SEED, b"text\n"))
    for text, code in ((b"text\n", 0), (b"test\n", 1)):
        (tmp_path / "text").write_bytes(text)
        command = "pkeyutl -verify -pubin -keyform DER -inkey key.der -rawin -in text -sigfile signature"
        arguments = [*program, *command.split(), "-sigfile", "signature"]
        completed = subprocess.run(arguments, cwd=tmp_path, capture_output=True, timeout=60, check=False)
        assert completed.returncode == code, completed
