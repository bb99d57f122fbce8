"""Changes that an admin makes while calls go on: the service loads them, or says why not, and no call
notices."""

from __future__ import annotations

from .site import Site

LINE = """\
lines:
  "+390255555555":
    controller: acme
    language: it
    region: IT
    plan: [{notice: privacy}]
"""
COMPANY = """\
controllers:
  cobalto:
    name: Acme S.p.A.
    key: keys/cobalto.key
    ledger: ledger/cobalto.sqlite3
    notices:
      privacy:
        versions:
          - {version: "1", purposes: [service], short: {it: prompts/it/other}}
"""


def test_reload_in_the_middle_of_a_notice(site: Site) -> None:
    """A company with a prompt, a key and a line of its own is added while a caller hears a notice: that
    caller hears it to the end and is on record, and the new line plays its own."""
    site.prompt("it/other", seed=31)
    key = site.office.folder / "keys" / "cobalto.key"
    key.touch(0o600)
    key.write_text("5a" * 32)
    call = site.dial()
    call.wait_heard(0.3, 30)
    site.office.edit("controllers:\n", COMPANY)
    site.office.edit("lines:\n", LINE.replace("acme", "cobalto"))
    assert site.office.reload()
    outcome = site.over(call)
    assert (outcome.status, outcome.record) == ("PLAYED", "2")
    assert outcome.heard == site.heard_whole("it/short", "after")
    assert site.call("0255555555").heard == site.heard_whole("it/other", "after")
    assert site.call().status == "NOTDUE"
    assert len(site.office.records("cobalto")) == 1


def test_configuration_with_mistakes_is_not_loaded(site: Site) -> None:
    """What is wrong with a part for all is in the log, as `check` says it, and calls go on under the
    configuration before."""
    site.office.edit("lines:\n", LINE)
    site.office.edit("service:\n", "servce:\n")
    assert not site.office.reload()
    assert "did you mean service?" in site.office.log_text
    assert site.call("0255555555").reason == "no-line"
    assert site.call().status == "PLAYED"
    site.office.edit("servce:\n", "service:\n")
    assert site.office.reload()
    assert site.call("0255555555").status == "NOTDUE"


def test_i10_company_with_mistakes_goes_on_as_before(site: Site) -> None:
    """I10: a mistake in acme's new line is in the log; its calls go on as before, those of the new line are
    answered by the dialplan, and borealis has what is new of it."""
    site.office.edit("lines:\n", LINE.replace("notice: privacy", "notice: privcy"))
    site.office.edit('"+493012345678"', '"+493012345679"')
    assert site.office.reload()
    assert "did you mean privacy?" in site.office.log_text
    assert '"event": "a company is served as before"' in site.office.log_text
    assert site.call("0255555555").status == "FALLBACK"
    assert site.call().status == "PLAYED"
    assert site.call("+493012345679").status == "PLAYED"
    site.office.edit("notice: privcy", "notice: privacy")
    assert site.office.reload()
    assert site.call("0255555555").status == "NOTDUE"


def test_prompt_that_changed_under_its_version_is_not_played(site: Site) -> None:
    """Another recording under an unchanged version is refused; under a new version it is played."""
    site.prompt("it/short", seed=32)
    assert site.office.reload()
    assert "is not the recording that version 2026-11 was first served with" in site.office.log_text
    refused = site.call()
    assert (refused.status, refused.reason) == ("FAILED", "recording-changed")
    site.office.edit('version: "2026-11"', 'version: "2027-01"')
    assert site.office.reload()
    assert site.call().heard == site.heard_whole("it/short", "after")
    assert [(one.event.status, one.event.version) for one in site.office.records()] == [
        ("FAILED", "2026-11"),
        ("PLAYED", "2027-01"),
    ]


def test_company_that_is_taken_away(site: Site) -> None:
    """A company that is taken away while it speaks to a caller still records that call; then it is gone, and
    its ledger is closed."""
    call = site.dial("+493012345678")
    call.wait_heard(0.3, 30)
    text = site.office.config.read_text()
    before, _, rest = text.partition("  borealis:")
    lines = rest[rest.index("# The called numbers") :].partition('  "+493012345678":')[0]
    site.office.config.write_text(before + lines)
    assert site.office.reload()
    assert site.over(call).status == "PLAYED"
    assert len(site.office.records("borealis")) == 1
    assert site.call("+493012345678").reason == "no-line"
    site.office.wait_closed(site.office.folder / "ledger" / "borealis.sqlite3")
