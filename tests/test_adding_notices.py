"""The command `notices add`: the notices that the law asks for today."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from commands import refused, typed
from informativa.config import load
from informativa.model.choices import KINDS
from informativa.model.words import Asks
from informativa.operations.packages import adding
from informativa.operations.packages.table import PACKAGES, PLAN_ORDER, VALUES
from informativa.operations.prompts.parts import place_of
from informativa.prompts import speech_engine
from informativa.prompts.audio import NARROW, Sound, from_pcm
from informativa.system import shipped
from lab import audio

NEEDED = {
    "ai": (),
    "recording": ("months=6 months", "no=7", "silence=not-recorded"),
    "recording-orders": (),
    "country": ("in_country=in Albania",),
    "country-outside-eu": ("in_country=in Albania", "eu=2"),
    "marketing": ("yes=4", "no=5"),
}


@pytest.fixture(autouse=True)
def spoken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that an engine was given, which says something else."""
    texts: list[str] = []

    def speak(lines: list[str], _language: str) -> Sound:
        texts.append("\n".join(lines))
        return from_pcm(audio.synthetic(1.0, len(texts)).tobytes(), NARROW)

    monkeypatch.setattr(speech_engine, "speak", speak)
    return texts


def configuration(folder: Path) -> Path:
    """The configuration, whose privacy notice tells of marketing."""
    file = folder / "informativa.yaml"
    text = file.read_text()
    file.write_text(text.replace("purposes: [service]  ", "purposes: [service, marketing]  ", 1))
    return file


def add(file: Path, notice: str, *options: str, settings: tuple[str, ...] | None = None) -> dict[str, Any]:
    """The document of adding a notice to Acme."""
    values = NEEDED[notice] if settings is None else settings
    given = [word for value in values for word in ("--set", value)]
    _code, out, _err = typed(
        "notices", "add", notice, "--controller", "acme", *given, *options, "--json", "-c", file
    )
    document: dict[str, Any] = json.loads(out)
    return document


@pytest.mark.sample(1)
@pytest.mark.parametrize("notice", NEEDED)
def test_shown_written_and_there(folder: Path, notice: str) -> None:
    """Nothing is written before --yes; then the file loads, with its comments, and the lines of the
    difference, and a second time nothing changes."""
    file = configuration(folder)
    old = file.read_text()
    shown = add(file, notice)
    assert (shown["written"], shown["complete"], shown["missing"]) == (False, False, [])
    assert file.read_text() == old
    assert sorted(path.name for path in folder.iterdir()) == ["informativa.yaml", "keys", "ledger", "prompts"]
    written = add(file, notice, "--yes")
    assert written == {**shown, "written": True, "backup": f"{file}.bak"}
    assert Path(written["backup"]).read_text() == old
    added_lines = [line[1:] for line in written["difference"] if re.match(r"\+(?!\+)", line)]
    assert [line for line in file.read_text().splitlines() if line not in old.splitlines()] == [
        line for line in added_lines if line not in old.splitlines()
    ]
    assert not [line for line in written["difference"] if re.match(r"-(?!-)", line)]
    load(file)
    new = file.read_text()
    again = add(file, notice, "--yes")
    assert (again["written"], again["complete"], again["difference"]) == (False, True, [])
    assert file.read_text() == new


def test_order_within_a_call(folder: Path) -> None:
    """Whatever is added first, the plan is ai, human, country, abroad, recording, privacy, marketing."""
    file = configuration(folder)
    for notice, more in (
        ("marketing", ()), ("recording", ()), ("country-outside-eu", ()), ("ai", ("human=8",)),
    ):  # fmt: skip
        add(file, notice, "--yes", settings=NEEDED[notice] + more)
    (line,) = (line for line in load(file).lines if line.controller.id == "acme")
    assert [step.notice.id for step in line.plan] == ["ai", "country", "privacy"]
    assert [(planned.choice.id, planned.after) for planned in line.choices] == [
        ("human", 1), ("abroad", 2), ("recorded", 2), ("marketing", 3),
    ]  # fmt: skip


@pytest.mark.parametrize("notice", [notice for notice in NEEDED if NEEDED[notice]])
def test_missing_values_are_named_with_the_command(folder: Path, spoken: list[str], notice: str) -> None:
    """Without a value nothing is written or spoken, and the command says where each goes."""
    file = configuration(folder)
    old = file.read_text()
    names = [value.partition("=")[0] for value in NEEDED[notice]]
    result = add(file, notice, "--yes", settings=())
    assert sorted(reason.partition(":")[0] for reason in result["missing"]) == sorted(names)
    for name in names:
        assert f"--set {name}=…" in result["next"]
    assert (file.read_text(), spoken) == (old, [])
    assert typed("notices", "add", notice, "--controller", "acme", "--yes", "-c", file)[0] == 1


def test_configuration_would_be_wrong(folder: Path) -> None:
    """A recording that may be refused beside orders that must be recorded, and a consent of whose purpose no
    notice tells, are named and not written."""
    file = folder / "informativa.yaml"
    (reason,) = add(file, "marketing", "--yes")["missing"]
    assert "no notice before it tells of the purpose marketing" in reason
    add(file, "recording", "--yes")
    (reason,) = add(file, "recording-orders", "--yes")["missing"]
    assert "on a line with the notice recording-orders each call must be recorded" in reason
    assert "recording-orders" not in file.read_text()


def test_shipped_recording_is_taken(
    folder: Path, tmp_path: Path, spoken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the program ships a recording of a text that names nobody it is copied, and nothing is spoken;
    where the folder has it, it is taken as it is."""
    packed = tmp_path / "packed"
    (packed / "it").mkdir(parents=True)
    sound = (folder / "prompts/it/short.wav").read_bytes()
    for name in ("short", "ai"):
        (packed / f"it/{name}.wav").write_bytes(sound)
    (folder / "prompts/it/ai.wav").unlink()
    real = shipped.folder
    monkeypatch.setattr(shipped, "folder", lambda name: packed if name == "prompts" else real(name))
    file = folder / "informativa.yaml"
    (prompt,) = add(file, "ai", "--yes")["prompts"]
    assert (prompt["source"], prompt["path"]) == ("shipped", str(folder / "prompts/it/ai"))
    assert (folder / "prompts/it/ai.wav").read_bytes() == sound
    assert spoken == []
    (folder / "prompts/it/recording-orders.wav").write_bytes(sound)
    (prompt,) = add(file, "recording-orders", "--yes")["prompts"]
    assert (prompt["source"], spoken) == ("there", [])
    load(file)


def test_lines_that_are_named(folder: Path) -> None:
    """Only their plans change; another company's number is refused."""
    file = folder / "informativa.yaml"
    wrong = refused("notices", "add", "ai", "--controller", "acme", "--line", "+493012345678", "-c", file)
    assert "acme has no line +493012345678." in wrong
    assert add(file, "ai", "--line", "+390212345678")["lines"] == ["+390212345678"]


def test_keys_are_those_that_the_text_asks_for(folder: Path) -> None:
    """The German question about recording asks for a yes, and the Italian one for a no: the choice has that
    key and no other. `recording-consent` asks for both."""
    file = folder / "informativa.yaml"
    command = ("notices", "add", "recording", "--set", "months=6 months", "-c", file)
    silence = ("--set", "silence=not-recorded")
    for company, text, values, keys in (
        ("borealis", "recording", ("yes=8",), ['recorded: "8"']),
        ("acme", "recording", ("no=7",), ['not-recorded: "7"']),
        ("acme", "recording-consent", ("no=7", "yes=8"), ['not-recorded: "7"', 'recorded: "8"']),
    ):
        given = [word for value in values for word in ("--set", value)]
        choice = ("--controller", company, "--text", text, "--json")
        document = json.loads(typed(*command, *silence, *choice, *given)[1])
        assert document["missing"] == []
        assert re.findall(r'(?:not-)?recorded: "."', "\n".join(document["difference"])) == keys
    unused = refused(*command, *silence, "--controller", "borealis", "--set", "yes=8", "--set", "no=7")
    assert "No text that is spoken has a place for {no}." in unused


def test_texts_that_ask_for_different_keys(folder: Path) -> None:
    """Where Italian callers are asked for a no and German ones for a yes silence would mean two things: the
    text that asks for both is named."""
    file = folder / "informativa.yaml"
    text = file.read_text()
    file.write_text(text.replace("    language: it\n", "    language: it\n    fallback: [de]\n", 1))
    values = ("months=6 months", "no=7", "yes=8", "silence=not-recorded")
    (reason, *_others) = add(file, "recording", settings=values)["missing"]
    assert reason == (
        "the texts do not ask for the same keys (it: no, de: yes), and silence cannot mean two things; choose"
        " one that asks for all in each language: --text recording-consent"
    )


def test_notice_of_another_country_is_not_passed_over(folder: Path) -> None:
    """Beside a notice of another country, the country that is given would not be heard: that is said, and
    nothing is written."""
    file = configuration(folder)
    add(file, "country", "--yes", settings=("in_country=in Romania",))
    text = file.read_text()
    result = add(file, "country-outside-eu", "--yes")
    (reason,) = result["missing"]
    assert reason.startswith("country is there already and keeps its words, so in_country would not be heard")
    assert (result["written"], file.read_text()) == (False, text)
    again = add(file, "country-outside-eu", "--yes", settings=("eu=2",))
    assert (again["missing"], again["written"]) == ([], True)
    assert again["to_do"][0].startswith("country is there already and stays as it is")


def test_emotions_of_agents(folder: Path) -> None:
    """A text about emotions comes with the caution that they are the callers' only; another one does not."""
    file = folder / "informativa.yaml"
    caution = "callers only: the emotions of agents may not be read (AI Act art. 5(1)(f))"
    for text, expected in (("ai", False), ("ai-emotion", True), ("emotion", True)):
        to_do = add(file, "ai", "--text", text)["to_do"]
        assert any(sentence.startswith(caution) for sentence in to_do) == expected
    build = ("prompts", "build", "--controller", "acme", "--version", "2027-01", "-c", file, "--part")
    assert f"warning: {caution}" in typed(*build, "emotion")[2]
    assert caution not in typed(*build, "recording-orders")[2]
    wrong = refused("notices", "add", "ai", "--controller", "acme", "--text", "short", "-c", file)
    assert "ai has no text short" in wrong


def test_notice_that_is_due_too_rarely(folder: Path) -> None:
    """One that somebody set to `once`, and is due on every call, is named."""
    file = folder / "informativa.yaml"
    add(file, "ai", "--yes")
    file.write_text(file.read_text().replace("{notice: ai, when: always}", "notice: ai"))
    (reason,) = add(file, "ai")["missing"]
    assert reason == "line +390212345678: the notice ai is due on every call; write `when: always` there"


def test_unknown_words(folder: Path) -> None:
    """A notice, or a value, that there is not is refused with those that there are."""
    file = folder / "informativa.yaml"
    assert "There is no notice aii" in refused("notices", "add", "aii", "--controller", "acme", "-c", file)
    unused = refused("notices", "add", "ai", "--controller", "acme", "--set", "month=6", "-c", file)
    assert "No text that is spoken has a place for {month}." in unused


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.id)
def test_table(package: adding.NoticePackage) -> None:
    """Each row has three sentences of law with their sources, a place in the plan for each section, a meaning
    for each value, and tests only answers that its choices have."""
    assert len(package.law) == 3
    assert all(law.source for law in package.law)
    words = set()
    for section in package.sections:
        place = place_of(section.text)
        assert place.id in PLAN_ORDER
        assert {*section.settings, *section.alike, *place.keys} <= {*VALUES, "purpose"}
        if place.asks:
            kind = KINDS[Asks(place.asks)]
            words_of_kind = {*kind.options, kind.unless_asked, "silence", "recorded"}
            words |= {f"{place.id}:{word}" for word in words_of_kind}
    tested = re.findall(r'=~ " (\S+) "', "\n".join(package.dialplan))
    assert set(tested) <= words
