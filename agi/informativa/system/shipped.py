"""Files that the project ships beside its code: the dialplan, the prompts, and their texts.

The wheel has them in `data/`. An editable installation (`pip install -e .`) has no copy: it reads them in the
clone, so that a change to one shows at once.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

_IN_CLONE = {"dialplan": "dialplan", "prompts": "prompts", "texts": "prompts/texts"}
NOT_PROMPTS = ("README.md", "render.py", "texts")  # the other files beside the prompts of a clone


@cache  # it changes with the program alone, and a page of notices asks for each recording
def spoken_words() -> dict[str, str]:
    """Return the words of the shipped recordings, by the SHA-256 of the sound file."""
    import yaml  # not for a script

    text = (folder("prompts") / "manifest.yaml").read_text(encoding="utf-8")
    manifest = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  # both are safe
    return {file["sha256"]: entry["text"] for entry in manifest["prompts"] for file in entry["files"]}


def folder(name: str) -> Traversable:
    """Return the folder `dialplan`, `prompts` or `texts`."""
    package = resources.files("informativa")
    packed = package / "data" / name
    return packed if packed.is_dir() else Path(str(package)).resolve().parents[1] / _IN_CLONE[name]


@cache
def texts_without_company() -> frozenset[str]:
    """Return the shipped texts that any company speaks as they stand, each on one line."""
    languages = (language for language in folder("texts").iterdir() if language.is_dir())
    files = (file for language in languages for file in language.iterdir() if file.name.endswith(".txt"))
    contents = (file.read_text(encoding="utf-8") for file in files)
    return frozenset(" ".join(content.split()) for content in contents if "{" not in content)
