"""The names of purposes and notices before people, in the reader's language."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from doubles import line, notice, version
from informativa.config import load
from informativa.model.names import (
    LETTER_LANGUAGES,
    NAMES,
    languages_without_name,
    name_and_id,
    name_with_basis,
)
from informativa.views.messages import ENGLISH, language, of_letter
from informativa.views.record_words import name_in_language
from informativa.views.text.bundle_plan import sentences

ITALIAN = language("it")
OWN = {"it": {"crm": "gestire il Suo contratto", "privacy": "la nostra informativa"}}


@pytest.mark.parametrize(
    ("one", "english", "italian"),
    [
        (
            "service",
            "handling the call and the service asked for",
            "gestire la chiamata e il servizio richiesto",
        ),
        ("privacy", "privacy notice", "la nostra informativa"),
        ("crm", "crm", "gestire il Suo contratto"),
        ("other", "other", "other"),
    ],
)
def test_name_is_the_companys_or_else_ours(one: str, english: str, italian: str) -> None:
    """By language; where there is neither, the short name of the configuration stands."""
    assert (name_in_language(one, OWN, ENGLISH), name_in_language(one, OWN, ITALIAN)) == (english, italian)


def test_id_stands_beside_a_name_alone() -> None:
    """Where an admin must type it; what has no name is its id already."""
    assert [ITALIAN(name_and_id(one, OWN)) for one in ("crm", "service", "other")] == [
        "gestire il Suo contratto (crm)",
        "gestire la chiamata e il servizio richiesto (service)",
        "other",
    ]


def test_basis_follows_our_name_alone() -> None:
    """In a letter; a company that names a purpose itself says there what it wants to say."""
    own = {"it": {"quality": "ascoltare le chiamate a campione"}}
    assert [ITALIAN(name_with_basis(one, own)) for one in ("service", "quality", "crm")] == [
        "gestire la chiamata e il servizio richiesto (in base al contratto o alla Sua richiesta)",
        "ascoltare le chiamate a campione",
        "crm",
    ]


def test_our_names_are_translated_into_every_language_of_letters() -> None:
    """So that a company need name only what it has beside them."""
    assert {"it", "en", "de", "fr", "es"} == LETTER_LANGUAGES
    for one in NAMES:
        assert len({name_in_language(one, {}, of_letter(code)) for code in LETTER_LANGUAGES}) == 5
        assert languages_without_name(one, {}, ["de_DE", "it"]) == ()
    assert languages_without_name("crm", OWN, ["it", "de_DE", "de", "pl"]) == ("de",)


def test_names_are_configured_by_language(folder: Path) -> None:
    """Each company's are its own."""
    file = folder / "informativa.yaml"
    before = load(file).controllers["acme"]
    settings = yaml.safe_load(file.read_text())
    settings["controllers"]["acme"]["names"] = OWN
    file.write_text(yaml.safe_dump(settings))
    after = load(file).controllers["acme"]
    assert (before.names, after.names) == ({}, OWN)


def test_plan_of_a_line_names_what_it_tells() -> None:
    """In the console and in a bundle."""
    own = line(notice(version("1", "service", "crm")))
    own = replace(own, controller=replace(own.controller, names=OWN))
    assert sentences(own, ENGLISH) == [
        "privacy notice: once. Newest version 1, with the purposes: crm, handling the call and the service"
        " asked for."
    ]
    assert sentences(own, ITALIAN) == [
        "la nostra informativa: una volta. Versione più recente 1, con le finalità: gestire il Suo contratto,"
        " gestire la chiamata e il servizio richiesto."
    ]
