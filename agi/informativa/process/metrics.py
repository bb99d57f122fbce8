"""The metrics of the service for Prometheus. Labels name lines, controllers and notices, never a caller."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from .. import __version__
from ..model import CallResult, Ending, Line, Reason, Status
from ..model.looks import Unusual, UnusualLooks

if TYPE_CHECKING:
    from ..ledgers.outbox import OutboxState
    from ..model.requests import PersonRequest

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


_HOOK = {
    "waiting": "Messages about consents that the hook did not take yet",
    "refused": "Those of them that it refused, which hold later ones of the same callers",
    "stopped": "1 if nothing is sent any more, because the receiver wants nothing (410)",
    "oldest_seconds": "How long the oldest of them waits",
}


_REQUESTS = {
    "open": "Persons' requests that are not closed",
    "overdue": "Those of them whose answer is late",
}


class ServiceState(Protocol):
    """The state of the service that is read at the moment of a request."""

    def in_progress(self) -> int:
        """Return the number of calls in progress."""

    def waiting(self) -> Mapping[str, int | None]:
        """Return, by controller, the number of pieces of work that wait for its ledger; `None` if it cannot
        be used."""

    def live(self) -> Mapping[str, bool]:
        """Return, by controller, whether it may go live."""

    def turned_away(self) -> Mapping[str, int]:
        """Return, by reason, the number of connections that came to no call."""


class Metrics:
    """The counters of one service, each on a registry of its own so that there may be several."""

    def __init__(self, state: ServiceState) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which nobody asks for
        self._registry = registry = CollectorRegistry()
        registry.register(_StateCollector(state))
        counter, gauge = partial(Counter, registry=registry), partial(Gauge, registry=registry)
        self._calls = counter(
            "informativa_calls",
            "Calls, by what the dialplan was told",
            ["controller", "line", "status", "reason"],
        )
        self._notices = counter(
            "informativa_notices",
            "What became of each notice of each call, and why it was decided so",
            ["controller", "line", "notice", "status", "reason"],
        )
        self._choices = counter(
            "informativa_choices",
            "Choices, by what callers answered",
            ["controller", "line", "choice", "answer"],
        )
        self._unasked = counter(
            "informativa_choices_unasked",
            "Callers who were not asked a choice, by why",
            ["controller", "line", "choice", "reason"],
        )
        self._playbacks = counter(
            "informativa_playbacks",
            "Prompts, by how their playback ended",
            ["controller", "line", "ending"],
        )
        self._heard = counter(
            "informativa_heard_seconds",
            "Seconds of notices that callers heard",
            ["controller", "line"],
        )
        self._spared = counter(
            "informativa_spared_seconds",
            "Seconds of notices that callers did not have to hear again",
            ["controller", "line"],
        )
        self._answered = Histogram(
            "informativa_answer_seconds",
            "How long a call took for which nothing was played",
            registry=registry,
            buckets=SECONDS,
        )
        self.spool_rows = gauge(
            "informativa_spool_rows",
            "Rows of the fallback spool that could not be collected",
        )
        self.spool_failures = counter(
            "informativa_spool_failures", "Times that the fallback spool could not be read", registry=registry
        )
        self._logs: set[str] = set()  # the controllers with metrics of their logs
        self.signed = gauge(
            "informativa_evidence_signed_records",
            "Records in the newest checkpoint of the log",
            ["controller"],
        )
        self.signed_at = gauge(
            "informativa_evidence_checked_time_seconds",
            "When all that was recorded was last found to be in a checkpoint, or put into one, since 1970",
            ["controller"],
        )
        self.signing_refused = gauge(
            "informativa_evidence_signing_refused",
            "1 if no checkpoint could, or may, be signed when it was last tried",
            ["controller"],
        )
        self._hooks = {
            name: gauge(f"informativa_hook_{name}", about, ["controller"]) for name, about in _HOOK.items()
        }
        self._requests = {
            name: gauge(f"informativa_requests_{name}", about, ["controller"])
            for name, about in _REQUESTS.items()
        }
        self._unusual_looks = Gauge(
            "informativa_unusual_looks",
            "Accounts that looked at persons' data in an unusual way within the last 24 hours",
            ["controller", "kind"],
            registry=registry,
        )
        self._hooked: set[str] = set()  # the controllers with these
        self.loaded = gauge(
            "informativa_configuration_loaded",
            "1 if the configuration was taken when it was last loaded",
        )
        build = gauge(
            "informativa_build_info",
            "Always 1; which informativa it is",
            ["version", "python"],
        )
        build.labels(__version__, platform.python_version()).set(1)
        started = Gauge(
            "informativa_start_time_seconds", "When it was started, since 1970", registry=registry
        )
        started.set(time.time())

    def serve(self, host: str, port: int) -> Callable[[], None]:
        """Answer at /metrics in a thread of its own. Return the function that ends it. Raises OSError."""
        server, thread = start_http_server(port, host, self._registry)

        def end() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return end

    def expect(self, lines: Iterable[Line]) -> None:
        """Set the counters of failures on these lines to zero before the first one: Prometheus sees no
        increase in a count that comes into being with the first failure, and the alert rules would miss that
        one."""
        self._calls.labels("", "", Status.FALLBACK, Reason.NO_LINE)
        lines = list(lines)
        for controller in {line.controller.id for line in lines} - self._logs:
            self._logs.add(controller)
            self.signing_refused.labels(controller)
            self.signed.labels(controller)
            self.signed_at.labels(controller).set(time.time())  # not yet, and not late either
        for controller in {line.controller.id for line in lines if line.controller.hook} - self._hooked:
            self._hooked.add(controller)
            for gauge in self._hooks.values():
                gauge.labels(controller)
        for line in lines:
            labels = (line.controller.id, line.number)
            self._calls.labels(*labels, Status.FALLBACK, Reason.LEDGER_UNAVAILABLE)
            for ending in (Ending.NOT_PLAYABLE, Ending.CHANGED):
                self._playbacks.labels(*labels, ending)

    def requests(self, controller: str, requests: Sequence[PersonRequest], today: date) -> None:
        """Set how many requests of persons are open, and how many overdue."""
        values = {
            "open": sum(request.is_open for request in requests),
            "overdue": sum(request.is_overdue(today) for request in requests),
        }
        for name, value in values.items():
            self._requests[name].labels(controller).set(value)

    def unusual_looks(self, controller: str, looks: Sequence[UnusualLooks]) -> None:
        """Set how many accounts looked at persons' data in an unusual way."""
        for kind in Unusual:
            accounts = sum(entry.kind is kind for entry in looks)
            self._unusual_looks.labels(controller, kind).set(accounts)

    def hook(self, controller: str, state: OutboxState, now: datetime) -> None:
        """Set what is so of a company's hook."""
        self._hooked.add(controller)
        age = (now - state.oldest).total_seconds() if state.oldest else 0
        values = {
            "waiting": state.waiting,
            "refused": state.refused,
            "stopped": state.stopped is not None,
            "oldest_seconds": max(age, 0),
        }
        for name, value in values.items():
            self._hooks[name].labels(controller).set(value)

    def keep_hooks(self, controllers: Container[str]) -> None:
        """Forget the hooks of all companies but these."""
        for controller in [name for name in self._hooked if name not in controllers]:
            self._hooked.remove(controller)
            for gauge in self._hooks.values():
                gauge.remove(controller)

    def answered(self, line: Line | None, result: CallResult, seconds: float) -> None:
        """Count one call. A line that is not configured is not named: it may be a caller's number."""
        labels = (line.controller.id, line.number) if line else ("", "")
        self._calls.labels(*labels, result.status, result.reason).inc()
        for choice, _, reason in (pair.partition(":") for pair in result.unasked.split()):
            self._unasked.labels(*labels, choice, reason).inc()
        for event in result.events:
            if event.asked is not None:
                self._choices.labels(*labels, event.asked.choice, event.asked.answer).inc()
                if event.heard is not None:
                    self._playbacks.labels(*labels, event.heard.ending).inc()
                continue
            self._notices.labels(*labels, event.notice, event.status, event.reason).inc()
            if event.heard is not None:
                self._playbacks.labels(*labels, event.heard.ending).inc()
                self._heard.labels(*labels).inc(event.heard.seconds)
            elif line is not None and event.status is Status.NOTDUE:
                self._spared.labels(*labels).inc(line.seconds(event.notice, event.version, event.language))
        if not any(event.heard for event in result.events):
            self._answered.observe(seconds)


class _StateCollector(Collector):
    """A collector of the state at the moment of the request."""

    def __init__(self, state: ServiceState) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """Iterate over the metrics, for the registry."""
        calls = GaugeMetricFamily("informativa_calls_in_progress", "Calls in progress")
        calls.add_metric([], self._state.in_progress())
        yield calls
        queue = GaugeMetricFamily("informativa_ledger_queue", "Work that waits", labels=["controller"])
        usable = GaugeMetricFamily("informativa_ledger_usable", "1 if it is open", labels=["controller"])
        for controller, waiting in self._state.waiting().items():
            usable.add_metric([controller], waiting is not None)
            if waiting is not None:
                queue.add_metric([controller], waiting)
        yield queue
        yield usable
        live = GaugeMetricFamily("informativa_controller_live", "1 if it may go live", labels=["controller"])
        for controller, is_live in self._state.live().items():
            live.add_metric([controller], is_live)
        yield live
        turned_away = CounterMetricFamily(
            "informativa_turned_away", "Connections that came to no call, or to its loss", labels=["why"]
        )
        for reason, count in self._state.turned_away().items():
            turned_away.add_metric([reason], count)
        yield turned_away
