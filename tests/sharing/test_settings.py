"""The settings `shared:` of a configuration, and what an admin is told who wrote them wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from informativa.call.caller import fingerprint
from informativa.config import comparable, inspect, load
from informativa.config.partial import of_calls
from informativa.model import SharedDatabase
from informativa.model.errors import ConfigError
from informativa.sharing.connection import address
from informativa.sharing.startup import password_of

HERE = "shared:\n  hosts: ['127.0.0.1']\n  box: pbx-1\n"


def write(folder: Path, text: str) -> Path:
    """Put it at the end of the configuration."""
    file = folder / "informativa.yaml"
    file.write_text(file.read_text() + text)
    return file


def problems(folder: Path, text: str) -> list[str]:
    """Return what is wrong then, each with its place."""
    with pytest.raises(ConfigError) as error:
        load(write(folder, text))
    return [f"{problem.key}: {problem.message!s}; {problem.remedy!s}" for problem in error.value.problems]


def test_what_is_not_given_is_as_it_is_for_most(folder: Path) -> None:
    """PostgreSQL's port, 30 ms, and no waiting; nothing at all without the section."""
    assert load(folder / "informativa.yaml").shared is None
    settings = load(write(folder, HERE)).shared
    assert settings == SharedDatabase(("127.0.0.1:5432",), "informativa", "pbx-1")
    assert (settings.wait, settings.seconds) == (False, 0.03)


def test_several_hosts_and_a_socket(folder: Path) -> None:
    """Each with its port; libpq takes the one that takes writes."""
    file = write(folder, "shared:\n  hosts: [/run/postgresql, '127.0.0.2:6432', '[::1]']\n  box: pbx-1\n")
    settings = load(file).shared
    assert settings is not None
    assert settings.hosts == ("/run/postgresql", "127.0.0.2:6432", "[::1]:5432")
    given = conninfo_to_dict(address(settings, "acme"))
    assert (given["host"], given["port"]) == ("/run/postgresql,127.0.0.2,::1", ",6432,5432")
    assert (given["user"], given["target_session_attrs"]) == ("informativa-box-pbx-1", "read-write")
    assert "sslmode" not in given


@pytest.mark.parametrize("host", ["db1.example", "10.0.0.1:5432", "localhost.example", "127.example:1"])
def test_i6_another_machine_is_known_by_its_certificate(folder: Path, host: str) -> None:
    """Or the configuration is refused, with what to write."""
    (problem,) = problems(folder, f"shared:\n  hosts: ['127.0.0.1', '{host}']\n  box: pbx-1\n")
    assert problem.startswith("shared: has no `certificates`, and ")
    assert "write `certificates: system`" in problem


@pytest.mark.parametrize("certificates", ["system", "keys/ca.pem"])
def test_certificates_are_verified_in_full(folder: Path, certificates: str) -> None:
    """The name included; by the roots of the machine, or by those in a file."""
    (folder / "keys/ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    text = f"shared:\n  hosts: [db1.example]\n  box: pbx-1\n  certificates: {certificates}\n"
    settings = load(write(folder, text)).shared
    assert settings is not None
    root = certificates if certificates == "system" else str(folder / certificates)
    assert f"sslmode=verify-full sslrootcert={root}" in address(settings, "acme")


def test_a_file_that_is_not_there_says_what_to_put_there(folder: Path) -> None:
    """Both of them."""
    more = "  passwords: keys/database.pgpass\n  certificates: keys/ca.pem\n"
    passwords, certificates = problems(folder, HERE + more)
    assert "there is no file" in passwords
    assert "write HOST:PORT:DATABASE:ROLE:PASSWORD there, then type: chown --reference=" in passwords
    assert "put the root of the database's certificate there" in certificates


def test_passwords_are_nobody_elses_to_read_and_in_their_form(folder: Path) -> None:
    """libpq would pass over the file, and the database say that no password was given."""
    file = folder / "keys/database.pgpass"
    file.write_text("# a word\n*:*:*:informativa_acme:se\\:cret\n\njust a password\n")
    file.chmod(0o640)
    mode, line = problems(folder, HERE + "  passwords: keys/database.pgpass\n")
    assert f"type: chmod 600 {file}" in mode
    assert "has a line that is not HOST:PORT:DATABASE:ROLE:PASSWORD" in line


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("box: PBX 1", "shared.box"),
        ("hosts: []", "shared.hosts"),
        ("hosts: ['db1; rm']", "shared.hosts[0]"),
        ("milliseconds: 0", "shared.milliseconds"),
        ("milliseconds: 2001", "shared.milliseconds"),
        ("database: 'a b'", "shared.database"),
        ("wait: perhaps", "shared.wait"),
        ("password: secret", "shared.password"),
    ],
)
def test_each_mistake_is_told_with_its_place(folder: Path, line: str, key: str) -> None:
    """And it keeps no call from being answered: boxes are something beside them."""
    name = line.partition(":")[0]
    others = [setting for setting in HERE.splitlines(keepends=True) if not setting.startswith(f"  {name}:")]
    file = write(folder, "".join(others) + f"  {line}\n")
    _configuration, wrong = inspect(file)
    assert key in [problem.key for problem in wrong]
    assert of_calls(wrong, "acme", "+390212345678") == []


def test_password_of_a_role() -> None:
    """The first line that fits, as libpq reads it: stars, comments and escapes."""
    text = "#*:*:*:*:no\n*:*:other:informativa_acme:no\n*:*:*:informativa_acme:a\\:b\\\\c\n*:*:*:*:late\n"
    assert password_of(text, "informativa", "informativa_acme") == "a:b\\c"
    assert password_of(text, "informativa", "informativa_globex") == "late"
    assert password_of("", "informativa", "informativa_acme") == ""


def test_what_decides_about_callers_makes_the_digest(folder: Path) -> None:
    """Where a box keeps things makes none, nor what the office does; a purpose, a period, a line of another
    plan does."""
    file = folder / "informativa.yaml"

    def digest() -> str:
        configuration = load(file)
        return comparable.digest(
            configuration.controllers["acme"], configuration.notices["acme"], configuration.lines
        )

    before, text = digest(), file.read_text()
    for old, new, same in (
        ("ledger/acme.sqlite3", "ledger/other.sqlite3", True),
        ("Borealis", "Boreales", True),
        ("retention: 5 years", "retention: 5 years\n    requests: {four_eyes: true}", True),
        ("retention: 5 years", "retention: 5 years\n    exports: {four_eyes: true}", True),
        ("retention: 5 years", "retention: 5 years\n    reason_for_looking: required", True),
        ("retention: 5 years", "retention: 4 years", False),
        ("region: IT", "region: CH", False),
    ):
        assert old in text
        file.write_text(text.replace(old, new))
        assert (digest() == before) is same, old


def test_a_fingerprint_says_nothing_of_its_key() -> None:
    """It is short, keyed, and like no pseudonym and no binding."""
    assert fingerprint(b"k" * 32) == fingerprint(b"k" * 32) != fingerprint(b"o" * 32)
    assert len(fingerprint(b"k" * 32)) == 16


OWN = "    shared: {hosts: ['127.0.0.1:6000'], database: large}\n    time_zone: Europe/Rome"


def own_database(folder: Path, own: str, text: str) -> Path:
    """Give acme a database of its own, and the others the one of this text."""
    file = folder / "informativa.yaml"
    file.write_text(file.read_text().replace("    time_zone: Europe/Rome", own, 1))
    return write(folder, text)


def test_a_company_may_meet_in_another_database(folder: Path) -> None:
    """Its connections go to its own hosts; those of the others stay where they were."""
    shared = load(own_database(folder, OWN, HERE)).shared
    assert shared is not None
    assert (shared.of("acme").hosts, shared.of("acme").name) == (("127.0.0.1:6000",), "large")
    assert shared.of("borealis").hosts == ("127.0.0.1:5432",)
    assert shared.all_hosts == ("127.0.0.1:5432", "127.0.0.1:6000")
    addresses = [conninfo_to_dict(address(shared, name)) for name in ("acme", "borealis")]
    assert [(given["port"], given["dbname"]) for given in addresses] == [
        ("6000", "large"),
        ("5432", "informativa"),
    ]


@pytest.mark.parametrize(
    ("own", "text", "problem"),
    [
        (OWN, "", "controllers.acme.shared: needs `shared` for all companies"),
        (
            OWN.replace("127.0.0.1", "db7.example"),
            HERE,
            "controllers.acme.shared: db7.example:6000 is another",
        ),
    ],
)
def test_i10_a_mistake_in_where_a_company_meets_is_its_own(
    folder: Path, own: str, text: str, problem: str
) -> None:
    """I10: it is refused at the company's part, with what to write."""
    file = own_database(folder, own, text)
    with pytest.raises(ConfigError) as error:
        load(file)
    (mistake,) = error.value.problems
    assert f"{mistake.key}: {mistake.message!s}".startswith(problem)
