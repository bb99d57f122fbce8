"""Jobs of the console: work that takes longer than a page may."""

from __future__ import annotations

import threading

from informativa.console.jobs import Jobs


def test_a_page_shows_a_job_as_it_was_at_one_moment() -> None:
    """It ends while a page is made of it: that page shows a running job, the next one the result."""
    work_goes_on, jobs = threading.Event(), Jobs(lambda _job: None)
    job = jobs.start("bundle", "acme", lambda _progress: work_goes_on.wait(60))
    shown = jobs.find(job.id, "acme")
    assert shown is not None
    work_goes_on.set()
    jobs._pool.shutdown(wait=True)
    assert shown.running
    assert shown.result is None
    ended = jobs.find(job.id, "acme")
    assert ended is not None
    assert (ended.running, ended.result) == (False, True)
