"""The configuration: what is right becomes objects, what is wrong is all told at once, with its place."""

import os
import pickle
import pickletools
import re
import subprocess
import sys
from datetime import datetime
from enum import Enum, StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from configurations import problems
from informativa.config import inspect, load, parsed_cache, schema, unusable
from informativa.model import NumberForm, Period, Role
from informativa.model.errors import ConfigError, PromptError
from informativa.model.text import NOTHING
from informativa.operations.init import init
from informativa.prompts.installed import measure
from lab import audio


def edit(folder: Path, old: str, new: str) -> Path:
    """Change one place of the configuration."""
    file = folder / "informativa.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return file


@pytest.mark.shipped_prompts
def test_template_is_in_order(folder: Path) -> None:
    """What `init` writes loads without a problem or a warning, keys private, prompts measured."""
    configuration = load(folder / "informativa.yaml")
    assert configuration.warnings == ()
    assert set(configuration.controllers) == {"acme", "borealis"}
    assert configuration.spelled["0212345678"].controller.id == "acme"
    assert configuration.spelled["03012345678"].controller.id == "borealis"
    short = configuration.lines[0].plan[0].notice.versions[-1].short["it"]
    assert 10 <= short.seconds <= 20
    keys = [controller.key for controller in configuration.controllers.values()]
    assert len(set(keys)) == 2
    assert {len(key) for key in keys} == {32}
    assert {file.stat().st_mode & 0o777 for file in (folder / "keys").iterdir()} == {0o600}


MISTAKES = [
    ("key: keys/acme.key", "key:", "controllers.acme.key: '' is not the path of a file"),
    ("it: prompts/it/short\n", 'it: "prompts/a,b/short"\n', "is not the path of a file"),
    ("it: prompts/it/short\n", 'it: "prompts/a;b/short"\n', "is not the path of a file"),
    ("it: prompts/it/short\n", 'it: "prompts/${SHELL(id)}/short"\n', "is not the path of a file"),
    ("it: prompts/it/short\n", 'it: "prompts/a\\nb/short"\n', "is not the path of a file"),
    ("ledger: ledger/acme.sqlite3", "ledger: ledger/borealis.sqlite3-wal", "files of its own"),
    ('"+390212345678":', '"_X.":', "'_X.' is not a called number"),
    ('"+390212345678":', '"default":', "'default' is not a called number"),
    ('"+390212345678":', '"h":', "'h' is not a called number"),
    ('"+390212345678":', '"+3906":', "lines.+3906: is no possible telephone number"),
    ('"+390212345678":', '"+39":', "lines.+39: is no possible telephone number"),
    ('"+493012345678":', '"+4930":', "lines.+4930: is no possible telephone number"),
    ('"+390212345678":', '"+390212345678901234":', "is no possible telephone number"),
    ('"+390212345678":', '"+abc":', "lines.+abc: is no possible telephone number"),
    ("127.0.0.1:4588", "127.0.0.1:0", "is not an address and port"),
    ("127.0.0.1:4588", "999.0.0.1:80", "is not an address and port"),
    (
        "127.0.0.1:4588",
        "192.0.2.1:4588",
        "service.listen: 192.0.2.1:4588 can be reached from other machines; write 127.0.0.1:4588, or if that"
        " is meant `exposed: true` beside it",
    ),
    ("127.0.0.1:4588", "0.0.0.0:4588", "service.listen: 0.0.0.0:4588 can be reached from other machines"),
    (
        "# metrics: 127.0.0.1:9464",
        "metrics: 0.0.0.0:9464",
        "service.metrics: 0.0.0.0:9464 can be reached from other machines",
    ),
    ("keys/agi.token", "keys/none.token", "type: informativa keys rotate --agi -c "),
    ("keys/agi.token", "informativa.yaml", "informativa.yaml does not hold a token of 64 hexadecimal digits"),
    (
        "callers: either",
        "callers: nationale",
        "'nationale' is not one of 'national', 'international' or 'either'",
    ),
    ("name: Acme S.p.A.", "name: &a Acme\n    key: *a", "is an alias (*name); write its value out"),
    ("purposes: [service]", "purposes: " + "[" * 3000, "maximum nesting depth"),
    ("listen: 127", "lisen: 127", "service.lisen: is not a setting here; did you mean listen?"),
    (
        '      full: "1"',
        "      ful: 1",
        "lines.+390212345678.keys.ful: is not a setting here; did you mean full?",
    ),
    (
        "controller: acme",
        "controller: acmee",
        "lines.+390212345678.controller: there is no controller acmee; did you mean acme?",
    ),
    (
        "- notice: privacy",
        "- notice: privcy",
        "lines.+390212345678.plan[0].notice: there is no notice privcy; did you mean privacy?",
    ),
    ("language: it", "language: italiano", "'italiano' is not a language such as `it` or `pt_BR`"),
    ("language: it", "language: fr", "notice privacy 2026-11 has no short prompt in fr, only in en, it"),
    ("time_zone: Europe/Rome", "time_zone: Rome", "'Rome' is not a time zone such as `Europe/Rome`"),
    ("time_zone: Europe/Rome", "recycled_after: soon", "'soon' is not a time such as `5 years`"),
    (
        "        when: once ",
        "      - notice: privacy #",
        "lines.+390212345678.plan[1].notice: notice privacy stands in this plan twice; keep one of them",
    ),
    ("operator: Acme", "verification: {ok: yes}\noperator: Acme", "'yes' is not one of"),
    ("region: IT", "region: UK", "UK is not a country; for the United Kingdom use GB"),
    ("when: once", "when: never", "'never' is not `once`, `always` or such as `every 12 months`"),
    (
        "sessions: 2000",
        "sessions: many",
        "valid integer, unable to parse string as an integer (here: 'many')",
    ),
    ("sessions: 2000", "sessions: 0", "greater than or equal to 1"),
    ("127.0.0.1:4588", "localhost", "'localhost' is not an address and port such as `127.0.0.1:4588`"),
    ("127.0.0.1:4588", "127.0.0.1:99999", "is not an address and port"),
    ("it: prompts/it/short\n", "it: prompts/it/shor\n", "there is no sound file prompts/it/shor.wav"),
    ("retention: 5 years", "retention: 3000 years", "is not a time such as `5 years`, 100 at most"),
    ("purposes: [service]", "purposes: []", "versions[0].purposes: is empty; at least one is needed"),
    ("purposes: [service]", "purposes: service", "versions[0].purposes: must be a list"),
    ("    key: keys/acme.key", "    keys: keys/acme.key", "controllers.acme.key: is missing"),
    ("key: keys/acme.key", "key: keys/gone.key", "type: informativa keys make acme -c informativa.yaml"),
    (
        "key: keys/borealis.key",
        "key: ./keys/acme.key",
        "is the key of acme too; give each controller its own",
    ),
    (
        "ledger: ledger/borealis",
        "ledger: ./ledger/../ledger/acme",
        "is the ledger of acme too; give each controller its own",
    ),
    (
        "ledger: ledger/borealis.sqlite3",
        "ledger: ledger/acme.db",
        "ledger/acme.log, as that of acme has; give it another name, also without its ending",
    ),
    ("ledger: ledger/borealis.sqlite3", "ledger: ledger/b.log", "is where its log goes; name it b.sqlite3"),
    ('"+493012345678":', '"0212345678":', "lines.0212345678"),
    (
        "    callers: either",
        "    callers: either\n    callers: national",
        "lines.+390212345678.callers: stands here twice",
    ),
    ("controllers:\n", "controllers: []\nothers:\n", "controllers: must hold settings of its own"),
    ("      privacy:", "\tprivacy:", "is not YAML here"),
]


@pytest.mark.parametrize(("old", "new", "message"), MISTAKES)
def test_mistake_is_told_with_its_remedy(folder: Path, old: str, new: str, message: str) -> None:
    """Each mistake is named with its place and what would be right."""
    file = edit(folder, old, new)
    mistakes = problems(file)
    assert any(message in problem for problem in mistakes), mistakes
    assert all(problem.startswith("informativa.yaml:") for problem in mistakes), mistakes


def test_line_number_of_a_mistake(folder: Path) -> None:
    """The line that is told is the one on which the mistake stands."""
    file = edit(folder, "region: DE", "regoin: DE")
    expected = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if "regoin" in text)
    assert any(problem.startswith(f"informativa.yaml:{expected}: ") for problem in problems(file))


@pytest.mark.parametrize("number", ["3906", "112", "0212345678", "sales", "+39800123456"])
def test_called_number_of_any_form(folder: Path, number: str) -> None:
    """Short codes, national numbers and names stay lines, as a trunk may write them."""
    assert number in load(edit(folder, '"+390212345678":', f'"{number}":')).spelled


def test_all_mistakes_at_once(folder: Path) -> None:
    """Two mistakes are two messages of one run, in the order of the file."""
    edit(folder, "it: prompts/it/full", "it: prompts/it/gone")
    file = edit(folder, "controller: borealis", "controller: boreals")
    mistakes = problems(file)
    assert len(mistakes) == 2
    assert "gone" in mistakes[0]
    assert "did you mean borealis" in mistakes[1]


def test_all_mistakes_at_once_whatever_they_are(folder: Path) -> None:
    """A key that stands twice, a misspelt setting, a missing one, a file that is not there, a name that there
    is not: one run tells all of them, each once, and nothing that only follows from them."""
    edit(folder, "    callers: either", "    callers: either\n    callers: either")
    edit(folder, "  listen: 127", "  lisen: 127")
    edit(folder, "operator: Acme S.p.A.", "operater: Acme S.p.A.")
    edit(folder, "    name: Acme S.p.A.", "    nam: Acme S.p.A.")
    edit(folder, "de: prompts/de/full", "de: prompts/de/gone")
    edit(folder, "- notice: privacy", "- notice: privcy")
    edit(folder, "region: DE", "regoin: DE")
    file = edit(folder, "    language: de", "    language: deutsch")
    borealis = "controllers.borealis.notices.privacy.versions[0]"
    assert [one.partition(": ")[2].partition(";")[0].partition(" (")[0] for one in problems(file)] == [
        "operator: is missing",
        "service.lisen: is not a setting here",
        "operater: is not a setting here",
        "controllers.acme.name: is missing",
        "controllers.acme.nam: is not a setting here",
        f"{borealis}.full.de: there is no sound file prompts/de/gone.wav",
        "lines.+390212345678.plan[0].notice: there is no notice privcy",
        "lines.+390212345678.callers: stands here twice",
        "lines.+493012345678.region: is missing",
        "lines.+493012345678.language: 'deutsch' is not a language such as `it` or `pt_BR`",
        "lines.+493012345678.regoin: is not a setting here",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    key: keys/acme.key", "    kei: keys/acme.key"),
        ("    ledger: ledger/acme.sqlite3", "    leger: ledger/acme.sqlite3"),
        ("    notices:\n", "    notice:\n"),
        ("            purposes: [service]", "            purpose: [service]"),
        ("              it: prompts/it/short\n", '              it: "prompts/it,short"\n'),
        ("region: DE", "regoin: DE"),
        ("lines:\n", "line:\n"),
        ("controllers:\n", "controller:\n"),
        ("retention: 5 years", "retention: for ever"),
        ("contract: {", "contrat: {"),
        ("sessions: 2000", "sessions: *x"),
        ("token: keys/agi.token", "token: keys,agi.token"),
    ],
)
def test_what_follows_from_a_mistake_is_not_told(folder: Path, old: str, new: str) -> None:
    """What is out of shape is told as that, and a sound file that is missing elsewhere beside it."""
    edit(folder, "fallback_prompt: prompts/it/short-nokey", "fallback_prompt: prompts/it/gone")
    if "*x" in new:
        edit(folder, "listen: ", "listen: &x ")
    mistakes = problems(edit(folder, old, new))
    rest = [one for one in mistakes if "no sound file prompts/it/gone.wav" not in one]
    assert len(rest) == len(mistakes) - 1
    shape = (
        "is missing",
        "is not a setting here",
        "is not the path of",
        "is not a time such as",
        "is an alias",
    )
    assert [one for one in rest if not any(sentence in one for sentence in shape)] == []
    assert rest


def test_i6_one_key_in_two_files_is_refused(folder: Path) -> None:
    """I6: two controllers with the same secret would have joinable callers, whatever the files are called."""
    (folder / "keys/borealis.key").write_text((folder / "keys/acme.key").read_text())
    assert any("is the key of acme too" in problem for problem in problems(folder / "informativa.yaml"))


def test_i6_one_ledger_under_two_names_is_refused(folder: Path) -> None:
    """I6: a hard link does not make one ledger two."""
    (folder / "ledger/acme.sqlite3").touch()
    (folder / "ledger/borealis.sqlite3").hardlink_to(folder / "ledger/acme.sqlite3")
    assert any("is the ledger of acme too" in problem for problem in problems(folder / "informativa.yaml"))


def test_i2_recording_that_asterisk_would_prefer_is_found(folder: Path) -> None:
    """I2: Asterisk inserts the channel's language into the path, so a file there would be played instead."""
    (folder / "prompts/it/en").mkdir()
    audio.write_wav(folder / "prompts/it/en/short.wav", audio.synthetic(1, seed=1))
    assert any("on a channel in language en" in problem for problem in problems(folder / "informativa.yaml"))


def test_i2_stale_format_is_found(folder: Path) -> None:
    """I2: an old recording in another format is not the same prompt."""
    (folder / "prompts/it/short.alaw").write_bytes(b"\xd5" * 16000)
    assert any("delete what is stale" in problem for problem in problems(folder / "informativa.yaml"))


def test_folder_that_the_dialplan_would_misread(folder: Path) -> None:
    """A folder with a comma in its name is refused: the dialplan would take its path apart."""
    file = folder.rename(folder.parent / "a,b") / "informativa.yaml"
    with pytest.raises(ConfigError, match="move it to a plainer one"):
        load(file)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_key_that_others_can_read_is_refused(folder: Path, mode: int) -> None:
    """A key whose mode lets anybody else read it is refused, with the command that mends it."""
    (folder / "keys/acme.key").chmod(mode)
    (problem,) = problems(folder / "informativa.yaml")
    assert "type: chmod 600 keys/acme.key" in problem


@pytest.mark.parametrize("content", ["", "abc", "00" * 31, "00" * 33, "zz" * 32])
def test_key_that_is_no_key_is_refused(folder: Path, content: str) -> None:
    """A key file must hold 32 bytes in hexadecimal; what it holds instead is not printed."""
    (folder / "keys/acme.key").write_text(content)
    (problem,) = problems(folder / "informativa.yaml")
    problem_text, _, remedy = problem.partition("; ")
    assert problem_text.endswith("does not hold a key of 64 hexadecimal digits")
    assert remedy.startswith("type: mv ")


@pytest.mark.parametrize(
    "content", [b"", b"just text", b"- a\n- b\n", b"\xff\xfe\x00", b"a: [1, 2", b"a: &x *x\n"]
)
def test_file_that_is_no_configuration(tmp_path: Path, content: bytes) -> None:
    """Empty, not a mapping, not UTF-8, not YAML: one problem that says so."""
    file = tmp_path / "informativa.yaml"
    file.write_bytes(content)
    assert problems(file)


def test_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    """Where there is no configuration the admin is told how to get one."""
    assert problems(tmp_path / "none.yaml") == [
        "none.yaml: there is no such file; name yours with -c FILE, or make one: informativa init DIR"
    ]


def test_yaml_does_not_reinterpret_what_was_written(folder: Path) -> None:
    """An unquoted number with a plus and a version that looks like a date stay what they are."""
    edit(folder, '"+390212345678":', "+390212345678:")
    file = edit(folder, 'version: "2026-11"', "version: 2026-11-01")
    assert isinstance(next(iter(yaml.safe_load(file.read_text())["lines"])), int)
    configuration = load(file)
    assert configuration.lines[0].number == "+390212345678"
    assert configuration.lines[0].plan[0].notice.versions[-1].id == "2026-11-01"


def test_long_short_notice_is_warned_about(folder: Path) -> None:
    """A short notice of more than half a minute is allowed, with a warning."""
    audio.write_wav(folder / "long.wav", audio.synthetic(31, seed=1))
    configuration = load(edit(folder, "it: prompts/it/short\n", "it: long\n"))
    (warning,) = configuration.warnings
    assert "lasts 31 s" in str(warning)


@pytest.mark.parametrize(
    ("extension", "content", "seconds"),
    [
        ("alaw", b"\xd5" * 16000, 2),
        ("ulaw", b"\xff" * 16000, 2),
        ("gsm", b"\x00" * 33 * 100, 2),
        ("g722", b"\x00" * 16000, 2),
        ("sln", b"\x00" * 32000, 2),
        ("sln16", b"\x00" * 64000, 2),
        ("sln48", b"\x00" * 192000, 2),
    ],
)
def test_headerless_formats_are_measured(
    tmp_path: Path, extension: str, content: bytes, seconds: int
) -> None:
    """Every format that Asterisk may pick is measured by its own arithmetic."""
    (tmp_path / f"prompt.{extension}").write_bytes(content)
    assert measure(tmp_path / "prompt").seconds == seconds


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\0\0\0\0WAVEfmt ", os.urandom(500)])
def test_broken_sound_file_is_told(tmp_path: Path, content: bytes) -> None:
    """A file that is no sound is a problem, not a prompt of no length."""
    (tmp_path / "prompt.wav").write_bytes(content)
    with pytest.raises(PromptError, match=r"prompt\.wav is no usable sound file"):
        measure(tmp_path / "prompt")


def test_wrong_rate_says_how_to_convert(tmp_path: Path) -> None:
    """A recording that Asterisk would not play comes with the command that makes a prompt of it."""
    sound = audio.synthetic(1, seed=1)
    audio.write_wav(tmp_path / "prompt.wav", sound)
    data = bytearray((tmp_path / "prompt.wav").read_bytes())
    data[24:28] = (44_100).to_bytes(4, "little")
    (tmp_path / "prompt.wav").write_bytes(data)
    with pytest.raises(PromptError, match=r"44100 Hz.*type: informativa prompts add .*prompt\.wav"):
        measure(tmp_path / "prompt")


def test_plan_in_words(folder: Path) -> None:
    """`once`, `always` and `every …` are understood, and so are dates, languages, keys and supplements."""
    edit(folder, "when: once", "when: every 6 months")
    edit(
        folder,
        '          - version: "2026-11"',
        '          - version: "2025"\n            purposes: [service]\n'
        "            short: {it: prompts/it/short}\n"
        '          - version: "2026-11"\n            starts: 2026-11-01\n'
        '            supplements: {"2025": {it: prompts/it/full}}',
    )
    file = edit(
        folder, "    language: it\n", "    language: it\n    languages: {GB: en}\n    fallback: [en]\n"
    )
    line = load(file).lines[0]
    (step,) = line.plan
    assert step.repeat_after == Period(6)
    assert [version.id for version in step.notice.versions] == ["2025", "2026-11"]
    assert step.notice.versions[1].starts == datetime(2026, 11, 1, tzinfo=ZoneInfo("Europe/Rome"))
    assert step.notice.versions[1].supplements["2025"]["it"].path.endswith("it/full")
    assert (line.languages, line.fallback) == ({"GB": "en"}, ("en",))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("when: once", "when: every 0 days", "is not `once`, `always` or such as `every 12 months`"),
        (
            "    region: IT",
            "    languages: {FR: fr}\n    region: IT",
            "languages.FR: notice privacy 2026-11 has no short",
        ),
        ("    region: IT", "    fallback: [de]\n    region: IT", "has no short prompt in de"),
        ('      full: "1"', '      full: "1"\n      skip: "1"', "one key cannot mean two things"),
        ("purposes: [service]", "purposes: [service]\n            starts: soon", "'soon' is not a date"),
        (
            "purposes: [service]",
            'purposes: [service]\n            supplements: {"2025": {it: prompts/it/full}}',
            "there is no version before it 2025",
        ),
        ("controllers:", "shared_numbers: [0244]\ncontrollers:", "'0244' is not a number such as"),
    ],
)
def test_mistakes_in_a_plan(folder: Path, old: str, new: str, message: str) -> None:
    """Each mistake in a plan is named with what would be right."""
    mistakes = problems(edit(folder, old, new))
    assert any(message in problem for problem in mistakes), mistakes


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        ("service_data_only: true", "2007"),
        ("answer: false", "nobody hears"),
        ("trust_restricted: true", "asked"),
    ],
)
def test_settings_to_think_about_warn(folder: Path, setting: str, word: str) -> None:
    """What the law or the network makes delicate is allowed, with a warning that says why."""
    configuration = load(edit(folder, "    region: IT", f"    {setting}\n    region: IT"))
    (warning,) = configuration.warnings
    assert word in str(warning)


@pytest.mark.parametrize(
    ("recycled", "warned"),
    [("6 years", True), ("5 years", True), ("60 months", True), ("1820 days", False), ("2 years", False)],
)
def test_recycled_after_that_never_applies_warns(folder: Path, recycled: str, warned: bool) -> None:
    """With a retention of five years nobody is known for longer, and no number is doubted."""
    warnings = load(edit(folder, "# recycled_after: 2 years", f"recycled_after: {recycled}")).warnings
    assert ["recycled_after: never applies: after so long" in str(one) for one in warnings] == [True] * warned


BLOCK = """    outsourcing:
      processor: Acme S.p.A.
      contract: {reference: "2026/12", date: 2026-10-01}
      analysis: {reference: "2026/11", date: 2026-09-15}
"""


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (BLOCK, "", "is served by Acme S.p.A., so it needs this block"),
        ("date: 2026-10-01", "date: 2999-01-01", "the contract is of a day that is still to come"),
        ("date: 2026-09-15", "date: 2026-10-02", "the analysis is of 2026-10-02, and so not of a day before"),
        ("date: 2026-09-15", "date: 2026-10-01", "the analysis is of 2026-10-01, and so not of a day before"),
        ("processor: Acme S.p.A.", "processor: Call Center S.r.l.", "but Acme S.p.A. answers the calls"),
        (
            "processor: Acme S.p.A.",
            "processor: Acme",
            "look like the same company: write the same name in both",
        ),
        ("name: Borealis GmbH", "name: Acme", "look like the same company; write the same name in both; or"),
        (
            "operator: Acme S.p.A.",
            "operator: Acme Holding S.p.A.",
            "Acme S.p.A. and the operator, Acme Holding S.p.A., are not the same name, but look like",
        ),
        (
            "operator: Acme S.p.A.",
            "operator: Call Center S.r.l.",
            "Acme S.p.A. is served by Call Center S.r.l.",
        ),
    ],
)
def test_l10_controller_that_another_company_serves_needs_its_papers(folder, old, new, sentence) -> None:
    """The Garante's measure of 15 November 2007: without contract and an analysis before it, with whoever
    answers, that controller is refused."""
    if new == "name: Acme":
        edit(folder, BLOCK, "")
    configuration = load(edit(folder, old, new))
    assert any(sentence in str(problem) for problem in configuration.refused), configuration.refused
    refused = {name for name, given in configuration.controllers.items() if given.refused}
    assert refused == ({"acme", "borealis"} if old.startswith("operator") else {"borealis"})


PLACEHOLDERS = [
    *("put its number here", "PUT THE NUMBER HERE!", "TODO", "to be defined", "…", "xxx", "n/a", "N.D."),
    *(
        "tbd.",
        "???",
        "da definire",
        "Da compilare.",
        "inserire qui il riferimento",
        "-",
        "\u200b",
        "<number>",
    ),
    *("[contract no.]", "0000", "contract", "numero contratto", "keine", "noch offen", "lorem ipsum"),
    *("CHANGE_ME", "none", "segue", "n. ___/2026", "contract n. … of 2026", "XX/2026", "replace me"),
    *("contract number goes here", "not yet signed", "bozza", "in attesa di firma", "see below", "idem"),
]
REFERENCES = [
    *("2026/12", "C-1", "1", "prot. 123", "DPA-2026-001", "archive/borealis.pdf", "contract 7", "n. a-12"),
    *("Contratto quadro Rossi", "https://example.com/contracts/12", "contract of 2026", "XX/17/2026"),
]


@pytest.mark.parametrize("paper", ["contract", "analysis"])
@pytest.mark.parametrize("reference", PLACEHOLDERS)
def test_l10_placeholder_is_no_paper(folder: Path, reference: str, paper: str) -> None:
    """The Garante's measure of 15 November 2007: a reference that does not say which paper it is keeps that
    controller from going live."""
    known = {"contract": "2026/12", "analysis": "2026/11"}[paper]
    configuration = load(edit(folder, f'reference: "{known}"', f'reference: "{reference}"'))
    (problem,) = configuration.refused
    assert problem.key == f"controllers.borealis.outsourcing.{paper}.reference"
    assert "does not say which paper" in str(problem.message)
    assert [bool(controller.refused) for controller in configuration.controllers.values()] == [False, True]


@pytest.mark.parametrize("reference", REFERENCES)
def test_l10_reference_of_any_form_is_one(folder: Path, reference: str) -> None:
    """The Garante's measure of 15 November 2007: how a company numbers or files its papers is its own
    affair."""
    assert load(edit(folder, 'reference: "2026/12"', f'reference: "{reference}"')).refused == ()


def test_l10_template_is_not_live_until_it_is_filled_in(tmp_path: Path) -> None:
    """The Garante's measure of 15 November 2007: what `init` ships for a company served by another names no
    papers, so that one is not live."""
    init(tmp_path / "etc")
    configuration = load(tmp_path / "etc/informativa.yaml")
    assert [problem.key for problem in configuration.refused] == [
        "controllers.borealis.outsourcing.contract.reference",
        "controllers.borealis.outsourcing.analysis.reference",
    ]
    assert not configuration.controllers["acme"].refused


def test_one_name_however_it_is_written(folder: Path) -> None:
    """Capitals, points and spaces make no other company of the operator."""
    edit(folder, "operator: Acme S.p.A.", "operator: ACME  SpA")
    assert load(folder / "informativa.yaml").refused == ()


def test_papers_are_checked_for_what_they_must_say(folder: Path) -> None:
    """A block that lacks a date or a reference is a mistake like any other."""
    mistakes = problems(edit(folder, '      contract: {reference: "2026/12", date: 2026-10-01}\n', ""))
    assert any("controllers.borealis.outsourcing.contract: is missing" in problem for problem in mistakes)


def with_lookup(folder: Path, **settings: object) -> Path:
    """The configuration with one look-up, `crm`, for the first controller."""
    own = yaml.safe_dump({"crm": {"notice": "privacy"} | settings}, default_flow_style=True, width=10**6)
    return edit(folder, "    retention: 5 years", f"    lookups: {own.strip()}\n    retention: 5 years")


def private(folder: Path, name: str, text: str, mode: int = 0o600) -> str:
    """A file with a secret beside the configuration; its name."""
    (folder / name).write_text(text)
    (folder / name).chmod(mode)
    return name


def test_lookups(folder: Path) -> None:
    """A URL with its token and a query with its driver's arguments become what a register is made from."""
    token = private(folder, "token", "s3cret\n")
    file = with_lookup(folder, url="https://crm.example/{number}", token=token, milliseconds=300)
    (lookup,) = load(file).controllers["acme"].lookups
    assert (lookup.id, lookup.notice, lookup.kind, lookup.seconds) == ("crm", "privacy", "contract", 0.3)
    assert (lookup.question, lookup.token) == ("https://crm.example/{number}", "s3cret")
    assert "s3cret" not in repr(lookup)


def test_lookup_in_a_database(folder: Path) -> None:
    """The driver's arguments come from a file of their own, for there is a password in it."""
    connect = private(folder, "db.yaml", "database: /srv/customers.sqlite3\npassword: s3cret\n")
    query = "SELECT date FROM told WHERE phone = {number}"
    file = with_lookup(folder, query=query, driver="sqlite3", connect=connect, by="website")
    (lookup,) = load(file).controllers["acme"].lookups
    assert (lookup.kind, lookup.driver, lookup.question) == ("website", "sqlite3", query)
    assert lookup.arguments == {"database": "/srv/customers.sqlite3", "password": "s3cret"}
    assert "s3cret" not in repr(lookup)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "lookups.crm: needs either `url` or `query`"),
        ({"url": "https://crm/{number}", "query": "SELECT {number}"}, "needs either `url` or `query`"),
        ({"url": "ftp://crm/{number}"}, "is not a URL such as"),
        ({"url": "https://crm/"}, "crm.url: must have {number} (E.164) or {customer}"),
        ({"url": "https://crm/{phone}"}, "crm.url: must have {number} (E.164) or {customer}"),
        ({"url": "https://crm/{number}", "driver": "sqlite3"}, "go with `query`"),
        ({"url": "https://crm/{number}", "token": "gone"}, "there is no file gone; put the token there"),
        ({"query": "DELETE FROM told WHERE phone = {number}"}, "is not one SELECT"),
        ({"query": "SELECT {number}; DROP TABLE told"}, "is not one SELECT"),
        ({"query": "SELECT {number}", "driver": "sqlite3"}, "needs `driver` (a Python module) and `connect`"),
        ({"query": "SELECT {number}", "driver": "nosuchdriver", "connect": "x"}, "no Python module nosuch"),
        ({"query": "SELECT {number}", "driver": "__main__", "connect": "x"}, "no Python module __main__"),
        ({"query": "SELECT {number}", "driver": "sqlite3", "connect": "gone"}, "there is no file gone"),
        ({"query": "SELECT {number}", "driver": "sqlite3", "connect": "open"}, "type: chmod 600 open"),
        ({"query": "SELECT {number}", "driver": "sqlite3", "connect": "list"}, "does not hold settings"),
        ({"url": "https://crm/{number}", "notice": "privcy"}, "did you mean privacy?"),
        ({"url": "https://crm/{number}", "by": "phone"}, "is not one of"),
        ({"url": "https://crm/{number}", "milliseconds": 5000}, "less than or equal to 2000"),
    ],
)
def test_lookup_mistake(folder: Path, settings: dict[str, object], message: str) -> None:
    """Each mistake in a look-up is named with what would be right."""
    private(folder, "open", "database: x", 0o644)
    private(folder, "list", "- x")
    mistakes = problems(with_lookup(folder, **settings))
    assert any(message in problem for problem in mistakes), mistakes


def test_lookup_in_clear(folder: Path) -> None:
    """Numbers that would travel over a network in clear are warned about; on this machine they may."""
    warnings = load(with_lookup(folder, url="http://crm.example/{number}")).warnings
    assert ["callers' numbers travel in clear" in str(warning.message) for warning in warnings] == [True]
    file = edit(folder, "http://crm.example/", "http://127.0.0.1:8080/")
    assert load(file).warnings == ()


def parsed_file(folder: Path) -> Path:
    """Return what the text of the configuration came to, as it is kept for scripts."""
    return folder / ".informativa.yaml.parsed"


@pytest.mark.slow
def test_what_is_kept_for_scripts_is_the_same_configuration(folder: Path) -> None:
    """A text that was read before comes to the same objects without pydantic, warnings and lines included."""
    private(folder, "db.yaml", "database: x")
    query = "SELECT date FROM told WHERE phone = {number}"
    with_lookup(folder, query=query, driver="sqlite3", connect="db.yaml", by="website")
    file = edit(folder, "    callers: either", "    callers: either\n    trust_restricted: true")
    first = load(file, keep=True)
    assert first.warnings
    assert parsed_file(folder).stat().st_mode & 0o777 == 0o644
    secret = (folder / "keys/acme.key").read_text().strip()
    assert secret.encode() not in parsed_file(folder).read_bytes()
    code = (
        "import sys; from pathlib import Path; from informativa.config import load;"
        f"print(load(Path({str(file)!r})).warnings, 'pydantic' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == f"{first.warnings} False\n"
    assert load(file) == first
    assert unusable(file) == (parsed_file(folder), NOTHING)


def test_what_is_kept_needs_no_class_of_ours(folder: Path) -> None:
    """Words of our enumerations are kept as words: Python 3.11.2 pickles them in a way of its own, by
    `getattr`, which what reads them refuses."""
    file = edit(folder, "    callers: either", "    callers: national")
    first = load(file, keep=True)
    named = {text for _code, text, _at in pickletools.genops(parsed_file(folder).read_bytes()[32:])}
    assert {"NumberForm", "national"} <= named
    assert not {"informativa.model.words", "builtins", "getattr"} & named
    again = load(file)
    assert again == first
    assert [type(line.callers) for line in again.lines] == [NumberForm] * 2


def test_every_enumeration_of_the_settings_can_be_kept() -> None:
    """Each is found again by the name of its class, whatever that is."""
    enumerations = {
        value for value in vars(schema).values() if isinstance(value, type) and issubclass(value, Enum)
    }
    assert len(enumerations) >= 3
    assert all(parsed_cache._WORDS[words.__name__] is words for words in enumerations - {Enum, StrEnum})


def test_what_cannot_be_kept_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that what is kept cannot hold is a defect that `check` and the service's log tell; nothing is
    kept then, and the configuration is good."""
    monkeypatch.setattr(parsed_cache, "_WORDS", {})
    (warned,) = load(folder / "informativa.yaml", keep=True).warnings
    assert "every script works this out anew" in str(warned)
    assert "KeyError('NumberForm')" in str(warned)
    assert not parsed_file(folder).exists()


def test_changed_text_is_read_anew(folder: Path) -> None:
    """What is kept of one text says nothing of another, and problems keep their lines either way."""
    load(folder / "informativa.yaml", keep=True)
    file = edit(folder, "name: Acme S.p.A.", "name: Acme S.r.l.")
    edit(folder, "operator: Acme S.p.A.", "operator: Acme S.r.l.")
    assert load(file).controllers["acme"].name == "Acme S.r.l."
    load(file, keep=True)
    (folder / "keys/acme.key").chmod(0o644)
    (mistake,) = problems(file)
    number = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if "keys/acme.key" in text)
    assert mistake.startswith(f"informativa.yaml:{number}: ")


def test_program_of_another_commit_reads_the_text_anew(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a program of the same version, but with other settings, left beside the configuration is passed
    over."""
    file = folder / "informativa.yaml"
    load(file, keep=True)
    assert parsed_cache.recall(file, file.read_text()) is not None
    (tmp_path / "schema.py").write_text("class Settings: ...\n")
    monkeypatch.setattr(parsed_cache, "_SCHEMA", tmp_path / "schema.py")
    assert parsed_cache.recall(file, file.read_text()) is None


def signed(file: Path, content: bytes) -> bytes:
    """Sign it as somebody would who knows how."""
    return parsed_cache._digest(file.read_text(), content) + content


class Planted:
    """An object that a pickle may not make."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch planted",)


@pytest.mark.parametrize("content", ["planted", "bit", "empty", "written by others"])
def test_what_is_kept_is_not_trusted_blindly(folder: Path, content: str) -> None:
    """A spoilt or foreign file is passed over, and runs nothing."""
    file = folder / "informativa.yaml"
    first = load(file, keep=True)
    good = parsed_file(folder).read_bytes()
    spoilt = {
        "planted": signed(file, pickle.dumps(Planted())),
        "bit": good[:200] + bytes([good[200] ^ 1]) + good[201:],
        "empty": b"",
        "written by others": good,
    }
    parsed_file(folder).write_bytes(spoilt[content])
    parsed_file(folder).chmod(0o666 if content == "written by others" else 0o644)
    assert parsed_cache.recall(file, file.read_text()) is None
    reasons = {
        "planted": "UnpicklingError",
        "written by others": "others than its owner and root can write it",
    }
    _place, reason = unusable(file)
    assert reasons.get(content, "") in str(reason)
    assert bool(reason) == (content in reasons)
    assert load(file) == first
    assert not Path("planted").exists()


def test_i8_addresses_that_others_reach_are_meant_and_told(folder: Path) -> None:
    """I8: with `exposed: true` the service may listen elsewhere, with a word of warning for each address, and
    not without a token."""
    file = edit(folder, "127.0.0.1:4588", "0.0.0.0:4588\n  exposed: true\n  metrics: 0.0.0.0:9464")
    configuration, wrong = inspect(file)
    warnings = [str(warning) for warning in configuration.warnings if "other machines" in str(warning)]
    assert (len(wrong), len(warnings)) == (0, 2)
    assert (
        "service.listen: 0.0.0.0:4588" in warnings[0],
        "service.metrics: 0.0.0.0:9464" in warnings[1],
    ) == (
        True,
        True,
    )
    (problem,) = problems(edit(folder, "  token: keys/", "  # token: keys/"))
    assert "service.listen: 0.0.0.0:4588 can be reached from other machines, so it needs a `token`" in problem


def test_another_boxs_service_is_an_address_and_needs_the_token_of_all(folder: Path) -> None:
    """`service.elsewhere` goes into the dialplan, so nothing but an address is taken; a box knows Asterisk of
    another by the token."""
    file = edit(folder, "  token: keys/", "  elsewhere: hagi://notice.example\n  token: keys/")
    assert load(file).elsewhere == "hagi://notice.example"
    (problem,) = problems(edit(folder, "  token: keys/", "  # token: keys/"))
    assert "service.elsewhere: needs a `token` beside it" in problem
    edit(folder, "  # token: keys/", "  token: keys/")
    for wrong in (
        "hagi://a,b",
        "hagi://a)",
        "agi://10.0.0.2",
        "agi://10.0.0.2:4588/x",
        "http://a:1",
        "hagi://",
    ):
        file.write_text(re.sub("elsewhere: .*", f"elsewhere: '{wrong}'", file.read_text()))
        (problem,) = problems(file)
        assert "`hagi://` and a name with SRV records" in problem


def test_configuration_without_a_token_goes_on(folder: Path) -> None:
    """A configuration of before there was a token is served, with a warning that says what to type."""
    file = edit(folder, "  token: keys/agi.token", "  # token: keys/agi.token")
    configuration = load(file)
    assert configuration.tokens == ()
    (sentence,) = [str(warning) for warning in configuration.warnings if "`token" in str(warning)]
    assert "write `token: keys/agi.token` under it, then type: informativa keys rotate --agi -c " in sentence


def test_token_and_the_one_before_it(folder: Path) -> None:
    """The token is read with those that were put away, the newest first; none of them shows when printed."""
    (folder / "keys/agi.token").write_text("a" * 64 + "\n")
    for day, digit in (("20260101-000000", "b"), ("20260102-000000", "c")):
        old = folder / f"keys/agi.token.retired-{day}"
        old.write_text(digit * 64)
        old.chmod(0o600)
    configuration = load(folder / "informativa.yaml")
    assert configuration.tokens == ("a" * 64, "c" * 64, "b" * 64)
    assert not any(token in repr(configuration) for token in configuration.tokens)
    assert sum("once the dialplan is reloaded, type: rm " in str(one) for one in configuration.warnings) == 2


def test_token_that_others_can_read_is_refused(folder: Path) -> None:
    """As with every secret, the mode of the token's file is looked at."""
    (folder / "keys/agi.token").chmod(0o640)
    (problem,) = problems(folder / "informativa.yaml")
    assert "keys/agi.token (mode 0640); type: chmod 600" in problem


def test_roles_that_need_a_second_factor(folder: Path) -> None:
    """Those that say so; by themselves none does, and another word is a mistake."""
    file = folder / "informativa.yaml"
    assert load(file).web.second_factor == frozenset()
    text = file.read_text()
    file.write_text(f"{text}web: {{second_factor: {{admin: required, reader: optional}}}}\n")
    assert load(file).web.second_factor == {Role.ADMIN}
    file.write_text(f"{text}web: {{second_factor: {{admin: often}}}}\n")
    with pytest.raises(ConfigError, match=r"web\.second_factor\.admin"):
        load(file)
