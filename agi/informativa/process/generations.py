"""Generations: the configuration and the ledgers of calls. A newer one is loaded and opened beside the calls
in progress."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog

from ..call.answering import CallServices
from ..config import Configuration, changes
from ..model.errors import ConfigError, InformativaError, LedgerError
from ..system.patience import defect, in_thread, of_each
from . import bootstrap
from .maintenance import UnusableLedgers
from .preparation import (
    companies_with_previous_configuration,
    examine_recordings,
    prepare,
    with_previous_hooks,
)

LOOK_SECONDS = 10.0  # for what lies beside ledgers
CLOSE_SECONDS = 10.0  # for what waits to be recorded at the end

log = structlog.get_logger("informativa")


@dataclass(eq=False)
class Generation:
    """The calls that begin under one configuration, and the services that they use to their end."""

    configuration: Configuration
    services: CallServices
    calls: int = 0


class Generations:
    """All generations; the newest takes calls. Services of an earlier one alone are closed when the last of
    its calls is over; `aside` does that beside the calls."""

    def __init__(
        self, configuration: Configuration, aside: Callable[[Coroutine[Any, Any, None]], None]
    ) -> None:
        self._all = [Generation(configuration, bootstrap.for_service(configuration))]
        self._aside = aside
        self.changing = asyncio.Lock()  # held while a newer one is made

    @property
    def newest(self) -> Generation:
        """Return the generation that takes calls now."""
        return self._all[-1]

    def begin(self) -> Generation:
        """Count one call that begins, under the newest generation. Its `end` is to be called with that."""
        self.newest.calls += 1
        return self.newest

    def end(self, generation: Generation) -> None:
        """Count one call of a generation that is over."""
        generation.calls -= 1
        self._close_unused()

    def in_progress(self) -> int:
        """Return the number of calls in progress."""
        return sum(generation.calls for generation in self._all)

    async def load(self) -> bool:
        """Load the file as it is now, or log its mistakes and go on as before. Return whether it was loaded.
        The caller holds `changing`."""
        previous = self.newest
        try:
            await in_thread(changes.wait_written, previous.configuration.file)
            prepared = await in_thread(partial(prepare, previous.configuration.file, create=False))
            prepared = with_previous_hooks(previous.configuration, prepared)
            configuration = companies_with_previous_configuration(previous.configuration, prepared)
            services = await in_thread(bootstrap.for_service, configuration, previous.services)
        except ConfigError as error:
            for problem in error.problems:
                log.error("not reloaded, going on as before", problem=str(problem))
            return False
        except InformativaError as error:
            log.error("not reloaded, going on as before", problem=str(error))
            return False
        self._add_generation(configuration, services)
        return True

    async def reopen(self, reported: UnusableLedgers) -> dict[str, LedgerError]:
        """Try to open the ledgers that cannot be used. Return those that still cannot be, by controller."""
        async with self.changing:
            generation = self.newest
            unusable = bootstrap.unusable(generation.configuration, generation.services)
            controllers = {name: generation.configuration.controllers[name] for name in unusable}
            if not controllers:
                return unusable
            ledgers = await in_thread(bootstrap.open_ledgers, controllers)
            services = replace(generation.services, ledgers={**generation.services.ledgers, **ledgers})
            failing = bootstrap.unusable(generation.configuration, services)
            if reopened := sorted(unusable.keys() - failing.keys()):
                await self._use_ledgers(generation, services, reopened)
            reported.report(failing)
            return failing

    async def _use_ledgers(
        self, generation: Generation, services: CallServices, names: Sequence[str]
    ) -> None:
        """Go on with the ledgers that could be opened."""
        configuration = generation.configuration
        controllers = {name: configuration.controllers[name] for name in names}
        # The recordings of the other companies are known.
        partial_configuration = replace(configuration, controllers=controllers, fallback=None)
        examined = await in_thread(
            partial(examine_recordings, partial_configuration, keep=True, create=False)
        )
        recordings = {**configuration.recordings, **examined.expected}
        services = replace(services, recordings=bootstrap.as_loaded(recordings))
        self._add_generation(replace(configuration, recordings=recordings), services)
        for problem in examined.problems:
            log.error("a prompt is not played", problem=str(problem), exc_info=problem.defect)
        log.info("ledgers opened", controllers=names)

    def close(self) -> None:
        """Close everything; queued records are durable then."""
        _close([generation.services for generation in self._all])

    def _add_generation(self, configuration: Configuration, services: CallServices) -> None:
        self._all.append(Generation(configuration, services))
        self._close_unused()

    def _close_unused(self) -> None:
        """Close the services of earlier configurations when the last of their calls is over."""
        if len(self._all) == 1:
            return
        over = [generation for generation in self._all[:-1] if not generation.calls]
        if over:
            self._all = [generation for generation in self._all if generation not in over]
            remaining = [generation.services for generation in self._all]
            self._aside(in_thread(_close, [generation.services for generation in over], remaining))


def _close(over: Sequence[CallServices], remaining: Sequence[CallServices] = ()) -> None:
    """Close resources that `remaining` services do not use too. One that hangs is left behind, and an error
    ends nothing."""
    for (company, _resource), error in of_each(bootstrap.closings(over, remaining), CLOSE_SECONDS).items():
        if error is not None:
            event = "not closed, and left as it is"
            log.error(event, controller=company, error=repr(error), exc_info=defect(error))
