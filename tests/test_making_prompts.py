"""Work on prompts, as the console and the command line have it done; without a terminal."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from doubles import FULL, SHORT, version
from informativa.model import Prompt, prompts_by_part
from informativa.model.errors import InformativaError, PromptError
from informativa.model.text import Text
from informativa.operations.prompts import installing, making, showing, taking
from informativa.operations.prompts.configured import ConfiguredPrompts, proposed
from informativa.operations.prompts.installing import InstallAction, InstallStep, PromptsInstalled
from informativa.operations.prompts.making import PromptsMade, PromptTarget
from informativa.operations.prompts.parts import PromptPart, SpokenPart
from informativa.operations.prompts.spoken_values import GivenValues
from informativa.operations.prompts.taking import Take
from informativa.prompts.store import PromptPath, PromptStore, next_version
from informativa.views.documents import document
from informativa.views.messages import ENGLISH, language
from informativa.views.text import prompts as view
from lab import audio

ACME = PromptTarget("acme", version="2027-01")
TRUE = GivenValues({"contact": "privacy@acme.it", "safeguards": "none"})


@pytest.fixture
def config(folder: Path) -> Path:
    """A configuration with two companies and nine prompts."""
    return folder / "informativa.yaml"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two seconds of something like speech, with silence around it."""
    gap = np.zeros(4000, np.int16)
    audio.write_wav(tmp_path / "studio.wav", np.concatenate([gap, audio.synthetic(2.0, 5), gap]))
    return tmp_path / "studio.wav"


def test_prompts_of_a_version() -> None:
    """Each with its part and language: the short ones, the full ones, those for who knows an earlier one."""
    new = Prompt("/new", ())
    prompts = list(version(supplements={"2025": {"it": new, "en": new}}).prompts())
    assert prompts == [
        ("short", "it", SHORT),
        ("full", "it", FULL),
        ("supplement:2025", "it", new),
        ("supplement:2025", "en", new),
    ]
    assert list(prompts_by_part({}, {}, {}, {}, {})) == []


@pytest.mark.parametrize(
    ("version", "known", "free"),
    [
        ("2026-11", ["2026-11"], "2026-11-b"),
        ("2026-11", ["2026-11", "2026-11-b"], "2026-11-c"),
        ("2026-11-b", ["2026-11-b"], "2026-11-c"),
        ("x", [], "x-b"),
    ],
)
def test_next_version(version: str, known: list[str], free: str) -> None:
    """The next letter that is free."""
    assert next_version(version, known) == free


def test_store_puts_all_or_none(tmp_path: Path) -> None:
    """Where one may not be replaced, no other is written; with `force` its other formats go."""
    store = PromptStore(tmp_path)
    first, second = (store.path("acme", "privacy", "1", "short", one) for one in ("it", "en"))
    assert store.relative(first.base) == "prompts/acme/privacy-1/it/short"
    assert store.relative(Path("/elsewhere/short")) == "/elsewhere/short"
    asked = []

    def heard_otherwise(recordings: object) -> bool:
        asked.append(recordings)
        return False

    store.put({first: {"wav": b"one"}}, heard_otherwise, ["1"], force=False)
    first.file("gsm").write_bytes(b"one")
    made = {first: {"wav": b"two"}, second: {"wav": b"two"}}
    with pytest.raises(PromptError, match="is there already"):
        store.put(made, heard_otherwise, ["1"], force=False)
    assert (first.file("wav").read_bytes(), second.files()) == (b"one", [])
    store.put(made, heard_otherwise, ["1"], force=True)
    assert (first.files(), second.files()) == ([first.file("wav")], [second.file("wav")])
    asked.clear()
    store.put(made, heard_otherwise, ["1"], force=False)
    assert asked == []  # nothing would change


def test_store_keeps_what_callers_heard(tmp_path: Path) -> None:
    """Whether by force or not, and the remedy names a version that is free."""
    store = PromptStore(tmp_path)
    path = store.path("acme", "privacy", "1", "supplement:0", "it")
    assert path.base.name == "supplement-0"
    with pytest.raises(PromptError) as caught:
        store.put({path: {"wav": b"one"}}, lambda _recordings: True, ["1", "1-b"], force=True)
    assert str(caught.value.remedy).endswith("--version 1-c")
    assert path.files() == []


def test_store_that_cannot_be_written(tmp_path: Path) -> None:
    """What the system says is the reason."""
    (tmp_path / "prompts").write_text("no folder")
    store = PromptStore(tmp_path)
    path = store.path("acme", "privacy", "1", "short", "it")
    with pytest.raises(PromptError, match="cannot be written"):
        store.put({path: {"wav": b"one"}}, lambda _recordings: False, [], force=False)


def test_what_a_configuration_says(config: Path) -> None:
    """The versions, the one that comes next, the languages and the key of a company."""
    prompts = ConfiguredPrompts(config)
    versions = prompts.versions("acme", "privacy")
    assert proposed(versions, datetime(2026, 11, 25, tzinfo=UTC)) == "2026-11-b"
    assert proposed(versions, datetime(2027, 1, 1, tzinfo=UTC)) == "2027-01"
    assert prompts.in_force("acme", "privacy") == "2026-11"
    assert (prompts.languages("acme")[0], prompts.key("acme"), prompts.key("acme", "#")) == ("it", "1", "#")
    with pytest.raises(InformativaError, match="no line that says which languages"):
        prompts.languages("nobody")
    with pytest.raises(InformativaError, match="no one key"):
        prompts.key("nobody")


def test_name_that_there_is_not(config: Path) -> None:
    """What was probably meant, or what there is, in the reader's language."""
    prompts = ConfiguredPrompts(config)
    with pytest.raises(InformativaError) as caught:
        prompts.controller("acm")
    assert str(caught.value) == "There is no controller acm; did you mean acme?"
    with pytest.raises(InformativaError) as caught:
        prompts.versions("acme", "x")
    assert str(caught.value) == "There is no notice or choice x; there are: privacy."
    assert "privacy" in language("it")(caught.value.text)
    with pytest.raises(InformativaError, match="several controllers"):
        prompts.controller(None)


def test_snippet_of_a_new_version_and_of_one_that_is_there(config: Path) -> None:
    """A new version has its purposes; one that is there gets what it has not."""
    prompts = ConfiguredPrompts(config)
    new = prompts.snippet("acme", [prompts.store.path("acme", "privacy", "2", "short", "it")], ["service"])
    assert (new.where, new.version) == ("controllers.acme.notices.privacy.versions", None)
    assert new.yaml.splitlines() == [
        '          - version: "2"',
        "            purposes: [service]",
        "            material: false",
        "            short:",
        "              it: prompts/acme/privacy-2/it/short",
    ]
    assert view.snippet(new, ENGLISH).startswith("# at the end of controllers.acme")
    path = prompts.store.path("acme", "privacy", "2026-11", "supplement:2025", "it")
    more = prompts.snippet("acme", [path], ["service"])
    assert more.version == "2026-11"
    assert more.yaml.splitlines() == [
        "            supplements:",
        '              "2025": {it: prompts/acme/privacy-2026-11/it/supplement-2025}',
    ]
    assert "at version 2026-11:" in view.snippet(more, ENGLISH)


@pytest.mark.shipped_prompts
def test_prompts_are_listed(config: Path) -> None:
    """Each prompt is listed once, with its length and level; one that is not there with its problem."""
    for file in (config.parent / "prompts/de").glob("full.*"):
        file.unlink()
    result = showing.configured_prompts(config)
    assert len(result.prompts) == 9
    missing = next(prompt for prompt in result.prompts if str(prompt.path).endswith("de/full"))
    assert (missing.seconds, missing.files) == (None, ())
    assert view.summary(missing, config, ENGLISH).startswith("prompts/de/full  there is no sound file")
    facts = {fact["path"]: fact for fact in json.loads(document(result))["prompts"]}
    problem = facts[f"{config.parent}/prompts/de/full"]["problem"]
    assert (problem["code"], problem["remedy"][:7]) == ("prompt", "put one")
    short = facts[f"{config.parent}/prompts/it/short"]
    assert (short["seconds"], short["level"], short["problem"]) == (
        pytest.approx(17.3, abs=0.1),
        pytest.approx(-21, abs=1),
        None,
    )
    assert short["files"] == [f"{config.parent}/prompts/it/short.{one}" for one in ("wav", "sln16")]
    assert "peak" not in short


def test_prompt_without_a_wav_file(config: Path) -> None:
    """Its length is known all the same, but its level is not."""
    path = config.parent / "prompts/it/short"
    path.with_suffix(".wav").unlink()
    path.with_suffix(".alaw").write_bytes(bytes(16000))
    prompt = showing.find_prompt(config, "it/short")
    assert (prompt.seconds, prompt.level, prompt.peak) == (2.0, None, None)
    assert view.summary(prompt, config, ENGLISH) == f"{path}  2.0 s"
    assert not showing.play(prompt)
    assert str(path) in list(view.how_to_hear(prompt, ENGLISH))[1]


def test_level_is_rounded_for_programs_alone(config: Path) -> None:
    """A level has one decimal in JSON, and silence has none; people get it rounded once, to whole dB."""
    prompt = showing.find_prompt(config, "it/short")
    loud, silent = (replace(prompt, level=level, peak=-3.0) for level in (-19.46, float("-inf")))
    facts = json.loads(document(showing.Prompts((loud, silent))))["prompts"]
    assert [fact["level"] for fact in facts] == [-19.5, None]
    assert "speech at -19 dBov" in view.summary(loud, config, ENGLISH)
    assert "speech at -inf dBov" in view.summary(silent, config, ENGLISH)


def test_prompt_is_chosen_by_the_end_of_its_path(config: Path, tmp_path: Path) -> None:
    """Of one end there is one; a file that the configuration does not name can be heard too."""
    assert showing.find_prompt(config, "de/short.wav").path == config.parent / "prompts/de/short"
    with pytest.raises(InformativaError, match="may be one of several"):
        showing.find_prompt(config, "short")
    with pytest.raises(InformativaError, match="no prompt it/shrt"):
        showing.find_prompt(config, "it/shrt")
    shutil.copy(config.parent / "prompts/it/short.wav", tmp_path / "mine.wav")
    mine = showing.find_prompt(config, str(tmp_path / "mine"))
    assert (mine.controller, mine.notice, mine.part, mine.after) == (None, None, None, None)


def test_supplement_is_a_part_and_a_version() -> None:
    """A program need not take the part's name apart."""
    path = PromptPath("privacy", "2", "supplement:1", "it", Path("/x"))
    prompt = showing.read_prompt("acme", path)
    assert (prompt.part, prompt.after) == ("supplement", "1")


def test_recording_is_added(config: Path, recording: Path) -> None:
    """What was put where, what to write into the configuration, and what is doubtful, as it is found."""
    doubts: list[Text] = []
    made = taking.add(config, ACME, Take(recording, "it"), doubts.append)
    (prompt,) = made.prompts
    assert (prompt.problem, prompt.warnings, made.warnings) == (None, (), tuple(doubts))
    assert prompt.path == config.parent / "prompts/acme/privacy-2027-01/it/short"
    facts = json.loads(document(made))
    assert facts["configuration"]["yaml"] == made.configuration.yaml
    assert (facts["configuration"]["version"], facts["warnings"]) == (None, list(map(str, doubts)))
    text = "\n".join(view.prompts_made(made, ENGLISH))
    assert "Next: hear it (informativa prompts play " in text
    assert "material: leave it false" in text


@pytest.mark.parametrize(
    ("spoken", "part", "after", "version", "message"),
    [
        ("italian", PromptPart.SHORT, "", "2", "is no language"),
        ("it", PromptPart.SUPPLEMENT, "", "2", "for those who know a version"),
        ("it", PromptPart.SHORT, "2026-11", "2", "for those who know a version"),
        ("it", PromptPart.SUPPLEMENT, "1", "2", "There is no version 1"),
        ("it", PromptPart.SHORT, "", "a/b", "is no version"),
    ],
)
def test_what_cannot_be_added(
    config: Path, spoken: str, part: PromptPart, after: str, version: str, message: str
) -> None:
    """It is told before a recording is read."""
    with pytest.raises(InformativaError, match=message):
        taking.add(
            config, PromptTarget("acme", version=version), Take(Path("/none.wav"), spoken, part, after)
        )


def test_built_of_what_a_speech_engine_says(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both texts in each language are spoken and kept beside the sound; the same text is not spoken again."""
    from informativa.prompts import speech_engine
    from informativa.prompts.audio import NARROW, Sound, from_pcm

    spoken: list[str] = []

    def speak(lines: list[str], spelling: str) -> Sound:
        spoken.append(f"{spelling}: {lines[0]}")
        return from_pcm(audio.synthetic(2.0, len(spoken)).tobytes(), NARROW)

    monkeypatch.setattr(speech_engine, "speak", speak)
    speech = making.Speech("acme.it", languages=("it", "en"), values=TRUE)
    made = making.build(config, ACME, speech)
    assert [str(prompt.path).partition("2027-01/")[2] for prompt in made.prompts] == [
        "it/short",
        "it/short-nokey",
        "it/full",
        "en/short",
        "en/short-nokey",
        "en/full",
    ]
    assert "Acme S.p.A." in made.prompts[0].path.with_suffix(".txt").read_text()
    assert "            short_nokey:\n              it: prompts/acme/privacy-2027-01/it/short-nokey\n" in (
        made.configuration.yaml
    )
    assert len(spoken) == 6
    making.build(config, ACME, speech)
    assert len(spoken) == 6
    nokey = replace(speech, parts=(SpokenPart.SHORT_NOKEY,), values=GivenValues())
    alone = making.build(
        config,
        PromptTarget("acme", version="2026-11"),
        nokey,
    )
    assert [str(prompt.path).partition("2026-11/")[2] for prompt in alone.prompts] == [
        "it/short-nokey",
        "en/short-nokey",
    ]
    assert (alone.configuration.version, alone.configuration.yaml.splitlines()[0]) == (
        "2026-11",
        "            short_nokey:",
    )
    with pytest.raises(InformativaError, match="is no key of a telephone"):
        making.build(config, ACME, making.Speech("acme.it", key="12", values=TRUE))


def test_speech_engine_that_fails(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told in which text it did."""
    from informativa.prompts import speech_engine

    def speak(_lines: list[str], _tongue: str) -> None:
        raise PromptError("It has no voice.")

    monkeypatch.setattr(speech_engine, "speak", speak)
    with pytest.raises(PromptError, match="it/short: It has no voice"):
        making.build(config, ACME, making.Speech("acme.it", values=TRUE))


def test_texts_are_copied_to_be_changed(tmp_path: Path) -> None:
    """Into a new folder only."""
    languages = making.copy_texts(tmp_path / "texts")
    assert {"it", "de"} < set(languages)
    assert (tmp_path / "texts/it/short.txt").read_text()
    assert list(view.texts_copied(tmp_path, languages, ENGLISH))[1].startswith("informativa prompts build")
    with pytest.raises(InformativaError, match="is there already"):
        making.copy_texts(tmp_path / "texts")


def test_formats_are_made(config: Path) -> None:
    """First what would be done, then step by step what is; then nothing is left to do."""
    steps: list[InstallStep] = []
    would = installing.install(config, ["alaw"], dry_run=True, step=steps.append)
    assert (would.done, would.prompts, len(steps)) == (False, 9, 9)
    assert view.step(steps[0], ENGLISH, dry_run=True) == f"would make {steps[0].file}"
    assert not steps[0].file.exists()
    installed = installing.install(config, ["alaw"])
    assert (installed.done, installed.failure) == (True, None)
    assert installed.files == tuple(step.file for step in steps)
    assert all(file.exists() for file in installed.files)
    assert view.prompts_installed(installed, ENGLISH) == "9 prompts, 9 files made."
    assert installing.install(config, ["alaw"]).files == ()


def test_format_that_came_out_wrong(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried once and told once, with why, and half a prompt is not put in its place."""
    monkeypatch.setattr(installing, "encode", lambda _sound, _extension: bytes(80))
    warnings: list[Text] = []
    installed = installing.install(config, ["ulaw"], warn=warnings.append)
    assert (installed.not_made, installed.files) == (("ulaw",), ())
    assert installed.warnings == tuple(warnings)
    assert (
        str(installed.failure) == "Not made: ulaw. Asterisk translates in every call that wants one of these."
    )
    assert "short.ulaw came out wrong" in str(warnings[0])
    facts = json.loads(document(installed))
    assert (facts["not_made"], facts["warnings"]) == (["ulaw"], list(map(str, warnings)))


def test_copies_for_the_own_dialplan(config: Path, tmp_path: Path) -> None:
    """What is in force is copied; what is of another version is deleted; a second run does nothing."""
    sounds = tmp_path / "sounds"
    stale = sounds / "it/informativa/acme/privacy-short.gsm"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"old")
    steps: list[InstallStep] = []
    installed = installing.install(config, ["alaw"], sounds, step=steps.append)
    assert InstallStep(InstallAction.DELETE, stale) in steps
    assert (stale.exists(), installed.deleted) == (False, (stale,))
    assert (sounds / "it/informativa/acme/privacy-short.wav").exists()
    facts = json.loads(document(installed))
    assert facts["deleted"] == [str(stale)]
    assert facts["files"] == [str(step.file) for step in steps if step.action is not InstallAction.DELETE]
    copy = next(step for step in steps if step.action is InstallAction.COPY)
    assert view.step(copy, ENGLISH, dry_run=False) == f"copying {copy.source} to {copy.file}"
    again = installing.install(config, ["alaw"], sounds)
    assert (again.files, again.deleted) == ((), ())


def test_what_cannot_be_installed(config: Path) -> None:
    """A format that there is not, a folder that there is not, a prompt that is not there."""
    with pytest.raises(InformativaError, match="no format mp3"):
        installing.install(config, ["mp3"])
    with pytest.raises(PromptError, match="no folder /none"):
        installing.install(config, ["alaw"], Path("/none"))
    for file in config.parent.rglob("*.wav"):
        file.unlink()
    result = installing.install(config, ["alaw"])
    assert (len(result.warnings), result.files) == (9, ())
    assert isinstance(result, PromptsInstalled)


def test_served_recording_stays(config: Path, recording: Path) -> None:
    """What the ledger knows under a version is not replaced, and a format of another sound is not made."""
    from informativa.config import load
    from informativa.process.preparation import verify_recordings

    verify_recordings(load(config), keep=True)
    base = config.parent / "prompts/acme/privacy-2026-11/it/short"
    made = taking.add(config, PromptTarget("acme", version="2026-11-b"), Take(recording, "it"))
    assert isinstance(made, PromptsMade)
    assert not base.with_suffix(".wav").exists()
