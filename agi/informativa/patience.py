"""Work that may never end, as on a network folder that has stalled: nobody waits for it longer than a bound.

A read from a dead server cannot be interrupted, so it is made in a thread that is left behind then, and that
keeps no process from ending.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TypeVar

from .text import Text

Result = TypeVar("Result")


def begun(work: Callable[[], Result]) -> Future[Result]:
    """Begin some work in a thread of its own. Raises RuntimeError where the system gives none."""
    future: Future[Result] = Future()
    future.set_running_or_notify_cancel()  # nobody can cancel it
    threading.Thread(target=_settle, args=(future, work), name="may stall", daemon=True).start()
    return future


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """Do some work, and wait for it no longer than that. Raises whatever it raises, and TimeoutError when the
    time is over: it may still go on then."""
    return begun(work).result(seconds)


async def in_thread(work: Callable[..., Result], *arguments: object) -> Result:
    """Do some work beside an event loop, which waits for it at no end, as it would for a thread of asyncio's
    own. Raises whatever it raises."""
    return await asyncio.wrap_future(begun(partial(work, *arguments)))


def stalled(place: str | Path, seconds: float) -> Text:
    """Say that a file or folder could not be read in time, and what to do."""
    return Text(
        "{file} cannot be read within {seconds:.0f} s",
        "look at the disk or the network folder that it lies on",
        file=place,
        seconds=seconds,
    )


def _settle(future: Future[Result], work: Callable[[], Result]) -> None:
    try:
        result = work()
    except BaseException as error:  # for whoever waits
        future.set_exception(error)
    else:
        future.set_result(result)
