"""The fallback spool is brought home over Asterisk's manager interface."""

from __future__ import annotations

from pathlib import Path

from lab.office import spool

from .site import Site


def with_manager(site: Site) -> None:
    """Give the service an account at the PBX, and leave it stopped."""
    secret = site.office.folder / "keys" / "manager.secret"
    secret.touch(0o600)
    secret.write_text(site.pbx.ami_secret)
    site.office.edit(
        "operator: Acme S.p.A.",
        "manager:\n"
        f"  address: 127.0.0.1:{site.pbx.ports.ami}\n"
        f"  user: {site.pbx.ami_user}\n"
        "  secret: keys/manager.secret\n"
        "operator: Acme S.p.A.",
    )
    site.office.stop()


def test_what_the_dialplan_played_comes_into_the_ledger(site: Site) -> None:
    """After an outage of service and script, the deliveries are on record, each once, and AstDB is empty; a
    row of a line that is not configured stays there."""
    with_manager(site)
    away = site.office.folder / "away"
    site.office.config.rename(away)
    assert site.call().status == "FALLBACK"
    call = site.dial()
    call.wait_heard(0.4, 30)
    call.hang_up()
    assert site.over(call).status == "FALLBACK"
    assert site.call("0299999999").status == "FALLBACK"
    away.rename(site.office.config)
    site.office.start()
    site.office.wait_logged("fallback spool collected")
    events = [record.event for record in site.office.records()]
    assert sorted(event.status for event in events) == ["FALLBACK", "PARTIAL"]
    assert {(event.notice, event.reason, event.pseudonym) for event in events} == {
        ("privacy", "service-unavailable", None)
    }
    assert {(event.version, Path(event.prompt).name) for event in events} == {("2026-11", "short-nokey")}
    (left,) = spool(site.pbx).values()
    assert left["line"] == "default"
    assert site.call().status == "PLAYED"


def test_broken_ledger_keeps_no_other_company_waiting(site: Site) -> None:
    """Rows of a company whose ledger is broken stay; another's are collected all the same."""
    with_manager(site)
    away = site.office.folder / "away"
    site.office.config.rename(away)
    assert site.call().status == "FALLBACK"
    assert site.call("+493012345678").status == "FALLBACK"
    away.rename(site.office.config)
    (site.office.folder / "ledger" / "acme.sqlite3").write_text("no database " * 1000)
    site.office.start()
    site.office.wait_logged("fallback spool collected")
    assert [record.event.status for record in site.office.records("borealis")] == ["FALLBACK"]
    assert len(spool(site.pbx)) == 1


def test_account_that_is_refused_is_told_and_matters_to_no_call(site: Site) -> None:
    """A wrong secret is logged with what to put where, and calls go on."""
    with_manager(site)
    (site.office.folder / "keys" / "manager.secret").write_text("wrong")
    site.office.start()
    site.office.wait_logged("the fallback spool was not collected")
    assert "write = system,reporting" in site.office.log_text
    assert "wrong" not in site.office.log_text
    assert site.call().status == "PLAYED"
