"""How the machine is: what the doctor found, the boxes, the companies; for whoever runs all of it."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from ... import __version__
from ...errors import InformativaError
from ...operations import boxes, controller_state, status
from ...operations.doctor.examination import Examination, examine
from ...operations.doctor.findings import State
from ..jobs import Job
from ..visit import Visit

DOCTOR, STATUS = "doctor", "status"
FRESH = 30.0  # seconds for which a look at the machine counts
ORDER = (State.WRONG, State.WARNING, State.UNKNOWN, State.OK)


def health(visit: Visit) -> Response:
    """What was found last, and how each company stands."""
    jobs = visit.console.jobs
    last = jobs.newest(DOCTOR, "")
    running = jobs.running(DOCTOR, "")
    found = sorted(last.result.found, key=lambda one: ORDER.index(one.finding.state)) if last else []
    states = controller_state.states(visit.configuration, counted=False)
    meetings, error = _meetings(visit)
    look_at_machine = machine(visit)
    controllers = look_at_machine.result.controllers if look_at_machine else ()
    return visit.page(
        "health.html",
        last=last,
        running=running,
        found=found,
        states=states,
        machine=look_at_machine,
        fell_back={status.controller.id: status.fell_back for status in controllers},
        meetings=meetings,
        error=error,
        version=__version__,
    )


def look(visit: Visit) -> Response:
    """Has the doctor look again."""

    def work(_progress: object) -> Examination:
        return asyncio.run(examine(visit.console.file))

    visit.console.jobs.start(DOCTOR, "", work)
    return visit.redirect("/health")


def machine(visit: Visit) -> Job | None:
    """The last look at the machine; another one begins where that is a while ago. It asks the service and
    Asterisk, for which no page waits."""
    jobs = visit.console.jobs
    last = jobs.newest(STATUS, "")
    if last is None or jobs.age(last) > FRESH:
        now = visit.console.now()
        jobs.start(STATUS, "", lambda _progress: status.look(visit.console.file, now))
    return last


def _meetings(visit: Visit) -> tuple[list[boxes.Meeting], InformativaError | None]:
    if visit.configuration.shared is None:
        return [], None
    try:
        return [boxes.meeting(visit.configuration, each) for each in visit.configuration.in_shape()], None
    except InformativaError as error:
        return [], error
