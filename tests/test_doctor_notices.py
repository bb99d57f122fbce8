"""Recordings, versions and rights as `check` and `doctor` see them: that what callers are told is so."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from examples import ONE, OTHER, PLAYED
from informativa.config import load
from informativa.model import Reason
from informativa.operations.doctor import examination, notices
from informativa.operations.doctor.checks import Suite, of_suite
from informativa.process import maintenance, storage
from informativa.prompts.named_keys import named_keys
from informativa.prompts.pronunciation import key
from informativa.prompts.texts import KEY_PLACEHOLDERS
from informativa.system.shipped import folder as shipped

LINE = "+390212345678"


def findings_of(file: Path, name: str) -> list[tuple[str, str]]:
    """Return what the checks of this name find, each with what to do."""
    checks = [check for check in of_suite(Suite.CHECK) if str(check.name) == name]
    _system, findings = asyncio.run(examination.run_checks(file, checks))
    return [(str(finding.finding), str(finding.fix)) for finding in findings]


class Filled(dict[str, str]):
    """A value for every place of a text."""

    def __init__(self, key: str) -> None:
        super().__init__(key=key)

    def __missing__(self, name: str) -> str:
        return name


@pytest.mark.parametrize("language", ["it", "en", "de", "fr", "es"])
def test_texts_that_are_shipped_name_their_key(language: str) -> None:
    """The one that the shipped line has, also where the key is filled in; the short one for where no key is
    heard names none, but the website."""
    beside, template = (shipped(place) / language / "short.txt" for place in ("prompts", "texts"))
    if beside.is_file():
        assert named_keys(beside.read_text(encoding="utf-8"), language) == {"1"}
    for pressed in "159*":
        text = template.read_text(encoding="utf-8").format_map(Filled(pressed))
        assert named_keys(text, language) == {pressed}
    text = (shipped("texts") / language / "short-nokey.txt").read_text(encoding="utf-8")
    assert named_keys(text, language) == named_keys(text) == frozenset()
    assert "{site}" in text
    if beside.is_file():
        assert named_keys((beside.parent / "short-nokey.txt").read_text(encoding="utf-8")) == frozenset()


@pytest.mark.parametrize("language", ["it", "en", "de", "fr", "es"])
def test_every_key_of_a_shipped_text_is_seen(language: str) -> None:
    """Each key in words, whichever sentence names it: "per no il tasto cinque", "mit der Taste fünf"."""
    for file in (Path(str(shipped("texts"))) / language).glob("*.txt"):
        text = file.read_text(encoding="utf-8")
        places = [place for place in sorted(KEY_PLACEHOLDERS) if f"{{{place}}}" in text]
        filled = text
        for digit, place in enumerate(places, 4):
            filled = filled.replace(f"{{{place}}}", key(str(digit), language))
        digits = {str(digit) for digit, _ in enumerate(places, 4)}
        assert named_keys(filled, language) == named_keys(filled) == digits, file.name


@pytest.mark.parametrize(
    ("text", "language", "keys"),
    [
        ("Premi 1 o prema il tasto due.", "it", {"1", "2"}),
        ("Press the star key.", "en", {"*"}),
        ("Press star, or press 9 now.", "en_GB", {"*", "9"}),
        ("Drücken Sie bitte die Taste fünf.", "de_DE", {"5"}),
        ("Appuyez maintenant sur la touche dièse.", "fr", {"#"}),
        ("Pulse la tecla 3.", "es", {"3"}),
        ("Our press office has one number.", "en", set()),
        ("Press 1.", "pl", set()),
        ("Premere il tasto uno.", "", {"1"}),
    ],
)
def test_keys_that_a_text_names(text: str, language: str, keys: set[str]) -> None:
    """In the words of its own language."""
    assert named_keys(text, language) == keys


def test_key_that_a_recording_names_must_do_something(folder: Path) -> None:
    """The line has another, or there is no full text in that language; each is told with its line."""
    file = folder / "informativa.yaml"
    beside = folder / "prompts/it/short.txt"
    beside.write_text("Per ascoltare tutto, premere il tasto uno. O prema 7.")
    does_nothing = f"{folder}/prompts/it/short names the key {{}}, which does nothing on the line {LINE}"
    assert [text for text, _fix in findings_of(file, "words") if "it/short" in text] == [
        does_nothing.format(7)
    ]
    text = file.read_text()
    file.write_text(text.replace("              it: prompts/it/full\n", "", 1))
    assert does_nothing.format(1) in [one for one, _fix in findings_of(file, "words")]
    file.write_text(text.replace('full: "1"', 'full: "7"', 1))
    assert [one for one, _fix in findings_of(file, "words") if "it/short" in one] == [does_nothing.format(1)]


def test_keys_of_other_recordings_are_checked_too(folder: Path) -> None:
    """In the full text, and in a supplement, which is played in place of the short one."""
    file = folder / "informativa.yaml"
    (folder / "prompts/it/full.txt").write_text("Per interromperla prema il tasto uno. O il tasto sette.")
    text = file.read_text()
    supplement = '            supplements: {"2025": {it: prompts/it/supplement}}\n'
    version = '          - version: "2026-11"\n'
    short = "{it: prompts/it/short, en: prompts/en/short}"
    earlier = f'          - {{version: "2025", purposes: [service], short: {short}}}\n'
    file.write_text(text.replace(version, earlier + version + supplement, 1))
    for extension in ("wav", "txt"):
        source = folder / f"prompts/it/short.{extension}"
        (folder / f"prompts/it/supplement.{extension}").write_bytes(source.read_bytes())
    (folder / "prompts/it/supplement.txt").write_text("Per no prema il tasto otto.")
    assert [one.partition(f"{folder}/")[2] for one, _fix in findings_of(file, "words")] == [
        f"prompts/it/full names the key 7, which does nothing on the line {LINE}",
        f"prompts/it/supplement names the key 8, which does nothing on the line {LINE}",
    ]


def test_key_is_not_named_where_none_is_heard(folder: Path) -> None:
    """By what the dialplan plays alone, on a line and on numbers that nobody configured: each file is told
    once, with the command that makes the other; a text that names a website instead is in order."""
    file = folder / "informativa.yaml"
    assert [one for one in findings_of(file, "words") if "no key is heard" in one[0]] == []
    text = file.read_text()
    without = text.replace("              it: prompts/it/short-nokey   # and hears none\n", "", 1)
    file.write_text(
        without.replace("fallback_prompt: prompts/it/short-nokey", "fallback_prompt: prompts/it/short")
    )
    short = f"{folder}/prompts/it/short"
    build = (
        "informativa prompts build --part short-nokey --controller acme --notice privacy --version 2026-11"
    )
    assert [one for one in findings_of(file, "words") if "no key is heard" in one[0]] == [
        (
            f"{short} names the key 1, and no key is heard when the dialplan plays it because neither the"
            " service nor the script answers",
            f"{build} --site SITE -c {file}",
        ),
        (
            f"{short} (fallback_prompt) names the key 1, and no key is heard when it is played",
            "Write instead: fallback_prompt: prompts/it/short-nokey",
        ),
    ]
    (folder / "prompts/it/short-nokey.wav").unlink()
    *_, (_, fix) = [one for one in findings_of(file, "words") if "no key is heard" in one[0]]
    assert fix == f"Type: {build} --site SITE -c {file}. Then write that prompt as `fallback_prompt`."
    (folder / "prompts/it/short.txt").write_text("Acme usa i Suoi dati. L'informativa è su acme.it.")
    assert [one for one in findings_of(file, "words") if "no key is heard" in one[0]] == []


def test_ids_that_have_no_name_are_told_once(folder: Path) -> None:
    """Of a live company, in the languages in which its callers hear them, with the setting for it."""
    file = folder / "informativa.yaml"
    assert findings_of(file, "names") == []
    text = file.read_text().replace("purposes: [service]", "purposes: [service, crm]", 1)
    file.write_text(text)
    assert findings_of(file, "names") == [
        (
            "letters, receipts and pages of acme show these ids of its configuration in place of names:"
            " crm (it, en)",
            "Write under controllers.acme: names: {it: {crm: …}, en: {crm: …}}",
        )
    ]
    named = "    names: {it: {crm: gestire il contratto}, en: {crm: managing the contract}}\n"
    file.write_text(text.replace("    name: Acme S.p.A.\n", "    name: Acme S.p.A.\n" + named, 1))
    assert findings_of(file, "names") == []


def test_company_that_plays_what_is_shipped_is_told(folder: Path) -> None:
    """Those recordings name nobody; one of the company's own is not taken for one of them."""
    file = folder / "informativa.yaml"
    assert [one for one in findings_of(file, "words") if "shipped" in one[0]] == []
    short = shipped("prompts") / "it/short.wav"
    (folder / "prompts/it/short.wav").write_bytes(short.read_bytes())
    ((text, fix),) = [one for one in findings_of(file, "words") if "shipped" in one[0]]
    assert text.startswith("acme plays recordings that are shipped with informativa: they name no company")
    assert fix == f"informativa prompts build --controller acme --site SITE -c {file}"


def test_notice_that_needs_no_company_may_be_the_shipped_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An artificial intelligence says that it is one, whoever's it is: that recording names nobody."""
    text = (shipped("texts") / "it/ai-emotion.txt").read_text(encoding="utf-8")
    sound = (folder / "prompts/it/short.wav").read_bytes()
    words = {hashlib.sha256(sound).hexdigest(): " ".join(text.splitlines())}
    monkeypatch.setattr(notices, "spoken_words", lambda: words)
    file = folder / "informativa.yaml"
    assert [one for one in findings_of(file, "words") if "shipped" in one[0]] == []
    monkeypatch.setattr(notices, "spoken_words", lambda: dict.fromkeys(words, "La società che ha chiamato…"))
    assert len([one for one in findings_of(file, "words") if "shipped" in one[0]]) == 1


@pytest.fixture
def rested(folder: Path) -> Path:
    """Two callers were told version 2025, and one of them 2026-11 too."""
    file = folder / "informativa.yaml"
    with closing(storage.store(load(file).controllers["acme"])) as store:
        for pseudonym, version in ((ONE, "2025"), (OTHER, "2025"), (ONE, "2026-11")):
            store.append(
                [replace(PLAYED, pseudonym=pseudonym, version=version, call=version + pseudonym.hex()[:4])]
            )
    return file


def test_versions_on_which_callers_rest_are_missed(rested: Path) -> None:
    """How many were told each that the file has no more."""
    assert findings_of(rested, "versions") == [
        (
            "2 callers of acme were told privacy notice (privacy) 2025, which the configuration has no more:"
            " what they know counts by their records alone",
            "Leave a version in the file for as long as records of it are kept.",
        )
    ]


def test_reload_says_which_version_it_took_out(rested: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With how many were told it; where nobody was there is nothing to say."""
    now, text, newest = load(rested), rested.read_text(), '- version: "2026-11"'
    earlier = newest.replace("2026-11", "2025")
    purposes = "\n            purposes: [service]\n            short: {it: prompts/it/short}\n          "
    rested.write_text(text.replace(newest, earlier + purposes + newest, 1))
    maintenance.tell_removed_versions(load(rested), now, "acme")
    output = capsys.readouterr().out
    assert "a version was taken out of the configuration that callers were told" in output
    assert "callers=2" in output
    maintenance.tell_removed_versions(now, now, "acme")
    assert capsys.readouterr().out == ""


def test_prompt_with_a_dot_in_its_name_is_looked_at(folder: Path) -> None:
    """Its file is `short-2026.11.wav`, in which the version is no ending."""
    file, prompt = folder / "informativa.yaml", folder / "prompts/it/short-2026.11.wav"
    (folder / "prompts/it/short.wav").rename(prompt)
    file.write_text(file.read_text().replace("it/short", "it/short-2026.11"))
    prompt.chmod(0o666)
    assert findings_of(file, "files") == [
        (f"every user of this machine may change {prompt}", f"chmod o-w {prompt}")
    ]


def test_what_everybody_may_change_is_told(folder: Path) -> None:
    """Files and folders, each with the command that ends it, after which nothing is found."""
    file = folder / "informativa.yaml"
    assert findings_of(file, "files") == []
    changed = {
        file: 0o666,
        folder / "keys": 0o777,
        folder / "prompts/it": 0o777,
        folder / "prompts/it/short.wav": 0o666,
        folder / "prompts/it/short.g722": 0o666,
    }
    (folder / "prompts/it/short.g722").write_bytes(bytes(8_000))
    for path, mode in changed.items():
        path.chmod(mode)
    findings = findings_of(file, "files")
    assert findings == [
        (f"every user of this machine may change {path}", f"chmod o-w {path}") for path in sorted(changed)
    ]
    for path in changed:
        path.chmod(path.stat().st_mode & ~0o002)
    assert findings_of(file, "files") == []


def test_folder_in_which_only_owners_exchange_files_is_in_order(folder: Path) -> None:
    """As /tmp is."""
    (folder / "ledger").chmod(0o1777)
    assert findings_of(folder / "informativa.yaml", "files") == []


def test_company_without_a_retention_is_warned(folder: Path) -> None:
    """Records would be kept for ever."""
    file = folder / "informativa.yaml"
    assert "retention" not in " ".join(map(str, load(file).warnings))
    file.write_text(file.read_text().replace("    retention: 5 years", "   "))
    sentences = [str(warning) for warning in load(file).warnings]
    assert len([text for text in sentences if "records are kept for ever" in text]) == 2


def test_share_of_numbers_that_may_be_two(folder: Path) -> None:
    """Of a line that takes either form, with the setting that ends it; of one that says which, nothing."""
    file = folder / "informativa.yaml"
    controller = load(file).controllers["acme"]
    ambiguous = replace(PLAYED, line=LINE, pseudonym=None, reason=Reason.AMBIGUOUS)
    with closing(storage.store(controller)) as store:
        store.append([replace(PLAYED, line=LINE)] * 199 + [ambiguous])
    assert findings_of(file, "numbers") == []
    with closing(storage.store(controller)) as store:
        store.append([ambiguous] * 20)
    assert findings_of(file, "numbers") == [
        (
            f"10 % of the last 220 records of line {LINE} are of numbers that may be two, so those callers"
            " hear the notice every time",
            f"ask the carrier how it writes callers' numbers, and write it under lines.{LINE}:"
            " `callers: national`, or `callers: international` (with country code)",
        )
    ]
    file.write_text(file.read_text().replace("callers: either ", "callers: national "))
    assert findings_of(file, "numbers") == []


def test_only_the_newest_records_say_how_numbers_come(folder: Path) -> None:
    """1000 of a company: what was mended earlier is not told for ever."""
    file = folder / "informativa.yaml"
    with closing(storage.store(load(file).controllers["acme"])) as store:
        store.append([replace(PLAYED, line=LINE, pseudonym=None, reason=Reason.AMBIGUOUS)] * 50)
        assert findings_of(file, "numbers") != []
        store.append([replace(PLAYED, line=LINE)] * 1000)
    assert findings_of(file, "numbers") == []
