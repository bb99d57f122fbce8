"""`informativa dialplan install` on the folders that an admin may have."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from commands import run
from informativa.asterisk.extensions_conf import effective, read
from informativa.model.errors import InformativaError
from informativa.operations import dialplan_install
from informativa.operations.dialplan import freepbx_context
from informativa.operations.dialplan_install import CALL, CustomDestination, DialplanInstalled
from informativa.operations.doctor import port_owner
from informativa.views.documents import document
from informativa.views.messages import ENGLISH, language
from informativa.views.text import dialplan as view
from lab.office import without_privileges

BIN = Path(sys.executable).parent
LINE = "#tryinclude informativa.conf"
# As FreePBX lays it: extensions.conf includes what it writes itself, and what is the admin's.
FREEPBX = {
    "extensions.conf": ";---- written by FreePBX ----;\n#include extensions_override_freepbx.conf\n"
    "#include extensions_additional.conf\n#include extensions_custom.conf\n[from-pstn]\ninclude => ext-did\n",
    "extensions_additional.conf": "[ext-did]\nexten => s,1,Hangup()\n\n;--== end of [ext-did] ==--;\n",
    "extensions_custom.conf": "[from-internal-custom]\nexten => 1234,1,Hangup()\n",
}


@pytest.fixture
def asterisk(tmp_path: Path) -> Path:
    """Asterisk's folder with an extensions.conf of one context."""
    (tmp_path / "asterisk").mkdir()
    return lay(tmp_path / "asterisk", {"extensions.conf": "[from-trunk]\nexten => _X!,1,Queue(care)\n"})


def lay(folder: Path, files: dict[str, str]) -> Path:
    """Write these files into a folder."""
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def install(
    folder: Path, asterisk: Path, *more: str, prefix: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Type the command; under another command, such as one that takes rights away, it is really started."""
    if not prefix:
        return run("dialplan", "install", "-c", folder / "informativa.yaml", "--to", asterisk, *more)
    command = [*prefix, BIN / "informativa", "dialplan", "install", "-c", folder / "informativa.yaml"]
    return subprocess.run(
        [*command, "--to", asterisk, *more], capture_output=True, text=True, timeout=60, check=False
    )


def output_of(folder: Path, asterisk: Path, *more: str) -> str:
    """Return the output of a successful install."""
    completed = install(folder, asterisk, *more)
    assert (completed.returncode, completed.stderr) == (0, "")
    return completed.stdout


def facts(folder: Path, asterisk: Path, *more: str) -> dict[str, Any]:
    """The same for programs."""
    document: dict[str, Any] = json.loads(output_of(folder, asterisk, "--json", *more))
    return document


def line_of(file: Path, line: int) -> dict[str, Any]:
    """A line of a file, for programs."""
    return {"file": str(file), "line": line}


def refused(folder: Path, asterisk: Path, **more: Any) -> str:
    """Return the one line of a refused install."""
    completed = install(folder, asterisk, **more)
    assert (completed.returncode, completed.stdout, completed.stderr.count("\n")) == (1, "", 1)
    return completed.stderr


def test_writes_its_own_file_alone_and_shows_the_line(folder: Path, asterisk: Path) -> None:
    """One file is new, no other changed; the line to add, the call and the reload are shown."""
    files_before = {file.name: file.read_bytes() for file in asterisk.iterdir()}
    shown = output_of(folder, asterisk)
    printed = run("dialplan", "-c", folder / "informativa.yaml")
    after = {file.name: file.read_bytes() for file in asterisk.iterdir()}
    assert after == files_before | {"informativa.conf": printed.stdout.encode()}
    for line in (
        f"end of {asterisk}/extensions.conf",
        f"\n{LINE}\n",
        "GosubIf(",
        "asterisk -rx 'dialplan reload'",
    ):
        assert line in shown


def test_again_after_the_line_was_added(folder: Path, asterisk: Path) -> None:
    """Run again, it says that all is there and where; after a change of the configuration it writes anew."""
    output_of(folder, asterisk)
    extensions = asterisk / "extensions.conf"
    extensions.write_text(f"{extensions.read_text()} same => n,Gosub(informativa,s,1(${{EXTEN}}))\n{LINE}\n")
    document = facts(folder, asterisk)
    assert (document["written"], document["add"], document["warnings"]) == (False, None, [])
    assert (document["called"], document["included"]) == ([line_of(extensions, 3)], [line_of(extensions, 4)])
    shown = output_of(folder, asterisk)
    assert "up to date" in shown
    assert LINE not in shown
    config = folder / "informativa.yaml"
    config.write_text(config.read_text().replace("127.0.0.1:4588", "127.0.0.1:4999"))
    assert facts(folder, asterisk)["written"]
    assert "4999" in (asterisk / "informativa.conf").read_text()


def test_dry_run_writes_nothing(folder: Path, asterisk: Path) -> None:
    """--dry-run says the same and leaves the folder as it is."""
    document = facts(folder, asterisk, "--dry-run")
    assert (document["written"], document["up_to_date"], document["add"]) == (False, False, LINE)
    assert "would be written" in output_of(folder, asterisk, "--dry-run")
    assert [file.name for file in asterisk.iterdir()] == ["extensions.conf"]


@pytest.mark.parametrize("option", ["", "--freepbx"])
def test_freepbx(folder: Path, asterisk: Path, option: str) -> None:
    """On FreePBX's tree, found by itself or named, the lines are for extensions_custom.conf, with what to
    enter in its web interface; once they are there, that alone is shown."""
    files = FREEPBX if not option else {"extensions.conf": FREEPBX["extensions.conf"]}
    lay(asterisk, files)
    more = (option,) if option else ()
    shown = output_of(folder, asterisk, *more)
    custom = asterisk / "extensions_custom.conf"
    for line in (f"end of {custom}", freepbx_context(), LINE, "informativa-freepbx,s,1", "Return       Yes"):
        assert line in shown
    custom.write_text(f"{FREEPBX['extensions_custom.conf']}\n{freepbx_context()}\n\n{LINE}\n")
    document = facts(folder, asterisk, *more)
    assert (document["add"], document["included"]) == (
        None,
        [line_of(custom, len(custom.read_text().splitlines()))],
    )
    assert document["custom_destination"] == {"target": "informativa-freepbx,s,1", "returns": True}


def test_issabel(folder: Path, asterisk: Path) -> None:
    """Its admin gets no target that returns, but the page that shows what is right there."""
    (asterisk / "extensions_additional.conf").write_text("")
    (asterisk / "issabelpbx.conf").write_text("")
    shown = output_of(folder, asterisk)
    assert "Issabel's Custom Destinations do not return" in shown
    assert "Admin > Custom Destinations" not in shown
    assert json.loads(output_of(folder, asterisk, "--json"))["custom_destination"] is None


def test_line_as_a_comment_does_not_count(folder: Path, asterisk: Path) -> None:
    """The line commented out, by `;` or in a block, is still to be added, and one is told where it is."""
    extensions = asterisk / "extensions.conf"
    extensions.write_text(f"[a]\n; {LINE}\n;--\n{LINE}\n--;\nexten => s,1,NoOp(a\\;b)\n")
    document = facts(folder, asterisk)
    assert (document["add"], document["included"]) == (LINE, [])
    assert document["commented_out"] == [line_of(extensions, 2), line_of(extensions, 4)]
    assert "as a comment" in output_of(folder, asterisk)


def test_includes_are_followed(folder: Path, asterisk: Path) -> None:
    """It is found in an included file, by a wildcard, in quotes; a circle ends; a second time is told."""
    (asterisk / "parts").mkdir()
    lay(
        asterisk,
        {
            "extensions.conf": '#include "parts/*.conf"\n#tryinclude missing.conf\n#exec /bin/true\n',
            "parts/a.conf": "#include <extensions.conf>\n  #tryinclude infor*.conf ; ours\n",
            "parts/b.conf": f'#include "{asterisk}/informativa.conf"\n[informativa]\nexten => s,1,NoOp()\n',
        },
    )
    document = facts(folder, asterisk)
    assert document["included"] == [
        line_of(asterisk / "parts/a.conf", 2),
        line_of(asterisk / "parts/b.conf", 1),
    ]
    for place in ("b.conf:1 includes it once more", "b.conf:2 has a context", "missing.conf (No such"):
        assert place in "\n".join(document["warnings"])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere", ["There is no folder", "--to DIR"]),
        ("file", ["There is no folder", "--to DIR"]),
        ("empty", ["no extensions.conf", "--to DIR"]),
    ],
)
def test_wrong_folder(folder: Path, tmp_path: Path, name: str, words: list[str]) -> None:
    """A folder that is not Asterisk's is not changed."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    message = refused(folder, tmp_path / name)
    for word in (*words, name):
        assert word in message
    assert not list((tmp_path / "empty").iterdir())


def state(file: Path) -> tuple[int, ...]:
    """Return the file's status, which changes when it is replaced, written or given away."""
    status = file.lstat()
    return status.st_ino, status.st_mode, status.st_uid, status.st_mtime_ns, status.st_ctime_ns


@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "theirs", "empty", "pipe"])
def test_a_file_that_is_not_ours_is_left_alone(folder: Path, asterisk: Path, kind: str) -> None:
    """Whatever has the file's name and was not made by informativa is named and not touched."""
    file, other = asterisk / "informativa.conf", asterisk / "other"
    if kind == "link":
        other.write_text("; informativa: a link leads here")
    if kind in ("link", "dangling"):
        file.symlink_to(other)
    elif kind == "folder":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(file)
    else:
        file.write_text("[mine]\n" if kind == "theirs" else "")
    state_before = state(file)
    message = refused(folder, asterisk)
    assert str(file) in message
    assert re.search(r"Type: mv \S+ \S+\.aside, .*dialplan -c \S+ -o FILE", message)
    assert state(file) == state_before
    assert not other.exists() or kind == "link"


@pytest.mark.slow
def test_folder_that_cannot_be_written(folder: Path, asterisk: Path) -> None:
    """One who may not write there is told so, by --dry-run too, and nothing else is said."""
    asterisk.chmod(0o555)
    for more in ((), ("--dry-run",)):
        ran = install(folder, asterisk, *more, prefix=tuple(without_privileges()))
        assert (ran.returncode, ran.stdout) == (1, "")
        assert "cannot be written" in ran.stderr
    asterisk.chmod(0o755)


@pytest.mark.slow
def test_file_that_cannot_be_read_is_named(folder: Path, asterisk: Path) -> None:
    """An included file that one may not read is a warning: the line may be in there."""
    lay(asterisk, {"extensions.conf": "#include secret.conf\n", "secret.conf": LINE})
    (asterisk / "secret.conf").chmod(0)
    ran = install(folder, asterisk, prefix=tuple(without_privileges()))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "secret.conf (Permission denied) could not be read" in ran.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_root_writes_it_for_the_owner_of_extensions_conf(folder: Path, asterisk: Path) -> None:
    """Installed by root, the file belongs to Asterisk's user and group as extensions.conf does; also when
    extensions.conf is a link, as FreePBX lays it."""
    real = asterisk.parent / "core.conf"
    (asterisk / "extensions.conf").rename(real)
    (asterisk / "extensions.conf").symlink_to(real)
    os.chown(real, 65534, 12345)
    output_of(folder, asterisk)
    status = (asterisk / "informativa.conf").stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (65534, 12345, 0o640)
    assert facts(folder, asterisk)["owner"] == "nobody:12345"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_secret_of_roots_folder_can_be_read_by_asterisk(folder: Path, asterisk: Path) -> None:
    """If extensions.conf is root's and readable by all, Asterisk may run as another user: then our file,
    which is not readable by all, belongs to the ledgers' owner."""
    os.chown(folder / "ledger", 4242, 4243)
    output_of(folder, asterisk)
    status = (asterisk / "informativa.conf").stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (4242, 4243, 0o640)


def test_file_that_all_may_read_is_shut(folder: Path, asterisk: Path) -> None:
    """A file of before that is as it should be but for its mode is written anew."""
    output_of(folder, asterisk)
    (asterisk / "informativa.conf").chmod(0o644)
    assert facts(folder, asterisk)["written"]
    assert (asterisk / "informativa.conf").stat().st_mode & 0o777 == 0o640
    assert not facts(folder, asterisk)["written"]


@pytest.mark.parametrize(
    ("port", "sign", "name"),
    [
        (4573, "asterisk/extensions_additional.conf", "FreePBX (core-fastagi)"),
        (4573, "freepbx.conf", "FreePBX (core-fastagi)"),
        (4573, "wazo-agid", "Wazo (wazo-agid)"),
        (4577, "astguiclient.conf", "VICIdial (FastAGI_log.pl)"),
        (4588, "asterisk/extensions_additional.conf", ""),
        (4573, "", ""),
    ],
)
def test_port_of_another_programs_server(
    folder: Path, asterisk: Path, port: int, sign: str, name: str
) -> None:
    """On a machine that has FreePBX, Wazo or VICIdial their FastAGI port is told as theirs, nowhere else."""
    config = folder / "informativa.yaml"
    config.write_text(config.read_text().replace("127.0.0.1:4588", f"127.0.0.1:{port}"))
    if sign:
        (asterisk.parent / sign).touch()
    warnings = [warning for warning in facts(folder, asterisk)["warnings"] if "is on this machine" in warning]
    warning_start = (
        f"127.0.0.1:{port} is the port of {name}, which is on this machine: one of the two dies, or gets"
    )
    assert [warning.partition(" the other's calls")[0] for warning in warnings] == (
        [warning_start] if name else []
    )


def test_server_of_freepbx_that_runs(tmp_path: Path) -> None:
    """A server that is seen running is told by its command, wherever its files are."""
    assert port_owner.owner(4573, tmp_path / "asterisk") == ""
    waits = [
        sys.executable,
        "-c",
        "print(flush=True); input()",
        "/var/www/html/admin/modules/core/node/fastagi-server.js",
    ]
    with subprocess.Popen(waits, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout
        server.stdout.readline()  # the kernel tells a command only some time after it was started
        assert port_owner.owner(4573, tmp_path / "asterisk") == "FreePBX (core-fastagi)"
        assert port_owner.owner(4577, tmp_path / "asterisk") == ""


def test_configuration_before_or_after_the_subcommand(folder: Path, asterisk: Path) -> None:
    """`dialplan -c FILE install` is the same as `dialplan install -c FILE`; -o with it is refused."""
    typed = ("dialplan", "-c", folder / "informativa.yaml")
    ran = run(*typed, "install", "--to", asterisk)
    assert (ran.returncode, ran.stderr) == (0, "")
    ran = run(*typed, "-o", "x", "install")
    assert (ran.returncode, "--to DIR" in ran.stderr) == (1, True)


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("a ; b", ["a"]),
        (r"a\;b ; c", [r"a\;b"]),
        ("a ;-- b --; c", ["a  c"]),
        (";---- a ----;\nb", ["", "b"]),
        (";--== end of [a] ==--;\nb", ["", "b"]),
        ("a ;-- b\nc ; d\n;-- e --; f\n--; g", ["a", "", "", "g"]),
    ],
)
def test_comments_as_asterisk_takes_them(written: str, taken: list[str]) -> None:
    """`;`, blocks, blocks within blocks, rulers of dashes and FreePBX's end marks."""
    assert [live for _number, _raw, live in effective(written.splitlines())] == taken


def test_the_file_itself_is_not_read(tmp_path: Path) -> None:
    """The lines of informativa.conf count neither as a call nor as a context of the admin's."""
    lay(tmp_path, {"extensions.conf": LINE, "informativa.conf": f"[informativa]\n{LINE}\n"})
    reading = read(tmp_path / "extensions.conf", tmp_path / "informativa.conf", "informativa")
    assert (len(reading.included), reading.contexts) == (1, {})


def test_result_without_a_terminal(folder: Path, asterisk: Path) -> None:
    """The result has all that a page would show. A dry run writes nothing, and makes no link to the
    script."""
    config = folder / "informativa.yaml"
    dry = dialplan_install.install(config, asterisk, dry_run=True)
    assert dry == DialplanInstalled(
        file=asterisk / "informativa.conf",
        written=False,
        up_to_date=False,
        owner=None,
        custom_destination=None,
        add_to=asterisk / "extensions.conf",
        add=LINE,
        included=(),
        commented_out=(),
        called=(),
        warnings=(),
        next=("asterisk -rx 'dialplan reload'",),
    )
    assert not config.with_name("informativa.yaml.agi").is_symlink()
    installed = dialplan_install.install(config, asterisk)
    assert (installed.written, installed.up_to_date) == (True, True)
    assert installed.owner == f"{dry.file.owner()}:{dry.file.group()}"
    again = dialplan_install.install(config, asterisk, freepbx=True)
    assert (again.written, again.up_to_date) == (False, True)
    assert again.add_to == asterisk / "extensions_custom.conf"
    assert again.custom_destination == CustomDestination("informativa-freepbx,s,1", returns=True)
    assert again.add == f"{freepbx_context()}\n\n{LINE}"


def test_result_in_words(folder: Path, asterisk: Path) -> None:
    """Step by step, in the reader's language; what has nothing to say is `null` for programs."""
    config = folder / "informativa.yaml"
    (asterisk / "extensions.conf").write_text(f"; {LINE}\nsame => n,Gosub(informativa,s,1(1))\n")
    dry = dialplan_install.install(config, asterisk, dry_run=True)
    assert list(view.installed(dry, ENGLISH)) == [
        f"{dry.file} would be written.",
        f"Add at the end of {asterisk}/extensions.conf:",
        f"\n{LINE}\n",
        f"{asterisk}/extensions.conf:2 calls it.",
        f"warning: {asterisk}/extensions.conf:1 has the line, but as a comment",
        "Then type: asterisk -rx 'dialplan reload'",
    ]
    assert next(view.installed(dry, language("it"))) == f"{dry.file} verrebbe scritto."
    facts = json.loads(document(dry))
    assert (facts["owner"], facts["custom_destination"], facts["add"]) == (None, None, LINE)
    assert (facts["written"], facts["up_to_date"]) == (False, False)
    assert facts["next"] == ["asterisk -rx 'dialplan reload'"]


def test_what_was_installed_is_taken_out_again(folder: Path, asterisk: Path) -> None:
    """The file goes, and the lines of Asterisk's own files that do nothing any more are named; a second time
    there is nothing to do."""
    file, conf = asterisk / "informativa.conf", asterisk / "extensions.conf"
    dialplan_install.install(folder / "informativa.yaml", asterisk)
    conf.write_text(f"[from-trunk]\nexten => _X!,1,Answer()\n{CALL}\n{LINE}\n")
    dry = dialplan_install.uninstall(asterisk, dry_run=True)
    assert (dry.removed, dry.there, file.exists()) == (False, True, True)
    uninstalled = dialplan_install.uninstall(asterisk)
    assert (uninstalled.removed, uninstalled.there, file.exists()) == (True, False, False)
    assert list(view.uninstalled(uninstalled, ENGLISH)) == [
        f"Deleted {file}.",
        f"{conf}:4 includes it, which does nothing without it: take that line out.",
        f"{conf}:3 calls it, which does nothing without it: take that line out.",
        "Then type: asterisk -rx 'dialplan reload'",
    ]
    facts = json.loads(document(uninstalled))
    assert (facts["removed"], facts["there"], facts["called"][0]["line"]) == (True, False, 3)
    again = dialplan_install.uninstall(asterisk)
    assert (again.removed, again.there) == (False, False)
    assert next(view.uninstalled(again, ENGLISH)) == f"{file} is not there."


def test_file_that_calls_depend_on_stays(folder: Path, asterisk: Path) -> None:
    """A line that does not ask whether it is there would end the call."""
    dialplan_install.install(folder / "informativa.yaml", asterisk)
    conf = asterisk / "extensions.conf"
    conf.write_text(f"{LINE}\n[from-trunk]\nexten => _X!,1,Gosub(informativa,s,1(1))\n")
    with pytest.raises(
        InformativaError, match=rf"{conf}:3 calls it without asking whether it is there"
    ) as error:
        dialplan_install.uninstall(asterisk)
    assert str(error.value).endswith("asterisk -rx 'dialplan reload'. Then type the same again.")
    assert (asterisk / "informativa.conf").exists()


def test_only_our_own_file_is_taken_out(asterisk: Path) -> None:
    """Another program's file of that name stays."""
    (asterisk / "informativa.conf").write_text("[mine]\n")
    with pytest.raises(InformativaError, match="was not made by informativa"):
        dialplan_install.uninstall(asterisk)
    assert (asterisk / "informativa.conf").read_text() == "[mine]\n"


def test_uninstall_on_the_command_line(folder: Path, asterisk: Path) -> None:
    """Uninstall works on the named folder, in words and as JSON."""
    dialplan_install.install(folder / "informativa.yaml", asterisk)
    ran = run("dialplan", "uninstall", "--to", asterisk, "--dry-run", "--json")
    assert json.loads(ran.stdout)["there"] is True
    assert run("dialplan", "uninstall", "--to", asterisk).stdout.startswith(f"Deleted {asterisk}")


@pytest.mark.parametrize("mistake", ["cay: keys/borealis.key", "key: keys/borealis.key\n    notices: none"])
def test_i1_company_with_mistakes_keeps_the_rows_that_are_there(
    folder: Path, asterisk: Path, mistake: str
) -> None:
    """I1: a file that is written while a company's part has mistakes plays for it what it played before; with
    neither that nor a fallback_prompt its line is named, and so is what to type."""
    file, target = folder / "informativa.yaml", asterisk / "informativa.conf"
    configured = file.read_text()
    output_of(folder, asterisk)
    rows = [row for row in target.read_text().splitlines() if "3012345678,1," in row]
    assert rows
    broken = re.sub(r"^fallback_prompt:.*\n", "", configured, flags=re.MULTILINE)
    file.write_text(broken.replace("key: keys/borealis.key", mistake))
    assert "hear nothing till" not in " ".join(facts(folder, asterisk)["warnings"])
    assert [row for row in target.read_text().splitlines() if "3012345678,1," in row] == rows
    assert facts(folder, asterisk)["written"] is False
    target.unlink()
    (warning,) = [text for text in facts(folder, asterisk)["warnings"] if "hear nothing till" in text]
    assert warning.startswith("callers of +493012345678 hear nothing till the mistakes are mended; write")
    file.write_text(configured)
    output_of(folder, asterisk)
    assert [row for row in target.read_text().splitlines() if "3012345678,1," in row] == rows


def test_removed_line_of_a_company_with_mistakes_goes(folder: Path, asterisk: Path) -> None:
    """Rows of numbers that the configuration does not name any more are not kept for anybody."""
    file, target = folder / "informativa.yaml", asterisk / "informativa.conf"
    output_of(folder, asterisk)
    text = file.read_text().replace("key: keys/borealis.key", "cay: keys/borealis.key")
    file.write_text(text.replace("+493012345678", "+493087654321"))
    output_of(folder, asterisk)
    assert "3012345678,1," not in target.read_text()
