"""The settings under `evidence`: where proof goes, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from configurations import problems
from evidence.logs import written
from informativa.config import load
from informativa.evidence.cosignature import WitnessSigner
from informativa.evidence.settings import EvidenceConfig, PublishingTarget, WitnessAddress

KEY = str(WitnessSigner("home.example", bytes(range(32))).verifier)
OTHER = str(WitnessSigner("away.example", bytes(range(1, 33))).verifier)


def test_nothing_configured_is_a_minute_and_nobody_else(folder: Path) -> None:
    """Without the section logs are signed every minute, named by the machine, and go nowhere."""
    configuration = load(folder / "informativa.yaml")
    assert configuration.evidence == EvidenceConfig()
    assert configuration.evidence.interval == 60
    assert configuration.evidence.required_witnesses == 0
    assert configuration.controllers["acme"].log.endswith(
        "/informativa/acme/" + configuration.controllers["acme"].log.partition("/")[0]
    )


def test_everything_configured(folder: Path) -> None:
    """Paths start at the file's folder, addresses lose their last slash, and each
    controller has what is for it."""
    file = written(
        folder,
        "domain: acme.example",
        "box: pbx-1",
        "interval: 30 seconds",
        "publish:",
        "  - folder: proof",
        "    entries: false",
        "  - folder: /mnt/proof",
        "    independent: true",
        "    controllers: [acme]",
        "witness:",
        f"  - {{key: {KEY}, url: 'https://home.example/'}}",
        f"  - {{key: {OTHER}, url: 'https://away.example', controllers: [acme]}}",
        "quorum: all",
    )
    configuration = load(file)
    evidence = configuration.evidence
    assert (evidence.domain, evidence.box, evidence.interval) == ("acme.example", "pbx-1", 30)
    assert evidence.targets == (
        PublishingTarget(str(folder / "proof"), entries=False),
        PublishingTarget("/mnt/proof", independent=True, controllers=("acme",)),
    )
    assert evidence.witnesses == (
        WitnessAddress(KEY, "https://home.example"),
        WitnessAddress(OTHER, "https://away.example", ("acme",)),
    )
    assert evidence.for_controller("acme").required_witnesses == 2
    assert evidence.for_controller("borealis").required_witnesses == 1
    assert [target.place for target in evidence.for_controller("borealis").targets] == [str(folder / "proof")]
    assert configuration.controllers["acme"].log == "acme.example/informativa/acme/pbx-1"
    assert configuration.warnings == ()


MISTAKES = [
    (["intervall: 1 minute"], "evidence.intervall: is not a setting here; did you mean interval?"),
    (["interval: 2 days"], "evidence.interval: '2 days' is not a time such as `1 minute`, 24 hours at most"),
    (["interval: 0 seconds"], "evidence.interval: '0 seconds' is not a time such as `1 minute`"),
    (["domain: Acme"], "evidence.domain: 'Acme' is not a domain such as `acme.example`"),
    (["box: -a"], "evidence.box: '-a' is not a short name such as `pbx-1` (a-z, 0-9 and -)"),
    (["publish: [{folder: p}]"], "evidence: needs `domain`, since what others keep must have a name"),
    (
        ["domain: acme.example", "publish: [{folder: p, foldr: q}]"],
        "evidence.publish[0].foldr: is not a setting here; did you mean folder?",
    ),
    (
        ["domain: acme.example", "publish: [{independent: true}]"],
        "evidence.publish[0].folder: is missing",
    ),
    (
        ["domain: acme.example", "publish: [{folder: p}, {folder: p}]"],
        "evidence.publish[1].folder: stands here twice",
    ),
    (
        ["domain: acme.example", f"witness: [{{key: {KEY}, url: 'https://a.example/?x=1'}}]"],
        "evidence.witness[0].url: has something after the path; leave out what begins with ? or #",
    ),
    (
        ["domain: acme.example", "publish: [{folder: p, controllers: [acmee]}]"],
        "evidence.publish[0].controllers: there is no controller acmee; did you mean acme?",
    ),
    (
        ["domain: acme.example", f"witness: [{{key: {KEY[:-2]}, url: 'https://a.example'}}]"],
        "evidence.witness[0].key: is no key of a witness; write it as `informativa witness key` shows it",
    ),
    (["domain: acme.example", f"witness: [{{key: {KEY}}}]"], "evidence.witness[0].url: is missing"),
    (
        ["domain: acme.example", "quorum: 2", f"witness: [{{key: {KEY}, url: 'https://a.example'}}]"],
        "evidence.quorum: acme has 1 witnesses, fewer than must sign; write all, or a smaller number",
    ),
    (["quorum: some"], "evidence.quorum: 'some' is not `any`, `all` or how many witnesses"),
    (["quorum: 0"], "evidence.quorum: '0' is not `any`, `all` or how many witnesses"),
    *(
        (
            ["domain: acme.example", f"witness: [{{key: {KEY}, url: '{url}'}}]"],
            f"evidence.witness[0].url: '{url}' is not an address such as `https://proof.example`, without",
        )
        for url in ("https://me:secret@a.example", "https://a.example:99999", "ftp://a.example", "-x")
    ),
]


@pytest.mark.parametrize(("lines", "sentence"), MISTAKES, ids=lambda value: str(value)[:60])
def test_mistakes_are_told_with_their_place(folder: Path, lines: list[str], sentence: str) -> None:
    """An unknown key, a malformed value or a contradiction is refused, with the right form."""
    messages = problems(written(folder, *lines))
    assert any(sentence in problem for problem in messages), messages


def test_mistake_in_an_address_is_told_once(folder: Path) -> None:
    """It is not that there is none."""
    (message,) = problems(
        written(folder, "domain: acme.example", f"witness: [{{key: {KEY}, url: 'ftp://a'}}]")
    )
    assert "evidence.witness[0].url: 'ftp://a' is not an address" in message


@pytest.mark.parametrize("host", ["127.evil.example", "localhost.evil.example", "127.0.0.1.evil.example"])
def test_name_that_begins_like_this_machines_is_another_ones(folder: Path, host: str) -> None:
    """Data for such a host travel in clear."""
    file = written(folder, "domain: acme.example", f"witness: [{{key: {KEY}, url: 'http://{host}/'}}]")
    assert ["use https" in str(warning) for warning in load(file).warnings] == [True]


def test_what_travels_in_clear_is_a_warning(folder: Path) -> None:
    """An address without TLS is told; one of this machine is not."""
    file = written(
        folder,
        "domain: acme.example",
        f"witness: [{{key: {KEY}, url: 'http://127.0.0.1:8100'}}, {{key: {OTHER}, url: 'http://b.example'}}]",
    )
    warnings = [str(warning).replace(f"{folder}/", "") for warning in load(file).warnings]
    assert len(warnings) == 1
    assert "evidence.witness[1].url: whoever is on the way can answer in its place; use https" in warnings[0]
