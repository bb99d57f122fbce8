"""Under which configuration and with which ledgers calls begin: loaded and opened anew beside those in
progress."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog

from . import bootstrap, storage
from .call import CallServices
from .config import Configuration, changes
from .errors import ConfigError, InformativaError, LedgerError
from .maintenance import Outdated
from .patience import defect, in_thread, of_each
from .preparation import as_before, examine_recordings, prepare

LOOK_SECONDS = 10.0  # for what lies beside ledgers
CLOSE_SECONDS = 10.0  # for what waits to be recorded at the end

log = structlog.get_logger("informativa")


@dataclass(eq=False)
class Generation:
    """The calls that begin under one configuration, and what they work with to their end."""

    configuration: Configuration
    services: CallServices
    calls: int = 0


class Generations:
    """The newest takes calls. What only an earlier one uses is closed when the last of its calls is over;
    `aside` does that beside the calls."""

    def __init__(
        self, configuration: Configuration, aside: Callable[[Coroutine[Any, Any, None]], None]
    ) -> None:
        self._all = [Generation(configuration, bootstrap.for_service(configuration))]
        self._aside = aside
        self.changing = asyncio.Lock()  # held while a newer one is made

    @property
    def newest(self) -> Generation:
        """The one that takes calls now."""
        return self._all[-1]

    def begin(self) -> Generation:
        """One call begins, under the newest one to its `end`."""
        self.newest.calls += 1
        return self.newest

    def end(self, generation: Generation) -> None:
        """One of its calls is over."""
        generation.calls -= 1
        self._dismiss()

    def in_progress(self) -> int:
        """How many calls are in progress."""
        return sum(generation.calls for generation in self._all)

    async def load(self) -> bool:
        """Take the file as it is now, or log what is wrong with it and go on as before; whether it was taken.
        Only for whoever holds `changing`."""
        before = self.newest
        try:
            await in_thread(changes.wait_written, before.configuration.file)
            prepared = await in_thread(partial(prepare, before.configuration.file, create=False))
            configuration = as_before(before.configuration, prepared)
            services = await in_thread(bootstrap.for_service, configuration, before.services)
        except ConfigError as error:
            for problem in error.problems:
                log.error("not reloaded, going on as before", problem=str(problem))
            return False
        except InformativaError as error:
            log.error("not reloaded, going on as before", problem=str(error))
            return False
        self._take_calls(configuration, services)
        return True

    async def reopen(self, outdated: Outdated) -> dict[str, LedgerError]:
        """Try the ledgers that cannot be used; those that still cannot, by controller."""
        async with self.changing:
            now = self.newest
            before = bootstrap.unusable(now.configuration, now.services)
            if not before:
                return {}
            services = await in_thread(bootstrap.for_service, now.configuration, now.services)
            failing = bootstrap.unusable(now.configuration, services)
            if opened := sorted(before.keys() - failing.keys()):
                await self._take(now, services, opened)
            outdated.tell(failing)
            return failing

    async def _take(self, now: Generation, services: CallServices, opened: Sequence[str]) -> None:
        """Go on with the ledgers that could be opened."""
        configuration = now.configuration
        controllers = {name: configuration.controllers[name] for name in opened}
        theirs = replace(configuration, controllers=controllers, fallback=None)  # what is others' is known
        examined = await in_thread(
            partial(examine_recordings, theirs, keep=True, create=False, migrate=False)
        )
        recordings = {**configuration.recordings, **examined.expected}
        services = replace(services, recordings=bootstrap.as_loaded(recordings))
        self._take_calls(replace(configuration, recordings=recordings), services)
        for problem in examined.problems:
            log.error("a prompt is not played", problem=str(problem), exc_info=problem.defect)
        works = {name: partial(storage.backups, one) for name, one in controllers.items()}
        copies: list[str] = []
        for name, backups in (await in_thread(of_each, works, LOOK_SECONDS)).items():
            if isinstance(backups, Exception):
                event = "copies of a ledger cannot be looked for"
                log.error(event, controller=name, error=repr(backups), exc_info=defect(backups))
            else:
                copies += [str(backup.file) for backup in backups]
        log.info("ledgers opened", controllers=opened, backups=copies)

    def close(self) -> None:
        """Close all that is open; what was queued is durable then."""
        _close([generation.services for generation in self._all])

    def _take_calls(self, configuration: Configuration, services: CallServices) -> None:
        self._all.append(Generation(configuration, services))
        self._dismiss()

    def _dismiss(self) -> None:
        """Close what only calls under an earlier configuration used, when the last of them is over."""
        if len(self._all) == 1:
            return
        over = [generation for generation in self._all[:-1] if not generation.calls]
        if over:
            self._all = [generation for generation in self._all if generation not in over]
            kept = [generation.services for generation in self._all]
            self._aside(in_thread(_close, [generation.services for generation in over], kept))


def _close(over: Sequence[CallServices], kept: Sequence[CallServices] = ()) -> None:
    """Close what `kept` services do not have too. What hangs is left behind, and what fails ends nothing."""
    for (company, _thing), error in of_each(bootstrap.closings(over, kept), CLOSE_SECONDS).items():
        if error is not None:
            event = "not closed, and left as it is"
            log.error(event, controller=company, error=repr(error), exc_info=defect(error))
