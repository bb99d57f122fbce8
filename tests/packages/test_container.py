"""The recipes of containers (dialplan/other: Containerfile, compose.yaml), carried out without an engine for
them: their steps and the commands at their heads, word for word, in folders that stand for the image's."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from lab import builds
from lab.debian import Unavailable
from lab.office import fill_in
from lab.pbx import Pbx
from lab.phone import Phone
from lab.ports import free_port
from lab.setup import ROOT
from packages import carried

RECIPE = (ROOT / "dialplan/other/Containerfile").read_text(encoding="utf-8")
COMPOSITION = (ROOT / "dialplan/other/compose.yaml").read_text(encoding="utf-8")
INSTALLED = "/opt/informativa"


def instructions(stage: str) -> dict[str, list[str]]:
    """The arguments of each instruction of a stage, by the instruction's name."""
    parts = re.split(r"^FROM \S+ AS (\S+)\n", RECIPE, flags=re.MULTILINE)
    recipe = dict(zip(parts[1::2], parts[2::2], strict=True))[stage]
    lines = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", recipe, flags=re.MULTILINE)).splitlines()
    steps: dict[str, list[str]] = {}
    for line in lines:
        name, _blank, arguments = line.partition(" ")
        steps.setdefault(name, []).append(arguments.strip())
    return steps


def commands(recipe: str) -> list[list[str]]:
    """The commands at the head, by their words, in their order."""
    head = "\n".join(re.findall(r"^#     (.*)$", recipe, re.MULTILINE))
    return [shlex.split(line) for line in re.sub(r"\\\n\s*", "", head).splitlines()]


STEPS = instructions("informativa")
SERVICES = yaml.safe_load(COMPOSITION)["services"]
HEALTH = json.loads(STEPS["HEALTHCHECK"][0].partition("CMD ")[2])


@dataclass(frozen=True)
class Image:
    """An image as the recipe builds it, below a folder in place of /opt/informativa."""

    installed: Path

    def words(self, command: Sequence[str], volumes: Mapping[str, Path]) -> list[str]:
        """A command as it is typed here, where the volumes lie somewhere else."""
        places = {INSTALLED: self.installed, **volumes}
        pattern = re.compile("|".join(rf"^{re.escape(place)}(?=/|$)" for place in places))
        return [pattern.sub(lambda match: str(places[match[0]]), word) for word in command]


@pytest.fixture(scope="session")
def image(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Built by the recipe's own RUN, from packages that were downloaded before."""
    folder = tmp_path_factory.mktemp("image")
    shutil.copy(wheel, folder)
    try:
        wheelhouses = {
            file.parent for file in carried.wheels(f"{sys.version_info.major}.{sys.version_info.minor}")
        }
    except Unavailable as error:
        pytest.skip(str(error))
    environment = {
        **os.environ,
        **dict(line.split("=", 1) for line in STEPS["ARG"]),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": " ".join(map(str, wheelhouses)),
    }
    (step,) = STEPS["RUN"]
    step = step.replace("/tmp/", f"{folder}/").replace(INSTALLED, str(folder / "opt"))
    ran = subprocess.run(["sh", "-c", step], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert list(folder.glob("*.whl")) == []
    return Image(folder / "opt")


def test_it_is_built_with_what_a_service_can_do(image: Image) -> None:
    """Look-ups in PostgreSQL and the console come without being asked for, and no part of tests."""
    program = "import psycopg, starlette, informativa; print(informativa.__version__)"
    subprocess.run([image.installed / "bin/python", "-c", program], check=True, capture_output=True)
    assert not list(image.installed.glob("lib/python*/site-packages/pytest"))


def test_what_is_built_is_what_is_copied() -> None:
    """The wheel of the folder that the first command names is all that the image takes from there."""
    build = commands(RECIPE)[0]
    assert build[:2] == ["podman", "build"]
    assert (ROOT / build[build.index("-f") + 1]).read_text(encoding="utf-8") == RECIPE
    assert STEPS["COPY"] == ["informativa-*.whl /tmp/"]
    assert build[build.index("--format") + 1] == "docker"  # another format drops the health check


def test_its_commands_lead_to_a_service_that_is_healthy(image: Image, tmp_path: Path) -> None:
    """A new folder as the volume, the first configuration, the dialplan, the service, each as it is written;
    the health check agrees while the service runs, and not before or after."""
    (tmp_path / "etc-asterisk").mkdir()
    (tmp_path / "etc-asterisk/extensions.conf").touch()
    made, *run = commands(RECIPE)[1:]
    assert made == ["install", "-d", "-o", "1000", "-g", "1000", "etc-informativa"]
    (tmp_path / "etc-informativa").mkdir()
    volumes: dict[str, Path] = {}
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    for words in run[:-1]:
        program, volumes = started(words, tmp_path)
        subprocess.run(image.words(program, volumes), check=True, env=environment, stdin=subprocess.DEVNULL)
    config = tmp_path / "etc-informativa/informativa.yaml"
    assert str(config.parent) in (tmp_path / "etc-asterisk/informativa.conf").read_text()
    fill_in(config)
    config.write_text(config.read_text().replace("127.0.0.1:4588", f"127.0.0.1:{free_port()}"))
    program, volumes = started(run[-1], tmp_path)
    health = image.words(HEALTH, volumes)
    assert subprocess.run(health, capture_output=True, check=False).returncode == 1
    with subprocess.Popen(
        image.words(program, volumes), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
    ) as service:
        try:
            assert service.stdout is not None
            assert any(b"ready" in line for line in service.stdout)
            subprocess.run(health, check=True, stdout=subprocess.DEVNULL)
        finally:
            service.terminate()
    assert subprocess.run(health, capture_output=True, check=False).returncode == 1


def started(words: Sequence[str], here: Path) -> tuple[list[str], dict[str, Path]]:
    """The program that a `podman run` starts, and its volumes by their place in the container."""
    assert words[:2] == ["podman", "run"]
    at = len(words) - 1 - words[::-1].index("informativa")
    pairs = [words[index + 1].split(":") for index, word in enumerate(words[:at]) if word == "-v"]
    program = json.loads(STEPS["ENTRYPOINT"][0])
    return [*program, *(words[at + 1 :] or json.loads(STEPS["CMD"][0]))], {
        inside: here / host for host, inside in pairs
    }


def test_parts_of_the_composition_fit_together() -> None:
    """Each is of a stage of the recipe, as the same user; Asterisk has the service at 127.0.0.1, the prompts
    at the service's path, and the dialplan in its folder."""
    stages = {service["build"]["target"] for service in SERVICES.values()}
    assert stages == {"asterisk", "informativa"}
    assert [instructions(stage)["USER"] for stage in stages] == [["${USER_ID}:${USER_ID}"]] * 2
    asterisk, service = SERVICES["asterisk"], SERVICES["informativa"]
    assert asterisk["network_mode"] == service["network_mode"] == "host"
    assert "./etc-informativa/prompts:/etc/informativa/prompts:ro" in asterisk["volumes"]
    assert service["volumes"] == ["./etc-informativa:/etc/informativa"]
    assert "etc-asterisk:/etc/asterisk" in {*asterisk["volumes"]} & {*SERVICES["dialplan"]["volumes"]}


def test_page_has_the_compositions_commands() -> None:
    """The commands of docs/other-pbxs.md are those at the head of compose.yaml, in the same order."""
    page = (ROOT / "docs/other-pbxs.md").read_text(encoding="utf-8").partition("## Asterisk in containers")[2]
    block = page.partition("```sh\n")[2].partition("```")[0]
    assert [shlex.split(line) for line in block.splitlines()] == commands(COMPOSITION)


def test_composition_leads_to_a_call_with_the_notice(image: Image, tmp_path: Path) -> None:
    """The commands at its head, and what its parts are started with, on a real Asterisk with the volume's
    dialplan: a caller hears the notice by the service."""
    try:
        build = builds.obtain("testing", lambda _what, _fraction: None)
    except Unavailable as error:
        pytest.skip(f"Asterisk: {error}")
    (first,) = [words for words in commands(COMPOSITION) if "run" in words]
    assert first[:5] == ["podman", "compose", "run", "--rm", "--no-deps"]
    volumes = {"/etc/informativa": tmp_path / "etc-informativa", "/etc/asterisk": tmp_path / "pbx/etc"}
    volumes["/etc/informativa"].mkdir()
    entry = json.loads(STEPS["ENTRYPOINT"][0])
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}

    def words(more: Sequence[str]) -> list[str]:
        return image.words([*entry, *more], volumes)

    subprocess.run(words(first[6:]), check=True, env=environment, stdin=subprocess.DEVNULL)
    config = tmp_path / "etc-informativa/informativa.yaml"
    fill_in(config)
    config.write_text(config.read_text().replace("127.0.0.1:4588", f"127.0.0.1:{free_port()}"))
    step = "GosubIf($[${DIALPLAN_EXISTS(informativa,s,1)}]?informativa,s,1(${EXTEN}))"
    extensions = f"[from-lab]\nexten => _X.,1,{step}\n same => n,Hangup()\n#tryinclude informativa.conf\n"
    with Pbx(build, tmp_path / "pbx", extensions) as pbx, Phone(pbx) as phone:
        subprocess.run(words(SERVICES["dialplan"]["command"]), check=True, env=environment)
        pbx.cli("dialplan reload")
        with subprocess.Popen(
            words(json.loads(STEPS["CMD"][0])),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
        ) as service:
            try:
                assert service.stdout is not None
                assert any(b"ready" in line for line in service.stdout)
                call = phone.dial("0212345678", "+393331234567")
                call.wait_heard(1, 60)
                call.hang_up()
                call.wait_ended(60)
            finally:
                service.terminate()
    records = [*entry, "ledger", "show", "--controller", "acme", "-c", "/etc/informativa/informativa.yaml"]
    ran = subprocess.run(
        image.words(records, volumes), check=True, capture_output=True, text=True, env=environment
    )
    assert "PARTIAL" in ran.stdout
