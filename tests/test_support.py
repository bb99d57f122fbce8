"""A bundle for support: what it says, and that nothing of a caller or a secret is in any byte of it."""

from __future__ import annotations

import gzip
import json
import re
import stat
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from commands import typed
from examples import PLAYED
from informativa.call.caller import pseudonym
from informativa.config import load
from informativa.config.described import SETTINGS
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Identified
from informativa.operations.support.configuration import KINDS
from informativa.operations.support.journal import LEFT_OUT
from lab.ports import free_port
from old_ledgers import form, old

CALLER = "+393401200728"
SPELLED = ("+393401200728", "3401200728", "340 120 0728", "+39.340.120-0728", "340/1200728", "03401200728")
CUSTOMER = "KD-77c41-Q"
REFERENCE = "Vertrag-9911-Zeta"
PLANTED = {
    "in a comment": "geheim-kommentar",
    "of the token": "5eC" * 10,
    "of the manager": "manager-s3cret",
    "of a DSN": "dsn-s3cret",
    "of a header": "X-Secret-Proxy",
    "of a URL": "url-s3cret",
    "of its user": "url-user",
    "of its path": "path-s3cret",
    "of its question": "query-s3cret",
    "of a bearer": "bearer-s3cret",
    "of an SQL literal": "literal-s3cret",
    "of a file of before": "retired-s3cret",
    "of a contract": "2026/4711-Omega",
    "of an analysis": "2026/4710-Omega",
    "of a processor": "Wortkarg Service KG",
    "of a carrier": "Number vouched by Geheimnetz",
}
AT = datetime(2026, 11, 26, 12, tzinfo=UTC)


def secret(file: Path, text: str) -> str:
    """A file for its owner alone, and how the configuration names it."""
    file.write_text(f"{text}\n")
    file.chmod(0o600)
    return f"{file.parent.name}/{file.name}"


@pytest.fixture
def file(folder: Path) -> Path:
    """A configuration in order with a secret at every place that may hold one, and a ledger with a caller."""
    file, keys = folder / "informativa.yaml", folder / "keys"
    secret(keys / "manager.secret", PLANTED["of the manager"])
    secret(keys / "crm.token", PLANTED["of a bearer"])
    secret(keys / "crm.token.retired-1", PLANTED["of a file of before"])
    secret(
        keys / "customers.yaml", f"conninfo: postgresql://me:{PLANTED['of a DSN']}@db.example/crm\nport: 5432"
    )
    text = file.read_text().replace("127.0.0.1:4588", f"127.0.0.1:{free_port()}")
    lookups = f"""
    lookups:
      crm:
        notice: privacy
        url: "https://{PLANTED["of its user"]}:{PLANTED["of a URL"]}@crm.example/{PLANTED["of its path"]}?\
n={{number}}&key={PLANTED["of its question"]}"
        token: keys/crm.token
      customers:
        notice: privacy
        query: "SELECT day AS date FROM t WHERE phone = {{number}} AND pin = '{PLANTED["of an SQL literal"]}'"
        driver: sqlite3
        connect: keys/customers.yaml
    notices:"""
    more = f"""
# {PLANTED["in a comment"]} {CALLER}
manager: {{address: "127.0.0.1:{free_port()}", user: informativa, secret: keys/manager.secret}}
shared_numbers: ["{CALLER}"]
verification: {{"{PLANTED["of a carrier"]}": passed}}
web: {{proxy: {{addresses: [127.0.0.1], header: {PLANTED["of a header"]}}}}}
operator: """
    text = text.replace("\n    notices:", lookups, 1).replace("\noperator: ", more, 1)
    papers = iter((PLANTED["of a contract"], PLANTED["of an analysis"]))
    text = re.sub(r"reference: [^,}\n]+", lambda _: f"reference: {next(papers)}", text)
    file.write_text(text)
    configuration = load(file)
    acme = configuration.controllers["acme"]
    store = SqliteStore(acme.ledger)
    store.append([PLAYED])
    store.close()
    return file


JOURNAL = (
    ("informativa", "2026-11-26T11:00:00.1Z [error    ] a ledger is in trouble         error='disk I/O error'"
                    " ledger=/l.sqlite3 caller={hex} customer={customer} reference={reference}"),
    ("informativa", "2026-11-26T11:00:01Z [warning] configuration problem='lines.+390212345678: {spelled}'"),
    ("informativa", "2026-11-26T11:00:02.1Z [error    ] no metrics error='at {hex} for {caller}: {secret}'"),
    ("informativa", '{{"event": "purge failed", "level": "error", "why": "{caller}", "w": "{customer}"}}'),
    ("informativa", "Traceback (most recent call last):"),
    ("informativa", '  File "/opt/informativa/call/answering.py", line 17, in answer'),
    ("informativa", "    raise KeyError({customer!r})"),
    ("informativa", "KeyError: '{customer}'"),
    ("informativa", "printed by who knows whom: {customer} {reference}"),
    ("systemd", "informativa.service: Main process exited, code=exited, status=1/FAILURE"),
)  # fmt: skip


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A journalctl that has these lines, before any other on the PATH."""

    def make(**facts: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        lines = [
            json.dumps({
                "MESSAGE": message.format(**facts),
                "SYSLOG_IDENTIFIER": identifier,
                "__REALTIME_TIMESTAMP": "1795690800000000",
            })
            for identifier, message in JOURNAL
        ]  # fmt: skip
        lines.append(json.dumps({"MESSAGE": [*f"bytes {facts['customer']} \xff".encode("latin-1")]}))
        (folder / "lines").write_text("\n".join(lines))
        program = folder / "journalctl"
        program.write_text(f'#!/bin/sh\necho "$@" > {folder}/asked\nexec cat {folder}/lines\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=":")

    return make


def bundled(file: Path) -> tuple[bytes, dict[str, str]]:
    """Every byte of a bundle, packed and unpacked, and its files."""
    to = file.parent.parent / "support.tar.gz"
    code, out, err = typed("support-bundle", "-c", file, "-o", to, "--json")
    assert (code, err) == (0, "")
    facts = json.loads(out)
    assert (facts["file"], facts["bytes"]) == (str(to), to.stat().st_size)
    with tarfile.open(to) as tar:
        files = {member.name.partition("/")[2]: tar.extractfile(member) for member in tar.getmembers()}
        texts = {name: opened.read().decode() for name, opened in files.items() if opened}
    assert list(texts) == facts["members"]
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    return to.read_bytes() + gzip.decompress(to.read_bytes()), texts


def numbers() -> list[str]:
    """The caller's number in its spellings, and its digits."""
    return [
        *SPELLED,
        *(spelling.replace("+39", "0039") for spelling in SPELLED if spelling.startswith("+39")),
    ]


def test_nothing_of_a_caller_or_a_secret_is_in_any_byte(file: Path, journal: Callable[..., None]) -> None:
    """I5: with numbers, pseudonyms, customer numbers, references and secrets at every place of configuration,
    ledger and journal, none is in the bundle; neither is a key, nor a called number."""
    acme = load(file).controllers["acme"]
    known = [pseudonym(Identified(CALLER), acme.key).hex(), PLAYED.pseudonym.hex()]
    journal(
        hex=known[0], caller=CALLER, spelled=" ".join(SPELLED), customer=CUSTOMER, reference=REFERENCE,
        secret=PLANTED["of a bearer"],
    )  # fmt: skip
    everything, texts = bundled(file)
    secrets = [key.read_text().strip() for key in (file.parent / "keys").iterdir() if key.suffix == ".key"]
    secrets += [(file.parent / "keys/agi.token").read_text().strip()]
    assert len(secrets) == 3
    for planted in [*numbers(), *known, CUSTOMER, REFERENCE, *PLANTED.values(), *secrets]:
        assert planted.encode() not in everything, planted
        assert planted.lower().encode() not in everything.lower(), planted
    assert b"390212345678" not in everything
    assert b"0212345678" not in everything
    assert "an error" not in texts["status.json"]


def test_what_helps_is_in_it(file: Path, journal: Callable[..., None]) -> None:
    """Settings, findings and errors are still told, and lines by names of their own."""
    journal(hex="", caller="+393331234567", spelled="x", customer=CUSTOMER, reference=REFERENCE, secret="x")
    _, texts = bundled(file)
    configuration = yaml.safe_load(texts["configuration.yaml"])
    assert configuration["controllers"]["acme"]["lookups"]["crm"]["url"] == "https://crm.example/(removed)"
    assert configuration["controllers"]["acme"]["retention"] == "5 years"
    assert configuration["service"]["listen"].startswith("127.0.0.1:")
    assert configuration["service"]["token"] == "keys/agi.token"
    assert configuration["lines"]["(line 1)"]["region"] == "IT"
    assert json.loads(texts["check.json"])["lines"][0]["number"] == "(line 1)"
    assert json.loads(texts["doctor.json"])["findings"]
    (acme, *_) = json.loads(texts["status.json"])["controllers"]
    assert acme["lines"] == ["(line 1)"]
    assert json.loads(texts["versions.json"])["informativa"] == "0.2.0"
    assert "pytest" not in texts["versions.json"]
    assert texts["README.txt"].startswith("informativa 0.2.0: ")
    assert texts["journal.txt"].splitlines() == [
        "2026-11-26T11:00:00Z [error] a ledger is in trouble error='disk I/O error' ledger=/l.sqlite3",
        "2026-11-26T11:00:00Z [warning] configuration problem='lines.(line 1): x'",
        "2026-11-26T11:00:00Z [error] no metrics error='at  for +############: x'",
        "2026-11-26T11:00:00Z [error] purge failed why='+############'",
        "2026-11-26T11:00:00Z Traceback (most recent call last):",
        '2026-11-26T11:00:00Z   File "/opt/informativa/call/answering.py", line 17, in answer',
        f"2026-11-26T11:00:00Z {LEFT_OUT}",
        "2026-11-26T11:00:00Z KeyError",
        f"2026-11-26T11:00:00Z {LEFT_OUT}",
        "2026-11-26T11:00:00Z informativa.service: Main process exited, code=exited, status=1/FAILURE",
        f"? {LEFT_OUT}",
    ]


MISPLACED = [
    ("service:\n", "service:\n  password: hunter2-x\n"),  # no such setting
    ("service:\n", "service:\n  metrics: hunter2-x\n"),  # out of shape
    ("service:\n", "hunter2-x: 1\nservice:\n"),  # as a name
    ("  token: keys/agi.token", "  token: hunter2-x"),  # in the place of its file
    ("    key: keys/acme.key", "    key: [hunter2-x]"),
    ("operator: ", "operator: &hunter2-x "),
    ("operator: ", "\thunter2-x: *hunter2-x\noperator: "),  # no YAML
    ("operator: ", "*hunter2-x\noperator: "),
]


@pytest.mark.sample(3)
@pytest.mark.parametrize(("old", "new"), MISPLACED)
def test_secret_at_a_wrong_place(folder: Path, old: str, new: str) -> None:
    """A password that somebody wrote where none belongs is not told, although that it is wrong is."""
    file = folder / "informativa.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    everything, texts = bundled(file)
    assert b"hunter2" not in everything
    checked = json.loads(texts["check.json"])
    assert checked["problems"] or "hunter2" not in new or "&" in new


def test_configuration_that_is_not_there(tmp_path: Path) -> None:
    """Then that is what the bundle says, with the versions."""
    (tmp_path / "etc").mkdir()
    _, texts = bundled(tmp_path / "etc/informativa.yaml")
    assert "there is no such file" in json.loads(texts["check.json"])["problems"][0]["message"]
    assert json.loads(texts["status.json"])["ok"] is False
    assert json.loads(texts["versions.json"])["python"].startswith("3.")


def test_no_file_is_written_over(folder: Path) -> None:
    """A name that is taken is refused, a link as well, and nothing changes."""
    for name in ("there.tar.gz", "link.tar.gz"):
        to = folder / name
        to.write_text("mine") if name.startswith("there") else to.symlink_to(folder / "nowhere")
        code, _, err = typed("support-bundle", "-c", folder / "informativa.yaml", "-o", to)
        assert (code, "is there already, and is not written over. Name another one: -o FILE" in err) == (
            1,
            True,
        )
    assert (folder / "there.tar.gz").read_text() == "mine"
    assert not (folder / "nowhere").exists()


def test_looking_changes_nothing(folder: Path) -> None:
    """A ledger of an earlier version is not migrated, and nothing is made beside the configuration."""
    ledger = old(folder / "ledger/acme.sqlite3", 6)
    before = sorted(folder.rglob("*"))
    bundled(folder / "informativa.yaml")
    sides = {ledger.with_name(f"{ledger.name}{end}") for end in ("-wal", "-shm")}  # of the doctor's trial
    assert [path for path in sorted(folder.rglob("*")) if path not in sides] == before
    assert form(ledger) == 6


def test_every_setting_is_shown_or_hidden_on_purpose() -> None:
    """A new setting is hidden until somebody says how it may be shown; here it is said of each."""
    settings_named = [setting for settings in KINDS.values() for setting in settings]
    assert len(settings_named) == len(set(settings_named))
    leaves = [
        name.replace("NAME", "*")
        for name, (_, example) in SETTINGS.items()
        if example and not example.endswith(":")
    ]
    shown = {setting.removesuffix(".*").removesuffix(".*").removesuffix("[]") for setting in settings_named}
    assert {name.removesuffix("[]") for name in leaves} == shown
