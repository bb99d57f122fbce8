"""Work that would be done anew for each test of a process, and comes to the same each time.

Each command that a test calls builds the tree of its commands, with pydantic's checks of their options, and
each installation that a test examines has the same few prompts. A service that starts or reloads looks for
garbage among all that the tests have loaded, and some commands lower the priority of their process for good,
with all that later tests do in it and start from it. What is started in a process of its own does all of
that. Originals are there as `__wrapped__`.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Hashable
from typing import Any

import typer.main

from informativa.cli import main, translated
from informativa.cli.words import _
from informativa.process import service
from informativa.prompts import audio, comparison
from informativa.prompts.audio import Sound
from informativa.system.priority import give_way


def remember() -> None:
    """Do it once in this process, from now on."""
    parameters = "get_params_from_function"  # of all neighbours of a command, three times over
    setattr(typer.main, parameters, functools.cache(getattr(typer.main, parameters)))
    main.app = functools.cache(main.app)
    translated.command = _by(lambda program: (program, _.code), translated.command)
    comparison._linear = _by(_pcm, _listed(comparison._linear))
    audio.level_faults = _by(_sound, _listed(audio.level_faults))
    audio._pcm_level_faults = _by(_pcm, _listed(audio._pcm_level_faults))
    service._freeze_objects = functools.wraps(service._freeze_objects)(lambda **_: None)
    setattr(main, give_way.__name__, functools.wraps(give_way)(lambda: None))


def _by(key: Callable[..., Hashable], compute: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that computes once for each key of its arguments."""
    results = dict[Hashable, Any]()

    @functools.wraps(compute)
    def remembered(*arguments: Any) -> Any:
        name = key(*arguments)
        if name not in results:
            results[name] = compute(*arguments)
        return results[name]

    return remembered


def _listed(generate: Callable[..., Any]) -> Callable[..., list[Any]]:
    return functools.wraps(generate)(lambda *arguments: list(generate(*arguments)))


def _pcm(data: bytes, rate: int) -> Hashable:
    return _digest(data), rate


def _sound(sound: Sound) -> Hashable:
    return _digest(sound.samples.tobytes()), sound.rate


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
