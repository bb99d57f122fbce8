"""The form in which the trunk writes callers' numbers, learned from one call while somebody waits. The number
is in memory until its form is known, and nowhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from ...model import NumberForm, numbering
from ...model.errors import InformativaError
from ...model.text import Text
from ...model.words import NumberKind
from .machine import Machine, Run

_PAUSE_SECONDS = 0.3
_CHANNELS = "core show channels concise"
_FIELDS = 14  # of a channel: Channel!Context!Extension!Priority!State!Application!Data!CallerID!…!UniqueID
_APPLICATION, _CALLER, _UNIQUE = 5, 7, -1
_PLACED = "AppDial"  # the application of a channel that Asterisk itself rings: its number is a called one


def form_of(number: str, region: str) -> NumberForm | None:
    """Return the form of a number that a telephone of that country shows; `None` for no such number. One that
    comes with its plus, or 00, says nothing of others: either."""
    if number.startswith(("+", "00")):
        return NumberForm.EITHER if _readings(number, region, NumberForm.EITHER) else None
    with_code = f"+{number}"
    is_international = with_code in _readings(number, region, NumberForm.INTERNATIONAL)
    # The plans take the country code away in the national form, too.
    is_national = bool(_readings(number, region, NumberForm.NATIONAL) - {with_code})
    match is_national, is_international:
        case True, False:
            return NumberForm.NATIONAL
        case False, True:
            return NumberForm.INTERNATIONAL
        case True, True:
            return NumberForm.EITHER
    return None


def _readings(number: str, region: str, form: NumberForm) -> set[str]:
    """Return the numbers of that country that it may be."""
    valid = numbering.valid(number, region, form).items()
    return {
        reading for reading, (country, kind) in valid if country == region and kind is not NumberKind.SHARED
    }


def learn(
    machine: Machine,
    region: str,
    seconds: float,
    run: Run,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> NumberForm:
    """Wait for a call from a telephone of that country, and return the form of its number. Calls that were up
    before are not meant. Raises InformativaError if none comes in time, and if Asterisk does not answer."""
    earlier = {unique for unique, _caller in _callers(machine, run)}
    end = clock() + seconds
    while clock() < end:
        sleep(_PAUSE_SECONDS)
        for unique, caller in _callers(machine, run):
            if unique not in earlier and (form := form_of(caller, region)):
                return form
    raise InformativaError(
        Text(
            "No call from a telephone of {country} came in {seconds} s.",
            country=region,
            seconds=f"{seconds:g}",
        ),
        Text("Say how the trunk writes numbers: --callers national, international or either."),
    )


def _callers(machine: Machine, run: Run) -> Iterator[tuple[str, str]]:
    """Yield the channels that come in: an id of each, and its caller's number."""
    command = machine.asterisk_command(_CHANNELS)
    result = run(command)
    if result.code:
        raise InformativaError(
            Text("Asterisk does not say which calls there are."),
            Text("Start it, then type the same again; or say: --callers national, international or either."),
        )
    for line in result.output.splitlines():
        fields = line.split("!")
        if len(fields) >= _FIELDS and fields[_APPLICATION] != _PLACED:
            yield fields[_UNIQUE], fields[_CALLER]
