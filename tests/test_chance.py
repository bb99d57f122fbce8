"""What tests draw by chance is fixed, so that a test that passes once passes always."""

from __future__ import annotations

import os
import random
import secrets
import uuid

from lab.chance import fixed, stream


def drawn() -> tuple[object, ...]:
    """Something from each source of chance."""
    return os.urandom(8), secrets.token_hex(8), secrets.randbelow(10**9), uuid.uuid4(), random.random()


def test_chance_is_the_same_for_the_same_name() -> None:
    """Keys, tokens, ids and dice come again for the same test, and are others for another one."""
    results = []
    for name in ("one", "one", "another"):
        with fixed(name):
            results.append(drawn())
    assert results[0] == results[1]
    assert not set(results[0]) & set(results[2])
    assert stream("one").random() == stream("one").random() != stream("another").random()


def test_chance_goes_on_as_before() -> None:
    """What is drawn inside does not change what is drawn after it."""
    results = []
    for inside in (False, True):
        with fixed("outer"):
            first = drawn()
            if inside:
                with fixed("inner"):
                    drawn()
            results.append((first, drawn()))
    assert results[0] == results[1]
