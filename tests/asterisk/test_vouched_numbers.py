"""`choices-vouched` of dialplan/choices.conf: a number counts as the network's where a trusted peer asserts
it, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import asking
from .asking import ACME, EXTENSIONS, over
from .pages import DIALPLAN, configure
from .site import Site

ASSERTED = "P-Asserted-Identity: <sip:{number}@carrier.example>"
ONE, TWO, FORGER, CALLER = "+393331110001", "+393331110002", "+393331110003", "+393331110004"


@pytest.fixture(params=["yes", "no"], ids=["trusted", "untrusted"])
def trust(request: pytest.FixtureRequest) -> str:
    """Have Asterisk take the caller's number from a peer's P-Asserted-Identity, or not."""
    return str(request.param)


@pytest.fixture
def site(site_without_dialplan: Site, trust: str) -> Iterator[Site]:
    """A PBX whose line asks, by the shipped example, only callers for whose number the network vouches; a
    peer comes in there."""
    site = asking.lay(site_without_dialplan)
    configure(site, "controllers: {acme: {choices: {marketing: {vouched: network, wait: 1 second}}}}")
    examples = (DIALPLAN / "choices.conf").read_text(encoding="utf-8").replace("#tryinclude", ";")
    text = EXTENSIONS % {"after": "beep", "informativa": site.office.dialplan()}
    site.pbx.reload_dialplan(text.replace("Goto(lines,", "Goto(choices-vouched,") + examples)
    peers = site.pbx.etc / "pjsip.conf"
    text = peers.read_text()
    peers.write_text(text.replace("trust_id_inbound = yes", f"trust_id_inbound = {trust}"))
    site.pbx.cli("module reload res_pjsip.so")
    yield site
    peers.write_text(text)
    site.pbx.cli("module reload res_pjsip.so")


def asked(site: Site, shown: str, number: str, *headers: str) -> str:
    """Ring as `shown`, listen to the end, and return what the dialplan got, of whom the call was `number`."""
    site.pbx.forget_events()
    call = site.phone().dial(ACME, shown, extra_headers=headers)
    return over(site, call, number).choices


@pytest.mark.sample(1)
def test_asserted_number_is_vouched_for_by_a_trusted_peer_alone(site: Site, trust: str) -> None:
    """With the header whose number it is, that of From or not; nobody where there is none, where there are
    two, of which Asterisk takes neither, and of a peer that may have written it himself."""
    network, nobody = "marketing:silence", "marketing:not-asked"
    taken, word = (ONE, network) if trust == "yes" else (FORGER, nobody)
    one, two = (ASSERTED.format(number=number) for number in (ONE, TWO))
    assert asked(site, TWO, TWO, two) == word
    assert asked(site, FORGER, taken, one) == word
    assert asked(site, CALLER, CALLER, f"{one}, <tel:{CALLER}>") == nobody
    assert asked(site, CALLER, CALLER) == nobody
