"""Asterisk's own view of a dialplan: its warnings, and what is called in it and is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from informativa.asterisk.extensions_conf import effective
from lab.pbx import Pbx

_STEP = re.compile(r"(exten|same)\s*=>?\s*(.*)")
_APPLICATION = re.compile(r"(?:([\w+]+)(?:\((\w+)\))?\s*,\s*)?(\w+)(?:\((.*)\))?$")
_FUNCTION = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\(")
_WRITTEN = re.compile(r"(?:^|,)\s*_{0,2}([A-Z][A-Z0-9_]*)\(")  # Set(NAME(…)=…)
_GOES = {"Goto": False, "Gosub": False, "GotoIf": True, "GosubIf": True}  # whether by a condition


@dataclass(frozen=True)
class Step:
    """One application that a line of the dialplan runs, as written."""

    context: str
    extension: str
    application: str
    arguments: str

    def __str__(self) -> str:
        return f"[{self.context}] {self.extension}: {self.application}({self.arguments})"


def steps(text: str) -> Iterator[Step]:
    """The steps of a file for extensions.conf, those within ExecIf too."""
    context = extension = ""
    for _number, _raw, live in effective(text.splitlines()):
        if heading := re.match(r"\[([^\]]+)\]", live):
            context = heading[1]
        elif step := _STEP.match(live):
            rest = step[2]
            if step[1] == "exten":
                extension, _, rest = rest.partition(",")
            call = _APPLICATION.match(rest.strip())
            assert call, f"not a step of a dialplan: {live}"
            yield from _with_inner(Step(context, extension.strip(), call[3], call[4] or ""))


def features(text: str) -> Iterator[Step]:
    """The applications that the codes of a file for features.conf run."""
    for _number, _raw, live in effective(text.splitlines()):
        if code := re.match(r"\w+\s*=>\s*[^,]+,[^,]+,(\w+),\"([^\"]*)\"", live):
            yield Step("features", live.split()[0], code[1], code[2])


def missing(pbx: Pbx, linted: list[Step]) -> list[str]:
    """Applications, functions and places to go to that this Asterisk does not know, each with its step."""
    known: dict[str, str] = {}

    def exists(command: str, words: str) -> bool:
        if command not in known:
            known[command] = pbx.cli(command)
        return re.search(words, known[command]) is not None

    absent = []
    for step in linted:
        if not exists(f"core show application {step.application}", "Info about"):
            absent.append(f"{step}: no application {step.application}")
        for name in _functions(step):
            if not exists(f"core show function {name}", "Info about"):
                absent.append(f"{step}: no function {name}")
        for context, extension, priority in _targets(step):
            where = f"{extension}@{context}" if extension else context
            at = rf"\s{priority}\. " if priority.isdigit() else rf"\[{priority}\]"
            if not exists(f"dialplan show {where}", at):
                absent.append(f"{step}: nothing at {where}, {priority}")
    return absent


def _functions(step: Step) -> set[str]:
    written = _WRITTEN.findall(step.arguments) if step.application in ("Set", "MSet") else []
    return {*_FUNCTION.findall(step.arguments), *written}


def _with_inner(step: Step) -> Iterator[Step]:
    yield step
    if step.application == "ExecIf":
        for branch in _branches(step.arguments)[1:]:
            call = re.match(r"(\w+)(?:\((.*)\))?$", branch)
            assert call, f"not a step of a dialplan: {step}"
            yield Step(step.context, step.extension, call[1], call[2] or "")


def _targets(step: Step) -> Iterator[tuple[str, str, str]]:
    """Context, extension and priority that a step goes to: extension '' where a variable says it, and none
    where one says the context, or where the step looks first whether the place is there."""
    if step.application not in _GOES:
        return
    condition, *places = _branches(step.arguments) if _GOES[step.application] else ["", step.arguments]
    for place in filter(None, places):
        parts = re.sub(r"\((?:[^()]|\([^()]*\))*\)$", "", place) if "Gosub" in step.application else place
        *before, priority = _split(parts, ",")
        extension = before[-1] if before else step.extension
        context = before[0] if len(before) > 1 else step.context
        looked = f"DIALPLAN_EXISTS({parts})" in condition and not context.startswith("informativa")
        if "$" not in context + priority and not looked:
            yield context, "" if "$" in extension else _dialled(extension), priority


def _dialled(extension: str) -> str:
    """A pattern is looked up by a number that it takes."""
    return "0212345678" if extension.startswith("_") else extension


def _branches(arguments: str) -> list[str]:
    """The condition and what is to be done if it holds, and if not."""
    condition, *rest = _split(arguments, "?")
    return [condition, *_split("?".join(rest), ":")]


def _split(text: str, at: str) -> list[str]:
    """Split where no bracket is open."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == at and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
