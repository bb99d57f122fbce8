"""The package in bare Debians that systemd runs: installed, answering calls, upgraded, removed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from informativa import __version__
from lab import audio, builds
from lab.debian import Unavailable, cache_folder
from lab.office import fill_in, without_masters
from lab.pbx import Pbx
from lab.phone import Phone
from lab.ports import free_port
from packages import machine
from packages.machine import Machine

ETC = "/etc/informativa"
EXTENSIONS = """\
[from-lab]
exten => _X.,1,Gosub(informativa,s,1(${EXTEN}))
 same => n,Hangup()
exten => h,1,UserEvent(Over,Status:${INFORMATIVA_STATUS})

#tryinclude informativa.conf
"""
Boot = Callable[[], Machine]


@pytest.fixture(params=["bookworm", "trixie", "jammy", "noble"])
def debian(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A bare Debian or Ubuntu in which systemd runs, with the user that Asterisk's package makes."""
    with ExitStack() as stack:
        try:
            booted = stack.enter_context(machine.booted(request.param, [cache_folder()]))
        except Unavailable as error:
            pytest.skip(str(error))
        booted.run(f"d={cache_folder()}; while [ $d != / ]; do chmod a+x $d; d=$(dirname $d); done")
        booted.run("adduser --system --group --quiet --home /var/lib/asterisk asterisk")
        yield booted


def install(debian: Machine, package: Path) -> str:
    """Return what apt says while it installs that file, without an archive: what the package needs is
    there."""
    shutil.copy(package, debian.root / "root")
    return debian.run(f"apt-get install -y --no-install-recommends /root/{package.name}")


def configure(debian: Machine) -> None:
    """Both companies are live, the notice is short, and the port is nobody's on this machine."""
    config = debian.root / ETC.lstrip("/") / "informativa.yaml"
    fill_in(config)
    config.write_text(config.read_text().replace("127.0.0.1:4588", f"127.0.0.1:{free_port()}"))
    without_masters(config.with_name("prompts"))
    audio.write_wav(config.with_name("prompts") / "it/short.wav", audio.synthetic(1.5, seed=1))


@pytest.fixture
def call(debian: Machine) -> Iterator[Callable[[str], str]]:
    """Rings the first company from a number, through an Asterisk that runs in there as `asterisk`; what its
    dialplan got."""
    try:
        build = builds.obtain("testing", lambda _what, _part: None)
    except Unavailable as error:
        pytest.skip(str(error))
    # In the cache, which has one name in there and here, and not in /dev/shm, as `tmp_path` is: systemd
    # deletes what Asterisk's user has in that when a unit ends that an earlier version wrote (RemoveIPC).
    folder = debian.root.parent / "pbx"
    folder.parent.chmod(0o755)
    for name in ("etc", "var", "data", "spool", "run", "log", "agi"):
        (folder / name).mkdir(parents=True)
        (folder / name).chmod(0o777)
    prefix = (*debian.enter, "runuser", "-u", "asterisk", "--")
    with Pbx(build, folder, EXTENSIONS, prefix=prefix) as pbx:

        def ring(number: str) -> str:
            debian.run(f"informativa dialplan install --to {pbx.etc}")
            pbx.reload_dialplan()
            pbx.forget_events()
            with Phone(pbx) as phone:
                phone.dial("0212345678", number).wait_ended(60)
                return pbx.wait_event(lambda event: event.get("UserEvent") == "Over")["Status"]

        yield ring


def test_it_installs_and_answers(debian: Machine, package: Path, call: Callable[[str], str]) -> None:
    """After the steps of the page a call is answered by the service, and by the script when that is stopped;
    the unit is the package's own."""
    assert "Wrote /etc/informativa/informativa.yaml" in install(debian, package)
    assert debian.run("informativa --version") == f"informativa {__version__}\n"
    assert debian.run("systemctl is-enabled informativa", ends=1) == "disabled\n"
    assert "borealis" in debian.run("informativa check", ends=1)
    configure(debian)
    debian.run("runuser -u asterisk -- informativa check")
    debian.run("systemctl enable --now informativa informativa-web")
    assert debian.run("ls /etc/systemd/system/informativa.service", ends=2)
    assert "the service runs (process" in debian.run("informativa check")
    assert "is taken by" not in debian.run("informativa doctor || true")
    assert call("+393331234567") == "PLAYED"
    assert call("+393331234567") == "NOTDUE"
    debian.run("systemctl stop informativa")
    assert call("+393331234567") == "NOTDUE"
    assert call("+393331234568") == "PLAYED"
    records = debian.run("informativa ledger show --controller acme --json")
    assert len([record for record in json.loads(records)["records"] if record["line"]]) == 4
    assert debian.run(f"find {ETC} ! -user asterisk ! -name informativa.yaml ! -name '*.agi'") == ""


def test_an_upgrade_restarts_what_runs_on_the_records_from_before(
    debian: Machine, earlier: Path, package: Path, call: Callable[[str], str]
) -> None:
    """Who heard the notice from the version before hears it no more from the new one."""
    install(debian, earlier)
    configure(debian)
    debian.run("systemctl enable --now informativa")
    assert call("+393331234567") == "PLAYED"
    before = debian.run("systemctl show -P MainPID informativa")
    install(debian, package)
    assert debian.run("informativa --version") == f"informativa {__version__}\n"
    assert debian.run("systemctl is-active informativa informativa-web") == "active\ninactive\n"
    assert debian.run("systemctl show -P MainPID informativa") != before
    assert call("+393331234567") == "NOTDUE"


def test_an_upgrade_leaves_running_what_the_new_version_could_not_load(
    debian: Machine, earlier: Path, package: Path
) -> None:
    """A configuration with a mistake is told, and the service that began before it goes on."""
    install(debian, earlier)
    configure(debian)
    debian.run("systemctl enable --now informativa")
    before = debian.run("systemctl show -P MainPID informativa")
    debian.run(f"echo 'nonsense: true' >> {ETC}/informativa.yaml")
    output = install(debian, package)
    assert "nonsense" in output
    assert "was not restarted" in output
    assert debian.run("systemctl show -P MainPID informativa") == before


def test_root_signs_in_a_unit_of_its_own(debian: Machine, package: Path, call: Callable[[str], str]) -> None:
    """As the page on evidence says: the service cannot read the key, and what it records is signed all the
    same, in files that are still its own."""
    install(debian, package)
    configure(debian)
    debian.run("systemctl enable --now informativa")
    assert call("+393331234567") == "PLAYED"
    debian.run("systemctl stop informativa")
    debian.run("informativa evidence checkpoint")
    log = f"{ETC}/ledger/acme.log"
    debian.run(f"chown -R root: {log}/signing")
    debian.run("systemctl enable --now informativa informativa-evidence")
    assert call("+393331234567") == "NOTDUE"
    debian.run("systemctl restart informativa-evidence")  # it signs when it begins, and then once a minute
    debian.run(
        f"for n in $(seq 300); do sed -n 2p {log}/1/checkpoint | grep -qx 2 && exit 0; sleep 0.1; done;"
        " systemctl status informativa-evidence; exit 1"
    )
    assert debian.run("runuser -u asterisk -- informativa evidence audit --json").count('"sound": true') >= 1
    assert debian.run(f"find {log} ! -user asterisk ! -path '{log}/signing*'") == ""


def test_a_unit_that_the_configuration_needs_is_written_and_goes_again(
    debian: Machine, package: Path
) -> None:
    """One that differs from the package's lies in /etc/systemd/system until the package is removed; one that
    the admin wrote stays."""
    install(debian, package)
    unit = "/etc/systemd/system/informativa.service"
    debian.run(f"sed -i 's/sessions: 2000/sessions: 3000/' {ETC}/informativa.yaml")
    debian.run("dpkg-reconfigure informativa")
    assert "LimitNOFILE=4100\n" in debian.run(f"cat {unit}")
    debian.run("echo '[Service]' > /etc/systemd/system/informativa-web.service")
    debian.run("apt-get remove -y informativa")
    assert debian.run("ls /etc/systemd/system/informativa*") == (
        "/etc/systemd/system/informativa-web.service\n"
    )


def test_no_unit_is_written_that_would_answer_callers_as_root(debian: Machine, package: Path) -> None:
    """Where root owns the configuration the unit stays as it was, and what is said then is what mends it; a
    unit of the admin's own is his."""
    install(debian, package)
    unit = "/etc/systemd/system/informativa.service"
    mended = f"chown -hR asterisk: {ETC} && dpkg-reconfigure informativa"
    debian.run(f"sed -i 's/sessions: 2000/sessions: 3000/' {ETC}/informativa.yaml; chown -R root: {ETC}")
    assert mended in debian.run("dpkg-reconfigure informativa")
    assert debian.run("ls /etc/systemd/system/informativa* 2>&1", ends=2)
    debian.run(mended)
    assert "User=asterisk\n" in debian.run(f"cat {unit}")
    debian.run(f"sed -i 's/sessions: 3000/sessions: 4000/' {ETC}/informativa.yaml; chown -R root: {ETC}")
    assert mended in debian.run("dpkg-reconfigure informativa")
    assert "LimitNOFILE=4100\n" in debian.run(f"cat {unit}")
    debian.run(f"echo '# mine' >> {unit}")
    assert "nothing restarted for: informativa-web." in debian.run("dpkg-reconfigure informativa")


def test_removal_says_that_asterisk_still_includes_the_dialplan(debian: Machine, package: Path) -> None:
    """With the lines that do so, and what to type before and after it; of a dialplan that was taken out
    before, nothing is said."""
    install(debian, package)
    debian.run("mkdir /etc/asterisk; echo '#tryinclude informativa.conf' > /etc/asterisk/extensions.conf")
    debian.run("informativa dialplan install")
    output = debian.run("apt-get remove -y informativa")
    assert "type before a removal: informativa dialplan uninstall." in output
    assert "rm /etc/asterisk/informativa.conf && asterisk -rx 'dialplan reload'" in output
    assert "/etc/asterisk/extensions.conf:1 includes it" in output
    install(debian, package)
    debian.run("informativa dialplan uninstall")
    assert "still includes" not in debian.run("apt-get remove -y informativa")


def test_purge_keeps_ledgers_unless_somebody_says_otherwise(
    debian: Machine, package: Path, call: Callable[[str], str]
) -> None:
    """Removed and purged without an answer, the proof stays with its keys; installed again it counts; purged
    with the answer that it may go, nothing is left."""
    install(debian, package)
    configure(debian)
    debian.run("systemctl enable --now informativa")
    assert call("+393331234567") == "PLAYED"
    debian.run("apt-get remove -y informativa")
    assert debian.run("ls /usr/lib/informativa", ends=2)
    assert "stays" in debian.run("apt-get purge -y informativa")
    install(debian, package)
    debian.run("systemctl enable --now informativa")
    assert call("+393331234567") == "NOTDUE"
    debian.run("echo informativa informativa/purge-ledgers boolean true | debconf-set-selections")
    debian.run("apt-get purge -y informativa")
    assert (
        debian.run(f"ls -d {ETC} /usr/lib/informativa /var/lib/informativa 2>&1", ends=2).count(
            "cannot access"
        )
        == 3
    )


def test_purge_of_what_never_recorded_leaves_nothing(debian: Machine, package: Path) -> None:
    """No ledger, no question."""
    install(debian, package)
    debian.run("apt-get purge -y informativa")
    assert debian.run(f"ls -d {ETC}", ends=2)


def test_without_asterisk_it_has_a_user_of_its_own_until_asterisk_comes(
    debian: Machine, package: Path
) -> None:
    """`dpkg-reconfigure informativa` then gives all to Asterisk's user, and writes no unit of its own."""
    debian.run("deluser --quiet asterisk")
    assert "dpkg-reconfigure informativa" in install(debian, package)
    assert debian.run(f"stat -c %U:%G {ETC}/keys/acme.key") == "informativa:informativa\n"
    assert "User=informativa" in debian.run("cat /etc/systemd/system/informativa.service")
    debian.run("adduser --system --group --quiet --home /var/lib/asterisk asterisk")
    debian.run("dpkg-reconfigure informativa")
    assert debian.run(f"stat -c %U:%G {ETC}/keys/acme.key") == "asterisk:asterisk\n"
    assert "User=asterisk" in debian.run("systemctl cat informativa")
    assert debian.run("ls /etc/systemd/system/informativa.service", ends=2)
