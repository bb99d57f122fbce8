"""The present sound of a prompt, compared with the sound that was checked before; real files."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
import wave
from array import array
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from doubles import notice, version
from informativa.ledgers.sqlite import SqliteLedger
from informativa.model import ChangedRecording, Prompt, Recording, Version, recording_digest
from informativa.prompts import audio as sounds
from informativa.prompts import formats, installed
from informativa.prompts.comparison import is_silent, other_sounds
from informativa.prompts.installed import hashed, hashed_before, measure
from informativa.prompts.recordings import (
    InstalledRecordings,
    LedgerRecordings,
    LoadedRecordings,
    Look,
    PromptKey,
    PromptLook,
    difference,
)
from informativa.system.files import reading
from lab import audio

SHIPPED = Path(__file__).resolve().parent.parent / "prompts"
RATES = {"sln48": 48000, "wav16": 16000}  # of formats that the program reads and never makes


@pytest.fixture
def prompt(tmp_path: Path) -> Prompt:
    """One and a half seconds of speech in a `.wav`."""
    (tmp_path / "it").mkdir()
    audio.write_wav(tmp_path / "it" / "short.wav", audio.synthetic(1.5, 1))
    return measure(tmp_path / "it" / "short")


def just_written(prompt: Prompt, patch: pytest.MonkeyPatch) -> None:
    """Stop the clock a second after a prompt was written, by the clock of its file system."""
    written = Path(f"{prompt.path}.wav").stat().st_ctime
    patch.setattr(time, "time", lambda: written + 1.0)


class Files:
    """The recordings of a service, with a count of how often a file was read for it."""

    def __init__(self, prompt: Prompt, settled: float = -3600.0) -> None:
        """Pretend by default that no file was written for an hour."""
        self.prompt, self.reads = prompt, 0
        loaded = {str(file): sha256 for file, sha256 in hashed(prompt.path).items()}
        self._recordings = InstalledRecordings(LoadedRecordings({"acme": loaded}), self._aside, settled)

    async def _aside(self, _place: PromptKey, look: Look) -> PromptLook:
        self.reads += 1
        return await asyncio.to_thread(look)

    def look(self) -> Prompt | ChangedRecording:
        """Return the result of a call's look."""
        return asyncio.run(self._recordings.current("acme", self.prompt))

    def refused(self) -> str:
        """Return the reason why a call must not play it."""
        outcome = self.look()
        assert isinstance(outcome, ChangedRecording)
        return str(outcome.why)

    def digest(self) -> str:
        """Return the digest that a call would put on record."""
        outcome = self.look()
        assert isinstance(outcome, Prompt)
        return outcome.recording


def silence(file: Path) -> None:
    """Put silence of the same length in its place, into the same file."""
    with wave.open(str(file)) as opened:
        size = opened.getnframes() * 2
    with file.open("r+b") as opened:
        opened.seek(44)
        opened.write(bytes(size))


def test_digest_is_that_of_the_canonical_json() -> None:
    """SHA-256 over RFC 8785's form: keys in order, no spaces; as any other program would make it."""
    one, other = "ab" * 32, "cd" * 32
    digest = recording_digest({"wav": one, "alaw": other})
    assert digest == "dd31c1c88a8a9971f1f080ad5ea196580adb81ca662265ca2722a5cf998fa1b1"
    assert recording_digest({}) == ""


def test_silence_of_the_same_length_is_refused_until_the_prompt_is_back(prompt: Prompt) -> None:
    """Asterisk would report the same, so the file decides; after the old file is back all is as before."""
    files, file = Files(prompt), Path(f"{prompt.path}.wav")
    digest, old = files.digest(), file.read_bytes()
    silence(file)
    assert f"{file} is not the recording any more" in files.refused()
    assert "put that one back" in files.refused()
    file.write_bytes(old)
    assert files.digest() == digest == recording_digest({"wav": next(iter(hashed(prompt.path).values()))})


def test_change_that_hides_its_time_is_seen(prompt: Prompt) -> None:
    """Size, inode and time of the last change as before: the inode's own time cannot be set."""
    files, file = Files(prompt), Path(f"{prompt.path}.wav")
    files.digest()
    status = file.stat()
    silence(file)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    after = file.stat()
    assert (after.st_ino, after.st_size, after.st_mtime_ns) == (
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
    )
    assert "is not the recording any more" in files.refused()


def test_files_are_read_once_while_nothing_changes(prompt: Prompt) -> None:
    """A look costs a call a few `stat`; a file that was only touched is read once more and is the same."""
    files = Files(prompt)
    digest = files.digest()
    assert [files.digest(), files.digest(), files.reads] == [digest, digest, 1]
    os.utime(f"{prompt.path}.wav")
    assert [files.digest(), files.digest(), files.reads] == [digest, digest, 2]
    silence(Path(f"{prompt.path}.wav"))
    assert files.refused() == files.refused()
    assert files.reads == 3


def test_file_that_was_just_written_is_read_again(prompt: Prompt, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within one tick of the file system's clock a second change would not show."""
    just_written(prompt, monkeypatch)
    files = Files(prompt, settled=2.0)
    assert files.digest() == files.digest()
    assert files.reads == 2


def test_another_file_under_the_name_is_seen(prompt: Prompt) -> None:
    """One that was moved there, or a whole folder."""
    files, folder = Files(prompt), Path(prompt.path).parent
    files.digest()
    audio.write_wav(folder / "new.wav", audio.synthetic(1.5, 2))
    (folder / "new.wav").replace(folder / "short.wav")
    assert "is not the recording any more" in files.refused()
    other = folder.with_name("other")
    shutil.copytree(folder, other)
    audio.write_wav(folder / "short.wav", audio.synthetic(1.5, 1))
    digest = files.digest()
    folder.rename(folder.with_name("old"))
    other.rename(folder)
    assert "is not the recording any more" in files.refused()
    assert digest


def test_format_that_comes_later_must_be_the_same_sound(prompt: Prompt) -> None:
    """`prompts install` beside a running service makes no call fail; silence in another format does."""
    files, other = Files(prompt), Path(f"{prompt.path}.sln")
    digest = files.digest()
    body = Path(f"{prompt.path}.wav").read_bytes()[44:]
    other.write_bytes(body)
    both = files.digest()
    assert both == recording_digest({file.suffix[1:]: sha for file, sha in hashed(prompt.path).items()})
    assert both != digest
    other.write_bytes(bytes(len(body)))
    assert f"{other} is not the recording any more" in files.refused()
    other.unlink()
    assert files.digest() == digest
    Path(f"{prompt.path}.alaw").write_bytes(b"\xd5" * (len(body) // 2))
    assert f"{prompt.path}.alaw is not the same sound as {prompt.path}.wav" in files.refused()


def test_length_of_a_format_that_comes_later_is_known(prompt: Prompt) -> None:
    """Asterisk reports positions in the samples of the file that it takes, the new one too."""
    files = Files(prompt)
    assert [length.rate for length in files.look().lengths] == [8000]
    narrow = audio.read_wav(Path(f"{prompt.path}.wav"))
    Path(f"{prompt.path}.sln16").write_bytes(narrow.repeat(2).tobytes())
    assert [(length.samples, length.rate) for length in files.look().lengths] == [
        (12_000, 8000),
        (24_000, 16_000),
    ]


def test_what_asterisk_would_prefer_is_refused(prompt: Prompt) -> None:
    """A recording in a folder named after a language, also one that was there and empty at the load."""
    below = Path(prompt.path).parent / "de"
    below.mkdir()
    files = Files(prompt)
    assert files.digest()
    shutil.copy(f"{prompt.path}.wav", below / "short.wav")
    assert "in language de Asterisk would play" in files.refused()
    Path(f"{prompt.path}.wav").unlink()
    assert "short.wav" in files.refused()


def test_prompt_that_is_not_there_is_asterisks_to_tell(prompt: Prompt) -> None:
    """A missing prompt is an outcome of its own, and no digest says that anything was played."""
    files = Files(prompt)
    assert files.digest()
    Path(f"{prompt.path}.wav").unlink()
    assert files.look() == prompt
    shutil.rmtree(Path(prompt.path).parent)
    assert files.look() == prompt


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads all")
def test_prompt_that_cannot_be_read_is_refused(prompt: Prompt) -> None:
    """Asterisk may be able to: what it plays then nobody knows."""
    files = Files(prompt)
    Path(f"{prompt.path}.wav").chmod(0)
    assert "cannot be read" in files.refused()


# --- a script, which has only what the ledger knows ---


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    """A company's, as a script opens it."""
    opened = SqliteLedger(str(tmp_path / "acme.sqlite3"))
    yield opened
    opened.close()


def scripts(prompt: Prompt, ledger: SqliteLedger, *more: Version) -> PromptLook:
    """Return the look of the next call's script at a prompt, short in version 1 (and in more)."""

    async def at_once(_place: PromptKey, look: Look) -> PromptLook:
        return look()

    served = LedgerRecordings({"acme": [notice(spoken("1", prompt), *more)]}, {"acme": ledger})
    return asyncio.run(InstalledRecordings(served, at_once).current("acme", prompt))


def spoken(name: str, prompt: Prompt) -> Version:
    """A version with this short prompt in Italian."""
    return replace(version(name, full=False), short={"it": prompt})


def test_script_remembers_what_it_served_first(prompt: Prompt, ledger: SqliteLedger) -> None:
    """With no service ever run, the first call's recording is the one that later calls are held to."""
    first = scripts(prompt, ledger)
    assert isinstance(first, Prompt)
    (sha256,) = hashed(prompt.path).values()
    assert ledger.recordings() == {("privacy", "1", "short", "it", "wav"): sha256}
    silence(Path(f"{prompt.path}.wav"))
    outcome = scripts(prompt, ledger)
    assert isinstance(outcome, ChangedRecording)
    assert f"{prompt.path}.wav is not the recording any more" in str(outcome.why)


def test_script_serves_no_silence_first(prompt: Prompt, ledger: SqliteLedger) -> None:
    """Silence is refused also if no recording was served before, and is not remembered."""
    silence(Path(f"{prompt.path}.wav"))
    outcome = scripts(prompt, ledger)
    assert isinstance(outcome, ChangedRecording)
    assert f"{prompt.path}.wav has no sound" in str(outcome.why)
    assert ledger.recordings() == {}


def test_script_compares_a_format_that_the_ledger_does_not_know(prompt: Prompt, ledger: SqliteLedger) -> None:
    """The same sound is taken and remembered; silence is refused, and not remembered."""
    scripts(prompt, ledger)
    body = Path(f"{prompt.path}.wav").read_bytes()[44:]
    Path(f"{prompt.path}.alaw").write_bytes(b"\xd5" * (len(body) // 2))
    outcome = scripts(prompt, ledger)
    assert isinstance(outcome, ChangedRecording)
    assert "is not the same sound" in str(outcome.why)
    Path(f"{prompt.path}.alaw").unlink()
    Path(f"{prompt.path}.sln").write_bytes(body)
    assert isinstance(scripts(prompt, ledger), Prompt)
    assert sorted(place[-1] for place in ledger.recordings()) == ["sln", "wav"]


def test_prompt_of_two_versions_must_be_right_for_both(prompt: Prompt, ledger: SqliteLedger) -> None:
    """A file that two versions name is played for neither if one of them was served with another."""
    other = Recording(("privacy", "2", "short", "it", "wav"), f"{prompt.path}.wav", "ab" * 32)
    ledger.keep_recordings([other])
    assert isinstance(scripts(prompt, ledger), Prompt)
    assert isinstance(scripts(prompt, ledger, spoken("2", prompt)), ChangedRecording)


def test_i4_ledger_that_cannot_be_used_keeps_no_prompt_from_being_played(
    prompt: Prompt, tmp_path: Path
) -> None:
    """I4: what callers were served before nobody can say then; the digest says what they hear now."""
    (tmp_path / "broken").write_bytes(b"no database" * 100)
    outcome = scripts(prompt, SqliteLedger(str(tmp_path / "broken")))
    assert isinstance(outcome, Prompt)
    assert len(outcome.recording) == 64


# --- formats of one sound ---


def encoded(source: Path, folder: Path) -> dict[str, Path]:
    """A `.wav` in every format but G.722."""
    files, sound = {"wav": source}, formats.read(source)
    for extension in (*formats.FORMATS, *RATES):
        files[extension] = folder / f"{source.parent.name}-{source.stem}.{extension}"
        if extension in formats.FORMATS:
            content = formats.encode(sound, extension)
        else:
            wide = sounds.resampled(sound, RATES[extension])
            content = sounds.wav(wide) if extension == "wav16" else sounds.pcm(wide)
        files[extension].write_bytes(content)
    return files


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Path], dict[str, Path]]:
    """The shipped short notices in Italian and German, in every format."""
    folder = tmp_path_factory.mktemp("formats")
    return encoded(SHIPPED / "it/short.wav", folder), encoded(SHIPPED / "de/short.wav", folder)


@pytest.mark.night
@pytest.mark.slow
def test_formats_of_one_recording_are_one_sound(two: tuple[dict[str, Path], dict[str, Path]]) -> None:
    """Whichever is the first of them; and no format of another recording is the same as any."""
    for files, others in (two, two[::-1]):
        for name in ("wav", "gsm", "sln16"):
            assert other_sounds([files[name], *files.values()]) == []
            assert other_sounds([files[name], *others.values()]) == [*others.values()]


def test_shipped_masters_are_the_sound_of_their_telephone_files() -> None:
    """At 16 kHz an S is loud where the telephone's file has next to nothing, and yet nothing is missing."""
    recordings = sorted(SHIPPED.glob("*/[!f]*.wav"))  # the full ones take seconds
    masters = [file.with_suffix(".sln16") for file in recordings]
    for index, recording in enumerate(recordings):
        assert other_sounds([recording, masters[index], masters[index - 1]]) == [masters[index - 1]]


@pytest.mark.sample(1)
@pytest.mark.parametrize(("extension", "second"), [("alaw", 8000), ("ulaw", 8000), ("sln16", 32_000)])
@pytest.mark.slow
def test_one_second_of_silence_or_of_other_words_is_another_sound(
    two: tuple[dict[str, Path], dict[str, Path]], extension: str, second: int, tmp_path: Path
) -> None:
    """Wherever it is in the notice, also where most of it is as it was."""
    right, other = two[0][extension].read_bytes(), two[1][extension].read_bytes()
    quiet = {"alaw": b"\xd5", "ulaw": b"\xff", "sln16": b"\0"}[extension] * second
    for at in range(second, len(right) - 2 * second, second):
        for piece in (quiet, other[at : at + second]):
            changed = tmp_path / f"changed.{extension}"
            changed.write_bytes(right[:at] + piece + right[at + second :])
            assert other_sounds([two[0]["wav"], changed]) == [changed]


def test_softer_and_a_little_later_is_the_same_sound(
    two: tuple[dict[str, Path], dict[str, Path]], tmp_path: Path
) -> None:
    """The same sound with 6 dB less, and 40 ms of silence before, is accepted."""
    later = tmp_path / "later.ulaw"
    sound = formats.read(two[0]["wav"])
    softer = array("f", bytes(4 * 320)) + array("f", (value / 2 for value in sound.samples))
    later.write_bytes(formats.encode(sounds.Sound(softer, 8000), "ulaw"))
    assert other_sounds([two[0]["wav"], later]) == []


def test_silence_is_no_prompt_in_any_format(
    two: tuple[dict[str, Path], dict[str, Path]], tmp_path: Path
) -> None:
    """Silence of the same length is found in each format."""
    audio.write_wav(tmp_path / "none.wav", np.zeros(139_200, np.int16))
    nothing = [*encoded(tmp_path / "none.wav", tmp_path).values(), tmp_path / "none.g722"]
    nothing[-1].write_bytes(b"\xfa" * 139_200)
    for name in ("wav", "gsm"):
        assert other_sounds([two[0][name], *nothing]) == nothing
    assert [is_silent(file) for file in nothing] == [True] * 8
    assert [is_silent(file) for file in two[0].values()] == [False] * 7


def test_one_format_is_nothing_to_compare(prompt: Prompt) -> None:
    """Most prompts have one format. A click in silence is no sound, and a tenth of a second is one."""
    assert difference(prompt.path) is None
    file = Path(f"{prompt.path}.wav")
    for samples, heard in ((640, False), (800, True)):
        audio.write_wav(file, np.concatenate([np.full(samples, 100, np.int16), np.zeros(8000, np.int16)]))
        assert (difference(prompt.path) is None) is heard


def test_format_that_is_broken_cannot_be_compared(prompt: Prompt) -> None:
    """It is told, and not taken for the same."""
    Path(f"{prompt.path}.wav16").write_bytes(b"RIFF")
    assert "cannot be compared" in str(difference(prompt.path))


def test_hash_of_an_unchanged_file_is_remembered(prompt: Prompt, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is read again only after a change, or while a change could still go unseen."""
    file, reads = Path(f"{prompt.path}.wav"), []
    just_written(prompt, monkeypatch)
    monkeypatch.setattr(installed, "reading", lambda file, most: reads.append(file) or reading(file, most))
    first = hashed_before(prompt.path, -3600.0)
    assert first == hashed_before(prompt.path, -3600.0)
    assert reads == [file]
    assert first == hashed_before(prompt.path, 3600.0)
    assert reads == [file, file]
    file.write_bytes(b"another")
    assert hashed_before(prompt.path, -3600.0) == hashed(prompt.path) != first
