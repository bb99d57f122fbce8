"""From text to sound: how signs are said, and what happens to a recording."""

from __future__ import annotations

import importlib.util
from array import array
from pathlib import Path

import numpy as np
import pytest
import soundfile

from informativa.model.errors import PromptError
from informativa.prompts import audio, formats, pronunciation, texts
from informativa.prompts.loudness import loudness
from lab import audio as lab

TEXTS = Path(__file__).resolve().parent.parent / "prompts/texts"
voices = pytest.mark.skipif(not importlib.util.find_spec("py_nanotts"), reason="no extra `speech`")

SAID = [
    ("it", "Acme S.p.A. è titolare.", "Acme esse pi a è titolare."),
    ("it", "La società è Acme S.p.A.", "La società è Acme esse pi a."),
    ("it", "Rossi S.r.l. e Bianchi Srl", "Rossi esse erre elle e Bianchi esse erre elle"),
    ("it", "Verdi S.r.l.s., Neri S.n.c.", "Verdi esse erre elle esse, Neri esse enne ci."),
    ("it", "Borealis GmbH", "Borealis gi emme bi acca"),
    ("it", "sul sito acme.it.", "sul sito acme punto it."),
    ("it", "https://www.acme-spa.it/privacy", "acme trattino spa punto it barra privacy"),
    ("it", "privacy@acme.it", "privacy chiocciola acme punto it"),
    ("it", "m.rossi_2@acme.com", "emme punto rossi trattino basso due chiocciola acme punto com"),
    ("it", "allo 02 1234567.", "allo zero due, uno due tre, quattro cinque sei, sette."),
    ("it", "+39 02 1234567", "più tre nove, zero due, uno due tre, quattro cinque sei, sette"),
    ("it", "800-123-456", "otto zero zero, uno due tre, quattro cinque sei"),
    ("it", "l'art. 13 GDPR", "l'articolo 13 gi di pi erre"),
    ("it", "Rossi & Figli", "Rossi e Figli"),
    ("it", "l’informativa – «completa» – c’è", "l'informativa, completa, c'è"),  # noqa: RUF001
    ("it", "prema # o *", "prema cancelletto o asterisco"),
    ("en", "Smith & Sons Ltd.", "Smith and Sons Limited."),
    ("en", "acme.com", "acme dot com"),
    ("en", "info@acme-group.co.uk", "info at acme dash group dot co dot uk"),
    ("en", "+44 20 7946 0000", "plus four four, two zero, seven nine four six, zero zero zero zero"),
    ("en", "Acme S.p.A. is", "Acme ess pee ay is"),
    ("en", "in 2027, article 13", "in 2027, article 13"),
    ("de", "Borealis GmbH", "Borealis ge emm be ha"),
    ("de", "www.borealis.de", "borealis Punkt de e"),
    ("de", "borealis.com/datenschutz", "borealis Punkt com Schrägstrich datenschutz"),
    ("de", "z.B. die Muster AG", "zum Beispiel die Muster ah ge"),
    ("de", "030 123456", "null drei null, eins zwei drei, vier fünf sechs"),
    ("fr", "Dupont SARL, dupont.fr", "Dupont esse a erre elle, dupont point effe erre"),
    ("fr", "01 23 45 67 89", "zéro un, deux trois, quatre cinq, six sept, huit neuf"),
    ("es", "Pérez S.L. y pérez@x.es", "Pérez ese ele y pérez arroba equis punto es"),
    ("es", "¿Qué? 900 123 456", "Qué? nueve cero cero, uno dos tres, cuatro cinco seis"),
]


@pytest.mark.parametrize(("language", "written", "spoken"), SAID, ids=[f"{row[0]}-{row[1]}" for row in SAID])
def test_signs_are_said_in_words(language: str, written: str, spoken: str) -> None:
    """Companies' forms, addresses, numbers and signs become words of the language."""
    assert pronunciation.spell_out(written, language) == spoken


@pytest.mark.parametrize(
    ("pressed", "names"),
    [
        ("1", "uno one eins un uno"),
        ("#", "cancelletto hash Raute dièse almohadilla"),
        ("*", "asterisco star Stern étoile asterisco"),
    ],
)
def test_keys_are_named(pressed: str, names: str) -> None:
    """The key for the full text has its name in each language."""
    assert [
        pronunciation.key(pressed, language) for language in ("it", "en", "de", "fr", "es")
    ] == names.split()


@pytest.mark.parametrize("language", sorted(pronunciation.SPELLINGS))
def test_what_is_said_once_stays(language: str) -> None:
    """Words that were made of signs are left alone when they come again, and every letter has a name."""
    spelling = pronunciation.SPELLINGS[language]
    assert len(spelling.spelled("abcdefghijklmnopqrstuvwxyz0123456789").split()) >= 36
    for part in ("short", "full"):
        text = (TEXTS / language / f"{part}.txt").read_text(encoding="utf-8")
        once = pronunciation.spell_out(text.replace("{", "").replace("}", ""), language)
        assert pronunciation.spell_out(once, language) == once


# --- sound ---


def sound(samples: np.ndarray, rate: int = 16000) -> audio.Sound:
    """Samples between -1 and 1 as the program has them."""
    return audio.Sound(array("f", samples.astype(np.float32).tobytes()), rate)


def voice(seconds: float = 2.0, level: float = -30.0, seed: int = 1) -> np.ndarray:
    """Something like speech at 8 kHz, with an RMS of so many dBov."""
    samples = lab.synthetic(seconds, seed).astype(float) / 32768
    return np.asarray(samples * 10 ** (level / 20) / np.sqrt(np.mean(samples**2)))


def with_pauses(samples: np.ndarray, noise: float = -90.0, silence: float = 0.7) -> np.ndarray:
    """Silence before, in the middle and after, with a noise of so many dBov in all."""
    gap = np.zeros(round(silence * 8000))
    half = len(samples) // 2
    joined = np.concatenate([gap, samples[:half], gap, samples[half:], gap])
    return np.asarray(joined + np.random.default_rng(2).standard_normal(len(joined)) * 10 ** (noise / 20))


@pytest.mark.parametrize(
    ("level", "noise"), [(-40, -90), (-30, -90), (-12, -90), (-30, -60), (-30, -55), (-12, -55), (-12, -40)]
)
def test_recording_is_trimmed_and_levelled(level: float, noise: float) -> None:
    """Whatever its level and noise, speech comes out at the level chosen, with short silences around it."""
    made = audio.finished(sound(with_pauses(voice(level=level), noise), 8000))
    assert loudness(made.samples, made.rate) == pytest.approx(audio.LOUDNESS, abs=0.3)
    assert made.peak <= audio.CEILING
    extra = audio.LEAD + audio.TAIL + 0.7
    assert made.seconds == pytest.approx(2.0 + extra, abs=0.2)
    assert made.seconds >= 2.0 + extra - 0.01


def test_click_and_breath_at_the_ends_are_no_speech() -> None:
    """A soft sound apart from the speech, as voices make it after a sentence, is trimmed like silence."""
    samples = with_pauses(voice(level=-20), silence=1.0)
    samples[800:1200] += voice(0.05, level=-45)
    samples[-2000:-1200] += voice(0.1, level=-45)
    assert audio.trimmed(sound(samples, 8000)).seconds == pytest.approx(3.13, abs=0.05)


def test_peaks_are_held_back_and_not_clipped() -> None:
    """A peak far above the rest is turned down smoothly: no flat tops, nothing above the ceiling."""
    samples = voice(level=-26)
    samples[8000:8040] *= 12
    made = audio.levelled(sound(np.clip(samples, -1, 1) * 0.9, 8000))
    assert made.peak <= audio.CEILING
    assert loudness(made.samples, made.rate) == pytest.approx(audio.LOUDNESS, abs=0.6)
    assert audio.clipped(made) == 0


@pytest.mark.parametrize(
    ("samples", "word"),
    [
        (np.clip(with_pauses(voice(level=-6)), -0.5, 0.5), "clipped"),
        (np.clip(with_pauses(voice(level=-3)), -1, 1), "clipped"),
        (with_pauses(voice(level=-55), noise=-100.0), "softly"),
        (with_pauses(voice(level=-20), noise=-32.0), "noise"),
    ],
)
def test_doubtful_recordings_are_told(samples: np.ndarray, word: str) -> None:
    """Clipped, too soft, noisy: each is told by its name."""
    assert [word in str(doubt) for doubt in audio.recording_warnings(sound(samples, 8000))] == [True]


def test_good_recording_raises_no_doubt() -> None:
    """Speech in a quiet room is taken without a word."""
    assert list(audio.recording_warnings(sound(with_pauses(voice(level=-24), noise=-65.0), 8000))) == []


@pytest.mark.parametrize(("level", "words"), [(-45.0, ["too soft"]), (-8.0, ["too loud"]), (-20.0, [])])
def test_level_that_stands_out(level: float, words: list[str]) -> None:
    """A finished prompt far from the level of the others is told."""
    faults = list(audio.level_faults(sound(np.clip(voice(level=level), -0.98, 0.98) * 0.99, 8000)))
    assert [word for word in words if word not in str(faults[0])] == []
    assert bool(faults) == bool(words)


@pytest.mark.parametrize(
    ("peak", "words"),
    [(0.3, "is too soft"), (1.0, "is clipped in 40 places"), (-1.0, "is clipped in 40 places")],
)
def test_file_has_the_faults_of_its_sound(peak: float, words: str, tmp_path: Path) -> None:
    """A file is measured without floats, and gets the faults that its sound has: tops that are cut flat, also
    at the lowest of all samples, and a level that stands out."""
    tone = np.sin(np.arange(8000) / 8000 * 2 * np.pi * 40) * (0.02 if peak == 0.3 else 0.5)
    tops = np.sign(peak) * tone > 0.49
    made = sound(np.where(tops, peak, tone), 8000)
    (tmp_path / "x.wav").write_bytes(audio.wav(made))
    faults = list(audio.wav_level_faults(tmp_path / "x.wav"))
    assert list(map(str, faults)) == list(map(str, audio.level_faults(audio.read_wav(tmp_path / "x.wav"))))
    assert words in " ".join(map(str, faults))


def test_silence_is_refused() -> None:
    """There is no level to bring silence to."""
    for nothing in (np.zeros(8000), np.zeros(0)):
        with pytest.raises(PromptError, match="nothing to be heard"):
            audio.finished(sound(nothing, 8000))
        assert [
            *audio.recording_warnings(sound(nothing, 8000)),
            *audio.level_faults(sound(nothing, 8000)),
        ] == []


def test_wav_is_what_the_lab_reads(tmp_path: Path) -> None:
    """The files have Asterisk's form, and the samples come back as they were."""
    made = sound(voice(), 8000)
    (tmp_path / "x.wav").write_bytes(audio.wav(made))
    assert np.array_equal(lab.read_wav(tmp_path / "x.wav"), np.frombuffer(audio.pcm(made), "<i2"))
    again = audio.read_wav(tmp_path / "x.wav")
    assert (again.rate, len(again.samples)) == (8000, 16000)
    assert np.allclose(again.samples, made.samples, atol=1 / 32000)


@pytest.mark.parametrize(("rate", "extensions"), [(8000, {"wav"}), (44100, {"wav", "sln16"})])
def test_prompt_of_a_recording(tmp_path: Path, rate: int, extensions: set[str]) -> None:
    """A stereo recording at any rate becomes telephone sound; a wide one only of what is wide."""
    source, studio = tmp_path / "source.wav", tmp_path / "studio.flac"
    source.write_bytes(audio.wav(sound(with_pauses(voice()), 8000)))
    samples = np.frombuffer(audio.resampled(formats.read(source), rate).samples, np.float32)
    soundfile.write(studio, np.column_stack([samples, samples]), rate)
    files = audio.prompt(formats.read(studio))
    assert set(files) == extensions
    narrow = audio.from_pcm(files["wav"][44:], 8000)
    assert loudness(narrow.samples, narrow.rate) == pytest.approx(audio.LOUDNESS, abs=0.3)
    assert narrow.peak <= audio.CEILING
    assert [match.is_whole for match in lab.find(*_pair(source, narrow))] == [True]
    if "sln16" in files:
        wide = audio.from_pcm(files["sln16"], 16000)
        assert wide.seconds == pytest.approx(narrow.seconds, abs=0.001)
        assert loudness(wide.samples, wide.rate) == pytest.approx(audio.LOUDNESS, abs=0.3)


def _pair(source: Path, made: audio.Sound) -> tuple[np.ndarray, np.ndarray]:
    """Return what was spoken between the silences, and where to look for it."""
    spoken_part = lab.read_wav(source)[round(0.7 * 8000) : -round(0.7 * 8000)]
    return spoken_part, np.concatenate([np.zeros(800, np.int16), np.frombuffer(audio.pcm(made), "<i2")])


@pytest.mark.parametrize("content", [b"", b"no sound at all", b"RIFF\x24\0\0\0WAVEfmt "])
def test_file_that_is_no_sound(tmp_path: Path, content: bytes) -> None:
    """A file that cannot be read is told with its name."""
    (tmp_path / "x.wav").write_bytes(content)
    with pytest.raises(PromptError, match=r"x\.wav cannot be read"):
        audio.prompt(formats.read(tmp_path / "x.wav"))


@pytest.mark.parametrize("form", ["wav", "flac", "mp3", "ogg"])
def test_recordings_that_people_send(tmp_path: Path, form: str) -> None:
    """A recording in each format keeps its rate, length and level, whatever its name."""
    spoken = np.frombuffer(audio.resampled(sound(voice(), 8000), 44_100).samples, np.float32)
    file = tmp_path / f"|studio.{form}"
    soundfile.write(file, np.column_stack([spoken, np.zeros_like(spoken)]), 44_100)
    read = formats.read(file)
    assert (read.rate, read.seconds) == (44_100, pytest.approx(2.0, abs=0.06))
    assert read.level == pytest.approx(sound(voice(), 8000).level - 6.02, abs=0.5)  # half of it is silent


def test_recording_of_more_than_ten_minutes(tmp_path: Path) -> None:
    """A recording of more than ten minutes is refused before it is read."""
    soundfile.write(tmp_path / "long.flac", np.zeros(601 * 8000, np.int16), 8000)
    with pytest.raises(PromptError, match="lasts 601 s"):
        formats.read(tmp_path / "long.flac")


@pytest.mark.parametrize(
    ("extension", "size", "silence"),
    [("alaw", 16_000, b"\xd5"), ("ulaw", 16_000, b"\xff"), ("gsm", 3_300, b""), ("sln16", 64_000, b"\0")],
)
def test_formats_of_asterisk(tmp_path: Path, extension: str, size: int, silence: bytes) -> None:
    """Two seconds have the size that Asterisk reckons with; what is decoded is what was spoken; silence has
    the byte that it has on the line."""
    spoken = sound(voice(), 8000)
    data = formats.encode(spoken, extension)
    assert len(data) == size
    back = audio.from_pcm(formats.decode(data, extension), formats.FORMATS[extension][0])
    level = pytest.approx(spoken.level, abs=1.5 if extension == "gsm" else 0.1)
    assert (back.seconds, back.level) == (pytest.approx(2.0, abs=0.001), level)
    (tmp_path / f"x.{extension}").write_bytes(data)
    assert formats.read(tmp_path / f"x.{extension}").samples == back.samples
    if silence:
        assert set(formats.encode(sound(np.zeros(800), 8000), extension)) == set(silence)


def test_loudest_sample_is_not_wrapped_around() -> None:
    """A sample beyond full scale becomes the loudest of its sign in each format."""
    for value in (1.5, -1.5):
        loud = sound(np.full(800, value), 8000)
        for extension, full in (("alaw", 0.98), ("ulaw", 0.98)):
            decoded = np.frombuffer(formats.decode(formats.encode(loud, extension), extension), "<i2")
            assert all(decoded * value / 1.5 > full * 32768)


@pytest.mark.parametrize(("rate", "hertz"), [(8000, 150), (16000, 80)])
def test_rumble_is_taken_out_and_the_rest_stays(rate: int, hertz: int) -> None:
    """The filter loses 3 dB at its frequency, 12 an octave below, and nothing in the middle of speech."""
    for factor, loss in ((1.0, 3.0), (0.5, 12.3), (8.0, 0.0)):
        tone = np.sin(2 * np.pi * hertz * factor * np.arange(2 * rate) / rate) / 4
        out = np.asarray(audio.resampled(sound(tone, rate), rate).samples)[rate:]
        assert 20 * np.log10(np.std(tone[rate:]) / np.std(out)) == pytest.approx(loss, abs=0.1)


# --- the voices ---


@pytest.mark.sample(1)
@voices
@pytest.mark.parametrize("language", sorted(pronunciation.SPELLINGS))
@pytest.mark.slow
def test_shipped_short_text_is_spoken_whole(language: str) -> None:
    """Each voice says the shipped short notice in less than thirty seconds, at the level, unclipped."""
    from informativa.prompts import speech_engine

    values = {"company": "Acme S.p.A.", "site": "acme.it", "key": pronunciation.key("1", language)}
    values["purposes"] = texts.phrases(TEXTS, language).join(["service"])
    made = texts.template(TEXTS, language, "short").fill(values)
    files = audio.prompt(speech_engine.speak(made, language))
    narrow = audio.from_pcm(files["wav"][44:], 8000)
    assert 15 < narrow.seconds < 30
    assert 10 < sum(map(len, made)) / narrow.seconds < 20  # letters a second: nobody speaks faster
    assert loudness(narrow.samples, 8000) == pytest.approx(audio.LOUDNESS, abs=0.3)
    assert list(audio.level_faults(narrow)) == []
    assert list(audio.recording_warnings(narrow)) == []


@voices
@pytest.mark.parametrize(("line", "sign"), [("Società 日本", "日"), ("Łódź", "Ł"), ("Il 5 % <b>", "%")])
def test_what_a_voice_cannot_say(line: str, sign: str) -> None:
    """A letter or sign that the voice would leave out is refused, with its line."""
    from informativa.prompts import speech_engine

    with pytest.raises(PromptError, match=f"Line 2 .*{sign}"):
        speech_engine.speak(["Buongiorno.", line], "it")


@voices
def test_text_that_the_engine_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence of which the engine says only a part is refused."""
    import py_nanotts

    from informativa.prompts import speech_engine

    speak = py_nanotts.NanoTTS.speak
    monkeypatch.setattr(
        py_nanotts.NanoTTS, "speak", lambda self, text, **more: speak(self, text[:40], **more)
    )
    with pytest.raises(PromptError, match="does not say all of line 1"):
        speech_engine.speak(
            ["Questa frase è più lunga di quello che il motore dice tutto in una volta sola."], "it"
        )
