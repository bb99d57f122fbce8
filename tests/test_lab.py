"""The lab itself, on both of the Asterisks that it knows, so that a red test elsewhere is the product's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest

from lab import audio, bare, browser, builds, debian, golang, openssl, rtp, sipp
from lab.pbx import Pbx, PbxError
from lab.phone import CallError, Phone

PROMPT = audio.synthetic(2.5, seed=1)
OTHER = audio.synthetic(2.5, seed=2)


EXTENSIONS = """
[from-lab]
exten => play,1,Answer()
 same => n,Playback({prompt})
 same => n,Hangup()
exten => early,1,Progress()
 same => n,Playback({prompt},noanswer)
 same => n,Wait(10)
exten => key,1,Answer()
 same => n,Read(KEY,{prompt},1)
 same => n,UserEvent(Key,Key:${{KEY}})
exten => who,1,Answer()
 same => n,Set(NAME=${{CALLERID(name)}})
 same => n,UserEvent(Who,Number:${{CALLERID(num)}},Coded:${{URIENCODE(${{NAME}})}},Pres:${{CALLERID(pres)}})
 same => n,Hangup()
exten => refuse,1,Hangup(17)
exten => h,1,UserEvent(Over,Called:${{CHANNEL(exten)}})
"""


@pytest.fixture(scope="module", params=["testing", pytest.param("bullseye", marks=pytest.mark.night)])
def pbx(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pbx]:
    """An Asterisk of each version, for all tests of this file."""
    try:
        build = builds.obtain(request.param, debian.silent)
    except debian.Unavailable as missing:
        pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp(request.param)
    audio.write_wav(folder / "prompt.wav", PROMPT)
    with Pbx(build, folder, EXTENSIONS.format(prompt=folder / "prompt")) as running:
        yield running
        assert running.channels() == 0


@pytest.fixture
def phone(pbx: Pbx) -> Iterator[Phone]:
    """A caller whose calls end with the test."""
    pbx.forget_events()
    with Phone(pbx) as caller:
        yield caller


def test_versions_are_as_expected(pbx: Pbx) -> None:
    """Each suite still holds the Asterisk series that it is used for."""
    assert str(pbx.build.major) == builds.SUITES[pbx.build.name]
    assert pbx.build.version in pbx.cli("core show version")


@pytest.mark.parametrize("codec", ["alaw", "ulaw"])
def test_prompt_is_heard_whole_and_once(phone: Phone, codec: str) -> None:
    """A prompt that Asterisk plays to its end is found once and whole, and nothing else is found."""
    call = phone.dial("play", "+393331234567", codec=codec)
    call.wait_ended(10)
    (match,) = audio.find(PROMPT, call.played)
    assert match.is_whole
    assert match.correlation > 0.98
    assert audio.find(OTHER, call.played) == []
    assert (call.sip_status, call.answered, call.early, call.ended_by) == (200, True, False, "pbx")


def test_prompt_is_heard_whole_though_asterisk_stands_still(pbx: Pbx, phone: Phone) -> None:
    """A prompt in which Asterisk stops for 0.2 s four times is played to its end, and found to be whole.
    Where the machine was late, and the prompt over before the fourth time, it is rung once more."""
    assert pbx.pid
    for _ in range(5):
        call = phone.dial("play", "+393331234567")
        for place in (0.1, 0.4, 2.2, 2.4):
            call.wait_heard(place, 30)
            os.kill(pbx.pid, signal.SIGSTOP)
            time.sleep(0.2)
            os.kill(pbx.pid, signal.SIGCONT)
        call.wait_ended(30)
        (match,) = audio.find(PROMPT, call.played)
        assert match.is_whole
        if len(call.audio) > len(call.played) + 0.4 * rtp.RATE:
            return
    pytest.fail("Asterisk did not stand still while it played.")


def test_hang_up_in_the_middle(pbx: Pbx, phone: Phone) -> None:
    """A caller who hangs up after a second has heard what came until then, and Asterisk notices."""
    call = phone.dial("play", "+393331234567")
    call.wait_heard(1.0, 30)
    call.hang_up()
    pbx.wait_event(lambda event: event["UserEvent"] == "Over")
    (match,) = audio.find(PROMPT, call.played)
    assert match.covered == pytest.approx(call.heard, abs=0.2)
    assert (match.is_whole, call.ended_by) == (False, "caller")


def test_key_is_read(pbx: Pbx, phone: Phone) -> None:
    """A key pressed while a prompt plays is read by Asterisk, and ends the prompt."""
    call = phone.dial("key", "+393331234567")
    call.wait_heard(0.5, 30)
    call.press("#")
    call.wait_ended(30)
    assert (
        pbx.wait_event(lambda event: event["UserEvent"] == "Key")["Key"] == ""
    )  # "#" ends Read, and is not kept
    call = phone.dial("key", "+393331234567")
    call.wait_heard(0.5, 30)
    call.press("9")
    call.wait_ended(30)
    assert pbx.wait_event(lambda event: event.get("Key") == "9")
    (match,) = audio.find(PROMPT, call.played)
    assert not match.is_whole


def test_early_media_is_heard_and_cancelled(phone: Phone) -> None:
    """A prompt can be heard on a call that is never answered, and giving up is a CANCEL."""
    call = phone.dial("early", "+393331234567")
    call.wait_heard(2.45, 30)
    call.hang_up()
    (match,) = audio.find(PROMPT, call.played)
    assert match.is_whole
    assert (call.early, call.answered, call.sip_status, call.ended_by) == (True, False, 487, "caller")


def test_refusals(phone: Phone) -> None:
    """A busy line and an unknown extension end the call with their SIP status."""
    for extension, status in (("refuse", 486), ("nobody", 404)):
        call = phone.dial(extension)
        with pytest.raises(CallError, match=f"status {status}"):
            call.wait_answered()
        assert call.ended_by == "pbx"


@pytest.mark.parametrize("number", ["+393331234567", None])
def test_withheld(pbx: Pbx, phone: Phone, number: str | None) -> None:
    """A withheld number is restricted if it came along; if not, all that Asterisk has is "anonymous"."""
    phone.dial("who", number, withheld=True)
    caller = pbx.wait_event(lambda event: event["UserEvent"] == "Who")
    expected = (number, "prohib_not_screened") if number else ("anonymous", "allowed_not_screened")
    assert (caller["Number"], caller["Pres"]) == expected


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", [b'Ann "x" \\ [call_id] ]]> %41 <a@b>;', b"Nicol\xf2"])
def test_display_name_arrives(pbx: Pbx, phone: Phone, name: bytes) -> None:
    """Every byte of a name gets to Asterisk, which keeps SIP's backslashes, and since 22 mends UTF-8."""
    phone.dial("who", "+393331234567", name=name)
    coded = pbx.wait_event(lambda event: event["UserEvent"] == "Who")["Coded"]
    expected = name.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    if pbx.build.major > 16:
        expected = expected.decode(errors="replace").encode()
    assert unquote_to_bytes(coded) == expected


@pytest.mark.night
def test_killed_and_started_again(pbx: Pbx, tmp_path: Path) -> None:
    """After kill -9 the same folder can be started again, and AstDB is as it was at the last orderly end."""
    with Pbx(pbx.build, tmp_path / ("long" * 30), "[from-lab]\n") as other:
        other.cli("database put lab key kept")
        other.stop()
        other.start()
        other.kill()
        assert other.pid is None
        other.start()
        assert "kept" in other.cli("database get lab key")
        assert other.warnings() == []


def test_failed_start_says_why(pbx: Pbx, tmp_path: Path) -> None:
    """An Asterisk that cannot start shows the end of its log."""
    broken = Pbx(pbx.build, tmp_path, "", extra_files={"modules.conf": "[modules]\nrequire = nothing.so\n"})
    with pytest.raises(PbxError, match="ended with"), broken:
        pytest.fail("it started")


def sent(samples: rtp.Samples, codec: str = "alaw") -> list[rtp.Packet]:
    """``samples`` as they go through a telephone line."""
    data = rtp.encode(samples, codec)
    return [
        rtp.Packet(i / 8000, rtp.CODECS[codec], False, (65530 + i // 160) % 2**16, i, 1, data[i : i + 160])
        for i in range(0, len(data), 160)
    ]


def coded(samples: rtp.Samples, codec: str = "alaw") -> rtp.Samples:
    """Return what is left of ``samples`` after a telephone line."""
    return rtp.assemble(sent(samples, codec), rtp.ByNumber())


def silence(seconds: float) -> rtp.Samples:
    """Return so much of nothing."""
    return np.zeros(round(seconds * 8000), np.int16)


def test_find_counts_and_measures() -> None:
    """A prompt cut off and begun again is two matches, of which the second is whole."""
    heard = np.concatenate([silence(0.3), PROMPT[:6400], PROMPT, silence(0.5), OTHER])
    first, second = audio.find(PROMPT, coded(heard, "ulaw"))
    assert first.offset == pytest.approx(0.3)
    assert first.covered == pytest.approx(0.8, abs=0.03)
    assert second.offset == pytest.approx(1.1)
    assert (first.is_whole, second.is_whole) == (False, True)
    assert audio.find(OTHER[::-1].copy(), heard) == []
    assert audio.find(PROMPT, silence(0)) == []


def test_find_tolerates_lost_packets() -> None:
    """One in eleven packets lost, and two in the wrong order, do not make a prompt seem cut short."""
    packets = [packet for number, packet in enumerate(sent(PROMPT)) if number % 11 != 1]
    packets[50:52] = packets[51], packets[50]
    (match,) = audio.find(PROMPT, rtp.assemble(packets, rtp.ByNumber()))
    assert match.is_whole
    assert match.correlation < 0.99


def test_what_was_played_is_the_same_wherever_the_sender_stands_still() -> None:
    """Whoever stops for 80 ms to 0.9 s after any of a prompt's packets has played it whole all the same."""
    packets, expected = sent(PROMPT), coded(PROMPT)
    for stall in (640, 1303, 2408, 7200):
        for at in range(1, len(packets)):
            late = [replace(packet, timestamp=packet.timestamp + stall) for packet in packets[at:]]
            assert len(rtp.assemble(packets[:at] + late, rtp.ByTime())) == len(PROMPT) + stall
            assert np.array_equal(rtp.assemble(packets[:at] + late, rtp.ByNumber()), expected), (stall, at)
    assert len(expected) == len(PROMPT)
    other = [replace(packet, source=2, sequence=number) for number, packet in enumerate(packets[40:])]
    assert np.array_equal(rtp.assemble(packets[:40] + other, rtp.ByNumber()), expected)


def test_find_knows_sound_that_is_played_twice() -> None:
    """A fifth of a second that comes again makes the rest late, and is no stall."""
    for again in (0.1, 0.15, 0.2, 0.5):
        heard = np.concatenate([PROMPT[:12000], PROMPT[12000 - round(again * 8000) :]])
        assert not audio.find(PROMPT, coded(heard))[0].is_whole, again


def test_find_knows_a_missing_beginning() -> None:
    """A lost first packet does no harm; a fifth of a second that is missing is told."""
    for missing in (160, 1600):
        (match,) = audio.find(PROMPT, coded(PROMPT[missing:]))
        assert match.cut == pytest.approx(missing / 8000)
        assert match.covered == match.length
        assert match.is_whole == (missing == 160)


def test_missing_packets_become_silence() -> None:
    """Packets are placed by their timestamps, across the wrap of the counter and whatever their order."""
    packets = [
        rtp.Packet(0.0, 8, False, n, (2**32 - 160 + n * 160) % 2**32, 1, b"\x2a" * 160) for n in (0, 3, 2)
    ]
    heard = rtp.assemble(packets, rtp.ByTime())
    assert len(heard) == 640
    assert not heard[160:320].any()
    assert heard[:160].all()
    assert heard[320:].all()


def test_wav_files_come_back(tmp_path: Path) -> None:
    """What is written is read back, after the canonical 44 bytes of header."""
    audio.write_wav(tmp_path / "a.wav", PROMPT)
    assert (tmp_path / "a.wav").stat().st_size == 44 + 2 * len(PROMPT)
    assert np.array_equal(audio.read_wav(tmp_path / "a.wav"), PROMPT)
    assert audio.loudness(PROMPT) == pytest.approx(-20, abs=0.5)


def test_recording_is_whole_once_its_header_says_so(tmp_path: Path) -> None:
    """Neither where no file is yet, nor while Asterisk keeps the header or the end of it back."""
    path = tmp_path / "a.wav"
    assert not audio.is_closed(path)
    audio.write_wav(path, audio.synthetic(0.1, seed=1))
    recording = path.read_bytes()
    unfinished = (b"", bytes(44), recording[:44], recording[:40] + bytes(4) + recording[44:], recording[:-2])
    closed = []
    for content in (*unfinished, recording):
        path.write_bytes(content)
        closed.append(audio.is_closed(path))
    assert closed == [False] * 5 + [True]


def test_line_breaks_in_names() -> None:
    """A line break in a name that would forge a header is refused; a folded one is legal SIP."""
    with pytest.raises(ValueError, match="folds"):
        sipp.address(b"1", "host", b"x\r\nPrivacy: none")
    assert b"\r\n " in sipp.address(b"1", "host", b"x\r\n y")


def test_cache_that_cannot_be_written(tmp_path: Path) -> None:
    """A cache folder that is a file is reported in one sentence that names it."""
    (tmp_path / "file").touch()
    with pytest.raises(debian.Unavailable, match=r"cannot be written .* Set INFORMATIVA_CACHE"):
        debian.packages("testing", ["sipp"], tmp_path / "file", debian.silent)


def test_machine_that_is_not_a_debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without apt-get the user is told what to install, and nothing is written."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(debian.Unavailable, match="Install asterisk and sip-tester"):
        debian.packages("testing", ["sipp"], tmp_path / "cache", debian.silent)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("obtain", "program", "package"),
    [
        (browser.obtain, "chromium-headless-shell", "chromium-headless-shell"),
        (golang.compiler, "go", "golang-go"),
        (openssl.command, "openssl", "openssl"),
    ],
)
def test_installed_program_is_preferred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, obtain: Callable[[], object], program: str, package: str
) -> None:
    """What is on PATH is taken; where it is not there and cannot be had, one is told what to install."""
    monkeypatch.delenv("NIGHT", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("INFORMATIVA_CACHE", str(tmp_path / "cache"))
    with pytest.raises(debian.Unavailable, match=f"Install {package}"):
        obtain()
    (tmp_path / program).touch(0o755)
    assert str(tmp_path / program) in str(obtain())


def test_unpacked_packages_need_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was unpacked to the end is used as it is; a folder without its mark is not."""
    home = tmp_path / "testing" / "sipp"
    (home / "root").mkdir(parents=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(debian.Unavailable):
        debian.packages("testing", ["sipp"], tmp_path, debian.silent)
    (home / "packages.txt").write_text("sipp\n")
    assert debian.packages("testing", ["sipp"], tmp_path, debian.silent) == home / "root"


@pytest.mark.night
def test_programs_of_tests_in_the_background_can_be_interrupted() -> None:
    """A shell takes SIGINT from what runs in the background, nohup SIGHUP; what a test starts has both."""
    tell = "import signal; print(signal.getsignal(2) is not signal.SIG_IGN, signal.getsignal(1) == 0)"
    code = f"import conftest, subprocess, sys; subprocess.run([sys.executable, '-c', {tell!r}])"
    command = f'trap "" INT HUP; exec {sys.executable} -c "$0"'
    ran = subprocess.run(
        ["sh", "-c", command, code], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "True True\n"


def test_bare_root_that_cannot_be_made_fails(tmp_path: Path) -> None:
    """Where there is no debootstrap, or no root, nothing was tried: it fails and says why."""
    ran = subprocess.run(
        [sys.executable, "-m", "lab.bare", "bookworm:plain", "--", "true"],
        cwd=Path(__file__).parent,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    lacking = "debootstrap is not on this machine." if os.geteuid() == 0 else "Only root can make and enter"
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"bare: {lacking}")


def test_pip_reaches_its_packages_in_a_bare_root_too() -> None:
    """What pip is configured with becomes its environment there; the environment's own words win."""
    listed = (
        ":env:.cert='/own.pem'\nglobal.cert='/etc/all.pem'\nglobal.index-url='https://packages.example'\n"
        "global.find-links='\\n/a\\n/b'\ninstall.user='true'\n"
    )
    assert bare.pip_settings(listed) == {
        "PIP_CERT": "/own.pem",
        "PIP_INDEX_URL": "https://packages.example",
        "PIP_FIND_LINKS": "/a /b",
    }
