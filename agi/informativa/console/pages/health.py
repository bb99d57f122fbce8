"""The page of the machine's health, for operators: the doctor's findings, the companies."""

from __future__ import annotations

from starlette.responses import Response

from ... import __version__
from ...operations import controller_state, status
from ...operations.doctor.examination import Examination, examine
from ...operations.doctor.findings import State
from ...system.patience import run
from ..context import RequestContext
from ..jobs import Job

DOCTOR, STATUS = "doctor", "status"
FRESH = 30.0  # seconds for which a look at the machine is not repeated
ORDER = (State.WRONG, State.WARNING, State.UNKNOWN, State.OK)


def health(context: RequestContext) -> Response:
    """Show the last findings of the doctor, and the state of each company."""
    jobs = context.console.jobs
    last = jobs.newest(DOCTOR, "")
    running = jobs.running(DOCTOR, "")
    findings = sorted(last.result.findings, key=lambda finding: ORDER.index(finding.state)) if last else []
    states = controller_state.states(context.configuration, counted=False).controllers
    look_at_machine = machine(context)
    controllers = look_at_machine.result.controllers if look_at_machine else ()
    return context.page(
        "health.html",
        last=last,
        running=running,
        findings=findings,
        states=states,
        machine=look_at_machine,
        last_hours={status.id: status.last_hour for status in controllers},
        version=__version__,
    )


def look(context: RequestContext) -> Response:
    """Start the doctor again."""

    def work(_progress: object) -> Examination:
        return run(examine(context.console.file))

    context.console.jobs.start(DOCTOR, "", work)
    return context.redirect("/health")


def machine(context: RequestContext) -> Job | None:
    """Return the last look at the machine, and start another one if that is old. A look asks the service and
    Asterisk, for which no page waits."""
    jobs = context.console.jobs
    last = jobs.newest(STATUS, "")
    if last is None or jobs.age(last) > FRESH:
        now = context.console.now()
        jobs.start(STATUS, "", lambda _progress: status.look(context.console.file, now))
    return last
