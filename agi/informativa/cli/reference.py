"""The reference page: `python -m informativa.cli.reference > docs/reference.md` (or `make docs`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..config.described import SETTINGS
from ..config.schema import Settings
from .tree import ENVIRONMENT, EXITS, Command, Parameter, tree


def page(root: Command) -> str:
    """All commands and all settings, in Markdown."""
    return "\n".join([*_commands(root), *_exits(), *_settings()]) + "\n"


def keys(kind: Any = Settings, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each setting of the configuration with pydantic's field; `NAME` where an admin chooses the
    key."""
    for name, field in kind.model_fields.items():
        path_of_key = f"{path}{name}"
        yield path_of_key, field
        for below, named in _models(field.annotation):
            yield from keys(below, f"{path_of_key}{named}.")


def _models(annotation: Any) -> Iterator[tuple[Any, str]]:
    """The models in a type, each with what stands between it and the key."""
    if hasattr(annotation, "model_fields"):
        yield annotation, ""
        return
    origin = getattr(annotation, "__origin__", None)
    named = ".NAME" if origin is dict else "[]" if origin is list else ""
    for part in getattr(annotation, "__args__", ()):
        for model, below in _models(part):
            yield model, named + below


def _commands(root: Command) -> Iterator[str]:
    yield "# Commands and settings"
    yield ""
    yield "Made by `make docs` from the program itself. `informativa COMMAND --help` says the same."
    yield from ("", "## Commands", "")
    for command in root.leaves():
        yield from (f"### `{' '.join(command.path)}`", "", f"`{command.synopsis}`", "", command.help, "")
        if command.parameters:
            yield from ("| | |", "|---|---|", *map(_row, command.parameters), "")


def _row(parameter: Parameter) -> str:
    sentences = [parameter.help or "What it says."]
    sentences += [f"Default: {parameter.default}."] if parameter.default else []
    sentences += ["Required."] if parameter.required and parameter.names else []
    return f"| `{_cell(parameter.shown)}` | {_cell(' '.join(sentences))} |"


def _exits() -> Iterator[str]:
    yield from ("## Exit codes", "", "| Code | |", "|---|---|")
    yield from (f"| {code} | {meaning} |" for code, meaning in EXITS.items())
    yield from ("", "## Environment", "", "| | |", "|---|---|")
    yield from (f"| `{name}` | {meaning} |" for name, meaning in ENVIRONMENT.items())


def _settings() -> Iterator[str]:
    yield from ("", "## Settings of informativa.yaml", "")
    yield "`NAME` is a name that you choose, `[]` one of a list. Paths start at the folder of the file."
    yield from ("", "| Setting | Meaning | Default | Example |", "|---|---|---|---|")
    for key, field in keys():
        meaning, example = SETTINGS.get(key, ("", ""))
        shown = f"`{_cell(example)}`" if example else ""
        yield f"| `{key}` | {_cell(meaning)} | {_default(field)} | {shown} |"


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is None or value == "" or isinstance(value, list | dict) or hasattr(type(value), "model_fields"):
        return "none"
    return f"`{_DEFAULTS.get(str(value), str(value).lower())}`"


_DEFAULTS = {"365 days, 0:00:00": "1 year"}


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    from .main import app

    print(page(tree(app())), end="")
