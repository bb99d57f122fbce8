"""The admin's commands for prompts, as real processes; wrong input included."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sqlite3
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest

from commands import PROGRAM, beside_the_example, refused, run
from informativa.operations.prompts.parts import SpokenPart
from informativa.prompts.loudness import loudness
from lab import audio

voices = pytest.mark.skipif(
    not importlib.util.find_spec("py_nanotts"), reason="the extra `speech` is not installed"
)
TRUE = ("--set", "contact=privacy@acme.it", "--set", "safeguards=none")
"""Values that no configuration here has."""
NEW = "prompts/acme/privacy-2027-01/it/short"


def prompts(folder: Path, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one of the commands on a configuration."""
    return run("prompts", *arguments, INFORMATIVA_CONFIG=str(folder / "informativa.yaml"), **environment)


def wrong(folder: Path, *arguments: str | Path) -> str:
    """The one line that a command says that must fail."""
    ran = prompts(folder, *arguments)
    assert ran.returncode == (2 if "--help" in ran.stderr else 1), ran
    assert "Traceback" not in ran.stderr
    assert ran.stderr.startswith("informativa: ")
    assert ran.stderr.count("\n") == 1, ran.stderr
    return ran.stderr.strip()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two seconds of something like speech, with silence around it."""
    gap = np.zeros(4000, np.int16)
    audio.write_wav(tmp_path / "studio.wav", np.concatenate([gap, audio.synthetic(2.0, 5), gap]))
    return tmp_path / "studio.wav"


def add(folder: Path, file: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Add a recording of Acme's short notice in Italian."""
    return prompts(folder, "add", file, "--language", "it", "--controller", "acme", *more)


def served(folder: Path) -> None:
    """Remember the recordings that callers hear, as the running service does."""
    from informativa.config import load
    from informativa.process.preparation import verify_recordings

    verify_recordings(load(folder / "informativa.yaml"), keep=True)


def paste(folder: Path, output: str) -> None:
    """Put what a command printed into the configuration, at the end of Acme's versions."""
    lines = output[output.index("          - version") : output.index("material: leave")]
    file = folder / "informativa.yaml"
    file.write_text(file.read_text().replace("\n  borealis:", f"\n{lines}\n  borealis:", 1))


@pytest.mark.usefixtures("own_port")
def test_recording_is_added_and_configured(folder: Path, recording: Path) -> None:
    """A recording is trimmed, levelled, and put where the printed lines point; they pass `check`."""
    added = add(folder, recording, "--version", "2027-01")
    assert (added.returncode, added.stderr.count("warning: ")) == (0, 1)
    assert "it speaks for 2.1 s, and the text (it/short.txt) takes 11.0 to 26.7 s" in added.stderr
    assert "speech at -24 dBov" in added.stdout  # of this hum; of voices it is less
    assert "material: leave it false for another wording" in added.stdout
    with wave.open(str(folder / f"{NEW}.wav")) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 8000)
        assert 2.0 < sound.getnframes() / 8000 < 2.4
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2") / 32768
    assert loudness(samples.tolist(), 8000) == pytest.approx(-23.0, abs=0.3)
    paste(folder, added.stdout)
    checked = run("check", "-c", folder / "informativa.yaml")
    assert (checked.returncode, beside_the_example(checked.stderr)) == (0, "")
    assert "privacy notice (privacy) 2027-01 in it (2." in checked.stdout


def test_added_recording_is_told_to_programs(folder: Path, recording: Path) -> None:
    """With --json: what was made, how long and loud it is, and the same lines for the configuration."""
    document = json.loads(add(folder, recording, "--version", "2027-01", "--json").stdout)
    (prompt,) = document["prompts"]
    assert prompt["path"] == str(folder / NEW)
    assert (prompt["version"], prompt["language"], prompt["part"]) == ("2027-01", "it", "short")
    assert (2.0 < prompt["seconds"] < 2.4, prompt["problem"], prompt["warnings"]) == (True, None, [])
    assert prompt["level"] == pytest.approx(-23.6, abs=1)
    assert (
        document["configuration"]["yaml"] in add(folder, recording, "--version", "2027-01", "--force").stdout
    )


@pytest.mark.usefixtures("own_port")
def test_supplement_is_added(folder: Path, recording: Path) -> None:
    """A supplement, for callers who know an earlier version, has a file and lines of its own."""
    paste(folder, add(folder, recording, "--version", "2027-01").stdout)
    supplement = ("--version", "2027-01", "--part", "supplement", "--after", "2026-11")
    output = add(folder, recording, *supplement).stdout
    lines = output[output.index("            supplements:") : output.index("material: leave")]
    assert lines == (
        "            supplements:\n"
        '              "2026-11": {it: prompts/acme/privacy-2027-01/it/supplement-2026-11}\n'
    )
    file = folder / "informativa.yaml"
    file.write_text(file.read_text().replace(f"it: {NEW}\n", f"it: {NEW}\n{lines}", 1))
    checked = run("check", "-c", file)
    assert (checked.returncode, beside_the_example(checked.stderr)) == (0, "")


def test_next_version_is_proposed(folder: Path, recording: Path) -> None:
    """Without --version a new id is proposed: this month's, or with a letter where that is taken."""
    assert "2026-11" in (folder / "informativa.yaml").read_text()
    (versions,) = {path.name for path in _added(folder, recording)}
    assert versions.startswith("privacy-20")
    assert versions != "privacy-2026-11"


def _added(folder: Path, recording: Path) -> list[Path]:
    assert add(folder, recording).returncode == 0
    return list((folder / "prompts/acme").iterdir())


def test_nothing_is_overwritten_without_force(folder: Path, recording: Path, tmp_path: Path) -> None:
    """The same recording again changes nothing; another one is refused, and with --force replaces it."""
    assert add(folder, recording, "--version", "2027-01").returncode == 0
    content = (folder / f"{NEW}.wav").read_bytes()
    (folder / f"{NEW}.alaw").write_bytes(b"of the same")
    assert add(folder, recording, "--version", "2027-01").returncode == 0
    assert (folder / f"{NEW}.alaw").exists()
    audio.write_wav(tmp_path / "other.wav", audio.synthetic(3.0, 6))
    ran = add(folder, tmp_path / "other.wav", "--version", "2027-01")
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == (
        f"informativa: {folder / NEW}.wav is there already. Give another --version, or --force to replace it."
    )
    assert (folder / f"{NEW}.wav").read_bytes() == content
    assert add(folder, tmp_path / "other.wav", "--version", "2027-01", "--force").returncode == 0
    assert (folder / f"{NEW}.wav").read_bytes() != content
    assert not (folder / f"{NEW}.alaw").exists()  # it was of the old one


def test_recording_that_callers_heard_is_never_overwritten(
    folder: Path, recording: Path, tmp_path: Path
) -> None:
    """A recording that the ledger knows under a version stays, even with --force, and the next free id is
    named."""
    paste(folder, add(folder, recording, "--version", "2027-01").stdout)
    served(folder)
    content = (folder / f"{NEW}.wav").read_bytes()
    audio.write_wav(tmp_path / "other.wav", audio.synthetic(3.0, 6))
    for force in ((), ("--force",)):
        completed = add(folder, tmp_path / "other.wav", "--version", "2027-01", *force)
        assert completed.returncode == 1
        assert "Callers heard another short notice in it of version 2027-01" in completed.stderr
        assert "--version 2027-01-b" in completed.stderr
    assert (folder / f"{NEW}.wav").read_bytes() == content
    assert add(folder, recording, "--version", "2027-01").returncode == 0  # the same one
    assert add(folder, tmp_path / "other.wav", "--version", "2027-01-b").returncode == 0


def test_served_format_is_not_taken_away(folder: Path, recording: Path) -> None:
    """A format beside it that callers heard is as much evidence as the recording itself."""
    paste(folder, add(folder, recording, "--version", "2027-01").stdout)
    assert prompts(folder, "install", "--formats", "alaw").returncode == 0
    served(folder)
    (folder / f"{NEW}.wav").unlink()
    ledger = sqlite3.connect(folder / "ledger/acme.sqlite3")
    ledger.execute("DELETE FROM recording WHERE format = 'wav'")
    ledger.commit()
    ran = add(folder, recording, "--version", "2027-01", "--force")
    assert "Callers heard another short notice" in ran.stderr
    assert (folder / f"{NEW}.alaw").exists()


def test_long_clipped_recording_is_warned_about(folder: Path, tmp_path: Path) -> None:
    """A short notice of more than 30 seconds, and one that is clipped, are taken with a warning each."""
    loud = np.clip(audio.synthetic(31, 7).astype(int) * 12, -32768, 32767).astype(np.int16)
    audio.write_wav(tmp_path / "loud.wav", np.concatenate([np.zeros(8000, np.int16), loud]))
    ran = add(folder, tmp_path / "loud.wav", "--version", "2027-01")
    assert ran.returncode == 0
    assert "clipped" in ran.stderr
    assert "lasts 31 s" in ran.stderr


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("add /none.wav --language it --controller acme", ["no file /none.wav"]),
        ("add /etc/passwd --language it --controller acme", ["/etc/passwd cannot be read"]),
        ("add /etc --language it --controller acme", ["no file /etc"]),
        ("add x.wav --language italian --controller acme", ["'italian'", "--language it"]),
        ("add x.wav --language ../it --controller acme", ["'../it'", "--language it"]),
        ("add x.wav --language it --controller acme --version a/b", ["'a/b'", "2027-01"]),
        ("add x.wav --language it --controller acme --version ..", ["'..'", "2027-01"]),
        ("add x.wav --language it --controller acm", ["no controller acm", "did you mean acme?"]),
        ("add x.wav --language it --controller acme --notice x", ["no notice or choice x", "privacy"]),
        ("add x.wav --language it --controller acme --part long", ["long", "prompts add --help"]),
        ("add x.wav --language it --controller acme --part supplement", ["--after 2026-11"]),
        ("add x.wav --language it --controller acme --after 2026-11", ["--part supplement"]),
        ("add x.wav --language it --controller acme --part supplement --after 1", ["no version 1"]),
        ("add x.wav --language it", ["several controllers", "--controller acme"]),
        ("add", ["FILE", "prompts add --help"]),
        (
            "build --controller acme",
            [
                "{site} (it/short.txt:2, it/short-nokey.txt:3",
                "{contact} (it/full.txt:3",
                "--site … --set contact=…",
                "transfers: none",
            ],
        ),
        ("build --controller acme --site a.it --languages sl", ["'sl'", "prompts add"]),
        ("build --controller acme --site a.it --purposes x", ["what x is", "prompts texts"]),
        ("build --controller acme --site a.it --texts /none", ["/none/it/short.txt"]),
        ("build --controller acme --site a.it --key 12", ["'12'", "--key 1"]),
        ("play it/shrt", ["no prompt it/shrt", "prompts/it/short"]),
        ("play short", ["one of several", "prompts/de/short"]),
        ("install --formats mp3", ["no format mp3", "alaw"]),
        ("install --formats alaw --sounds /none", ["no folder /none", "/var/lib/asterisk/sounds"]),
        ("texts /etc", ["/etc is there already"]),
    ],
)
def test_wrong_input(folder: Path, typed: str, words: list[str]) -> None:
    """One message that says what is wrong and what to type; nothing is written."""
    files_before = sorted(folder.rglob("*"))
    message = wrong(folder, *typed.split())
    for word in words:
        assert word in message
    assert sorted(folder.rglob("*")) == files_before


def test_configuration_that_is_not_there() -> None:
    """Without a configuration the message says how to get one."""
    assert "informativa init DIR" in refused("prompts", "install", "-c", "/none.yaml")


@pytest.mark.shipped_prompts
def test_prompts_are_listed_and_found(folder: Path) -> None:
    """Without a name all are listed with length and level; a name is the end of a path."""
    listed = prompts(folder, "play").stdout
    assert len(re.findall(r"speech at -2[012] dBov", listed)) == 9
    assert "it/short.wav  17.3 s" in listed
    path = prompts(folder, "play", "it/short", "--path").stdout.strip()
    assert path == str(folder / "prompts/it/short.wav")
    assert prompts(folder, "play", path, "--path").stdout.strip() == path


def test_prompt_of_the_version_in_force_is_found(folder: Path, recording: Path) -> None:
    """After a new version was made, the end of a path still names one prompt: what callers hear now."""
    old = folder / "prompts/it/short.wav"
    paste(folder, add(folder, recording, "--version", "2027-01").stdout)
    assert prompts(folder, "play", "it/short", "--path").stdout == f"{folder}/{NEW}.wav\n"
    assert prompts(folder, "play", "prompts/it/short", "--path").stdout == f"{old}\n"
    file = folder / "informativa.yaml"
    file.write_text(
        file.read_text().replace('version: "2027-01"', 'version: "2027-01"\n            starts: 2099-01-01')
    )
    assert prompts(folder, "play", "it/short", "--path").stdout == f"{old}\n"
    assert "may be one of several prompts" in wrong(folder, "play", "short", "--path")


@pytest.mark.shipped_prompts
def test_playing(folder: Path, tmp_path: Path) -> None:
    """The prompt goes to `aplay`; where that cannot sound, how to hear it on a telephone is told."""
    program = tmp_path / "bin/aplay"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/played\n')
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    output = prompts(folder, "play", "de/short", PATH=path).stdout
    assert "18.7 s" in output
    assert "originate" not in output
    assert (tmp_path / "played").read_text().strip() == f"-q {folder}/prompts/de/short.wav"
    program.write_text("#!/bin/sh\nexit 2\n")
    output = prompts(folder, "play", "de/short", PATH=path).stdout
    assert (
        f"asterisk -rx 'channel originate PJSIP/100 application Playback {folder}/prompts/de/short'" in output
    )


@pytest.mark.usefixtures("own_port")
def test_install_makes_what_is_missing_once(folder: Path) -> None:
    """A dry run writes nothing; then each format is made beside its prompt; then nothing is left to do."""
    formats = ("--formats", "alaw,ulaw,gsm,sln16")
    files_before = sorted(folder.rglob("*"))
    dry = prompts(folder, "install", *formats, "--dry-run")
    assert dry.stdout.count("would make ") == 36
    assert sorted(folder.rglob("*")) == files_before
    installed = prompts(folder, "install", *formats)
    assert (installed.returncode, installed.stderr) == (0, "")
    assert "9 prompts, 36 files made." in installed.stdout
    assert {file.suffix for file in folder.glob("prompts/it/*.*")} == {
        *(".txt", ".wav", ".alaw", ".ulaw", ".gsm", ".sln16")
    }
    checked = run("check", "-c", folder / "informativa.yaml")
    assert (checked.returncode, beside_the_example(checked.stderr)) == (0, "")
    times = {file: file.stat().st_mtime_ns for file in folder.rglob("short.*")}
    assert prompts(folder, "install", *formats).stdout == "9 prompts, 0 files made.\n"
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("short.*")} == times


def test_install_copies_for_the_own_dialplan(folder: Path, tmp_path: Path) -> None:
    """With --sounds, the version in force stands in each language's folder under a name without version."""
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    output = prompts(folder, "install", "--formats", "alaw", "--sounds", sounds).stdout
    assert "27 files made" in output  # nine formats beside the prompts, and both of each there
    copy = sounds / "it/informativa/acme/privacy-short.wav"
    assert copy.read_bytes() == (folder / "prompts/it/short.wav").read_bytes()
    assert (sounds / "de/informativa/borealis/privacy-full.alaw").exists()
    assert "0 files made" in prompts(folder, "install", "--formats", "alaw", "--sounds", sounds).stdout
    stale = copy.with_suffix(".gsm")
    stale.write_bytes(b"of an earlier version")
    prompts(folder, "install", "--formats", "alaw", "--sounds", sounds)
    assert not stale.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_gives_what_it_makes_to_the_folders_owner(folder: Path, recording: Path) -> None:
    """Run by root, the commands leave files that the service's user owns and Asterisk's may read."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 4242, 4242)
    assert add(folder, recording, "--version", "2027-01").returncode == 0
    assert prompts(folder, "install", "--formats", "alaw").returncode == 0
    assert {path.stat().st_uid for path in folder.rglob("*")} == {4242}
    assert {path.stat().st_mode & 0o777 for path in (folder / "prompts/acme").rglob("short.*")} == {0o644}
    assert (folder / NEW).parent.stat().st_mode & 0o777 == 0o755


def test_nobodys_link_is_followed(folder: Path, recording: Path, tmp_path: Path) -> None:
    """A link that waits where a file is written leads nowhere: root may run this in another's folder."""
    (tmp_path / "precious").write_text("mine")
    (folder / NEW).parent.mkdir(parents=True)
    for name in (".short.wav.part", "short.wav"):
        (folder / NEW).with_name(name).symlink_to(tmp_path / "precious")
    assert add(folder, recording, "--version", "2027-01", "--force").returncode == 0
    assert (tmp_path / "precious").read_text() == "mine"
    assert not (folder / f"{NEW}.wav").is_symlink()


@pytest.mark.usefixtures("own_port")
def test_check_warns_of_a_level_that_stands_out(folder: Path) -> None:
    """`check` hears that a prompt is much softer than the others, or clipped."""
    quiet = audio.read_wav(folder / "prompts/it/short.wav") // 16
    audio.write_wav(folder / "prompts/it/short.wav", quiet)
    checked = run("check", "-c", folder / "informativa.yaml")
    assert checked.returncode == 0
    assert beside_the_example(checked.stderr) == (
        f"warning: {folder}/prompts/it/short.wav is too soft:"
        " its speech is at -44 dBov, and -21 dBov is right\n"
    )


@voices
@pytest.mark.slow
@pytest.mark.night
def test_build_speaks_and_is_configured(folder: Path) -> None:
    """From the configuration and a site to finished audio in every language of the lines, once."""
    file = folder / "informativa.yaml"
    file.write_text(file.read_text().replace("# fallback: [en]", "fallback: [en]"))
    built = prompts(
        folder, "build", "--controller", "acme", "--site", "acme.it", "--version", "2027-01", *TRUE
    )
    assert (built.returncode, built.stderr) == (0, "")
    base = folder / "prompts/acme/privacy-2027-01"
    names = {str(file.relative_to(base)) for file in base.rglob("*.*")}
    parts = {f"{language}/{part}" for language in ("it", "en") for part in ("short", "short-nokey", "full")}
    assert names == {f"{part}.{extension}" for part in parts for extension in ("wav", "sln16", "txt")}
    text = (base / "it/short.txt").read_text()
    assert "Acme S.p.A." in text
    assert "prema ora il tasto uno" in text
    assert "tasto" not in (base / "it/short-nokey.txt").read_text()
    paste(folder, built.stdout)
    checked = run("check", "-c", file)
    assert (checked.returncode, beside_the_example(checked.stderr)) == (0, "")
    (seconds,) = re.findall(r"privacy notice \(privacy\) 2027-01 in it \(([\d.]+) s\)", checked.stdout)
    assert 16 < float(seconds) < 19  # Pico says the same text in 17.3 seconds
    times = {file: file.stat().st_mtime_ns for file in base.rglob("*.wav")}
    again = prompts(
        folder, "build", "--controller", "acme", "--site", "acme.it", "--version", "2027-01", *TRUE
    )
    assert again.returncode == 0
    assert {file: file.stat().st_mtime_ns for file in base.rglob("*.wav")} == times


@voices
@pytest.mark.night  # by day each command is called here, and the README's are typed in test_readme.py
def test_documented_commands_run(tmp_path: Path, recording: Path) -> None:
    """An admin who types what prompts/README.md says, one command after the other, gets through."""
    readme = (Path(__file__).resolve().parent.parent / "prompts/README.md").read_text(encoding="utf-8")
    typed = [
        line
        for block in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
        for line in block.splitlines()
        if "/bin/informativa " in line and not re.search("--recogniser|ask.wav", line)  # a model, a choice
    ]
    verbs = {line.split(" prompts ")[1].split()[0] for line in typed}
    assert verbs == {"build", "texts", "add", "play", "install"}
    assert run("init", tmp_path / "etc").returncode == 0
    for line in typed:
        mine = line.replace("/opt/informativa/bin/informativa", str(PROGRAM)).replace(
            "studio.wav", str(recording)
        )
        ran = subprocess.run(
            mine.replace("/etc/informativa", str(tmp_path / "etc")),
            shell=True,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        doubts = [warning for warning in ran.stderr.splitlines() if "it speaks for 2.1 s" not in warning]
        assert (ran.returncode, doubts) == (0, []), line


@voices
def test_own_texts_are_spoken(folder: Path, tmp_path: Path) -> None:
    """The texts can be copied and changed; a changed text of a built version needs --force."""
    texts = tmp_path / "texts"
    assert prompts(folder, "texts", texts).returncode == 0
    for language in ("it", "en", "de", "fr", "es"):
        assert {file.name for file in (texts / language).iterdir()} == {
            *(f"{part}.txt" for part in SpokenPart),
            "purposes.yaml",
        }
    build = ("build", "--controller", "acme", "--site", "acme.it", "--version", "2027-01", "--texts", texts)
    for part in ("short", "short-nokey", "full"):
        (texts / f"it/{part}.txt").write_text("{company} usa i Suoi dati.\n")
    assert prompts(folder, *build).returncode == 0
    (texts / "it/short.txt").write_text("{company} usa i Suoi dati per {purposes}.\n")
    assert "is there already" in wrong(folder, *build)
    assert prompts(folder, *build, "--force").returncode == 0
    assert "gestire" in (folder / f"{NEW}.txt").read_text()
