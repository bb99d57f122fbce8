"""The only module that chooses implementations: which ledger and which clock, for the service and for the
script."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from ..call.answering import CallServices
from ..config import Configuration
from ..model import Controller, Identified, Lookup, Notice, Record
from ..model.errors import DefectError, LedgerError
from ..model.ports import Ledger, LedgerTransaction, LookupSource, Recordings, Result
from ..model.text import Text
from ..prompts.recordings import (
    InstalledRecordings,
    LedgerRecordings,
    LoadedRecordings,
    Look,
    PromptKey,
    PromptLook,
)

if TYPE_CHECKING:
    from ..ledgers.groupcommit import GroupCommitLedger
    from ..ledgers.opening import LedgerOpener

OPENING_SECONDS = 30.0  # for all that is done with a ledger until calls use it; to open it has its own bound


class RefusedLedger(Ledger):  # here, because a script loads it: ledgers/opening.py would load asyncio
    """The ledger of a controller that may not go live, or whose own ledger cannot be opened. Every caller
    hears the notices, and nothing is recorded here."""

    def __init__(self, error: LedgerError) -> None:
        self.error = error

    async def transact(self, work: Callable[[LedgerTransaction], Result]) -> Result:
        raise self.error

    def records(self, first: int = 1) -> Iterator[Record]:
        raise self.error

    def close(self) -> None:
        pass


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def for_service(configuration: Configuration, before: CallServices | None = None) -> CallServices:
    """Return the services for many calls at a time. Opens every ledger that is not open `before`.

    A ledger that cannot be opened affects no other: its controller gets a `RefusedLedger` with the error.
    """
    ledgers = open_ledgers(dict(_live(configuration)), before.ledgers.values() if before else ())
    return _services(configuration, ledgers, as_loaded(configuration.recordings), script=False)


def open_ledgers(controllers: Mapping[str, Controller], before: Iterable[Ledger] = ()) -> dict[str, Ledger]:
    """Open the ledgers of these controllers as `for_service` does; those that are open `before` go on."""
    from ..ledgers.groupcommit import GroupCommitLedger
    from ..system.patience import of_each

    open_before = {ledger.file: ledger for ledger in before if isinstance(ledger, GroupCommitLedger)}
    works = {
        name: partial(_open_or_keep, controller, open_before.get(controller.ledger))
        for name, controller in controllers.items()
    }
    return {
        name: _refused(controllers[name], outcome) if isinstance(outcome, Exception) else outcome
        for name, outcome in of_each(works, OPENING_SECONDS).items()
    }


def _open_or_keep(controller: Controller, before: GroupCommitLedger | None) -> Ledger:
    """Open a company's ledger for a service; one that is open `before` goes on. Raises LedgerError."""
    from ..ledgers.groupcommit import GroupCommitLedger
    from ..ledgers.owner import of as owner_of
    from .storage import store

    owner = owner_of(controller)
    if before is None:
        open_ledger = partial(GroupCommitLedger, controller.ledger, log=controller.log, owner=owner)
        return _opener().open(controller.ledger, open_ledger)
    if before.owner != owner:  # its key is another now, or it is given to another company
        store(controller, create=False).close()
        before.owner = owner
    return before


def _refused(controller: Controller, error: Exception) -> RefusedLedger:
    """Return a stand-in for a ledger that could not be opened."""
    from ..system.patience import defect, failure

    if not isinstance(error, LedgerError):
        code = DefectError.code if defect(error) else ""
        error, cause = LedgerError(failure(error, controller.ledger, OPENING_SECONDS), code=code), error
        error.__cause__ = cause
    return RefusedLedger(error)


@cache
def _opener() -> LedgerOpener:
    """Return the opener of this process: it knows which ledgers hang."""
    from ..ledgers.opening import LedgerOpener  # not for a script

    return LedgerOpener()


def _live(configuration: Configuration) -> Iterator[tuple[str, Controller]]:
    return (
        (name, controller) for name, controller in configuration.controllers.items() if not controller.refused
    )


def as_loaded(files: Mapping[str, Mapping[str, str]]) -> Recordings:
    """Return the recordings for many calls at a time: the prompts as they are, compared with those that were
    checked at the load."""
    from ..prompts.guarded import GuardedFiles  # not for a script

    return InstalledRecordings(LoadedRecordings(files), GuardedFiles().look)


def unusable(configuration: Configuration, services: CallServices) -> dict[str, LedgerError]:
    """Return, by controller, the errors of ledgers that cannot be used although their controllers may go
    live."""
    return {
        name: ledger.error
        for name, ledger in services.ledgers.items()
        if isinstance(ledger, RefusedLedger) and not configuration.controllers[name].refused
    }


def waiting(services: CallServices) -> dict[str, int | None]:
    """Return, by controller, the number of pieces of work that wait for its ledger; `None` if that cannot be
    used."""
    return {name: getattr(ledger, "waiting", None) for name, ledger in services.ledgers.items()}


def for_script(configuration: Configuration) -> CallServices:
    """Return the services for the one call of a script. A ledger is opened when the call needs it, and fails
    then."""
    from ..ledgers.owner import of as owner_of
    from ..ledgers.sqlite import SqliteLedger

    ledgers = {
        name: SqliteLedger(controller.ledger, controller.log, partial(owner_of, controller))
        for name, controller in _live(configuration)
    }
    wordings = {name: configuration.wordings(name) for name in configuration.notices}
    recordings = InstalledRecordings(LedgerRecordings(wordings, ledgers), _at_once)
    return _services(configuration, ledgers, recordings, script=True)


async def _at_once(_place: PromptKey, look: Look) -> PromptLook:
    """Look at once: a process that has one call only holds nobody else."""
    return look()


def close(services: CallServices, remaining: Sequence[CallServices] = ()) -> None:
    """Close all ledgers but those that `remaining` services use too; queued records are durable then."""
    for close_one in closings([services], remaining).values():
        close_one()


def closings(
    over: Iterable[CallServices], remaining: Iterable[CallServices] = ()
) -> dict[tuple[str, int], Callable[[], None]]:
    """Return the functions that close each resource of services that are over and that `remaining` ones do
    not use too, by its company and its id in this process."""
    in_use = {id(resource) for services in remaining for _company, resource in _resources(services)}
    return {
        (company, id(resource)): resource.close
        for services in over
        for company, resource in _resources(services)
        if id(resource) not in in_use
    }


def _resources(services: CallServices) -> Iterator[tuple[str, Ledger | LookupSource]]:
    """Iterate over the open resources, each with its company."""
    yield from services.ledgers.items()
    for company, by_notice in services.lookups.items():
        yield from ((company, source) for source in chain.from_iterable(by_notice.values()))


def lookups(
    controller: Controller, notices: Sequence[Notice], *, script: bool
) -> Mapping[str, Sequence[LookupSource]]:
    """Return one controller's own systems, by notice. A `script` blocks while it waits for their answers."""
    by_notice: dict[str, list[LookupSource]] = {}
    for lookup in controller.lookups:
        from ..call.guard import block, suspend  # not for who has none: a script is slow
        from ..call.lookups import GuardedLookup

        notice = next(notice for notice in notices if notice.id == lookup.notice)
        wait = block if script else suspend
        source = GuardedLookup(
            lookup,
            notice,
            _question,
            wait,
            SystemClock(),
            retention=controller.retention,
            zone=controller.zone,
        )
        by_notice.setdefault(notice.id, []).append(source)
    return by_notice


def _question(lookup: Lookup) -> Callable[[Identified], Sequence[Mapping[str, Any]]]:
    if lookup.driver:
        from ..call.lookup_sql import SqlLookup

        return SqlLookup(lookup)
    from ..call.lookup_http import HttpLookup

    return HttpLookup(lookup)


def _services(
    configuration: Configuration,
    ledgers: Mapping[str, Ledger],
    recordings: Recordings,
    *,
    script: bool,
) -> CallServices:
    """Return the services. A controller that may not go live has a ledger that takes nothing: its calls get
    the fallback."""
    return CallServices(
        lines=configuration.spelled,
        ledgers={
            name: RefusedLedger(_not_live(controller)) if controller.refused else ledgers[name]
            for name, controller in configuration.controllers.items()
        },
        clock=SystemClock(),
        recordings=recordings,
        fallback=configuration.fallback,
        unanswered=configuration.unanswered,
        lookups={
            name: lookups(controller, configuration.notices[name], script=script)
            for name, controller in configuration.controllers.items()
            if controller.lookups and not controller.refused
        },
    )


def _not_live(controller: Controller) -> LedgerError:
    return LedgerError(
        Text("Controller {id} is not live: {refused}.", id=controller.id, refused=controller.refused)
    )
