"""The page on which whoever runs the machine sees how it is."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from console.served import PATIENCE, Browser, ServedConsole
from lab.ports import free_port


def listens_on(office: ServedConsole, port: int) -> None:
    """Configure the port of the service."""
    file = office.folder / "informativa.yaml"
    file.write_text(file.read_text().replace("127.0.0.1:4588", f"127.0.0.1:{port}", 1))


@contextmanager
def service(office: ServedConsole, report: str) -> Iterator[None]:
    """A program that answers whoever asks the service what it says of itself, where it is configured."""

    class Answer(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(f'SET VARIABLE "INFORMATIVA_SERVICE" "{report}"\n'.encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answer) as server:
        listens_on(office, server.server_address[1])
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def last_hours(browser: Browser) -> list[str]:
    """The cells of each company's last hour on the page, once the service was asked."""
    patience = threading.Event()
    for _ in range(round(PATIENCE * 20)):
        text = browser.get("/health").text
        cells = re.findall(r'<td data-label="Last hour">(.*?)</td>', text)
        if "asking the service" not in cells:
            return [re.sub("<.*?>", "", cell) for cell in cells]
        patience.wait(0.05)
    raise TimeoutError


def test_calls_that_fell_back_in_the_last_hour_are_told(office: ServedConsole) -> None:
    """The page shows them by company, as `status` does; a user who does not run all of the machine has no
    page."""
    with service(office, "version=0 fell-back=acme:3:40"):
        assert last_hours(office.browser("operator")) == [
            "3 of 40 calls FELL BACK, and are on no record yet",
            "no call fell back",
        ]
        assert office.browser("admin@acme").get("/health").status_code == 404


def test_service_that_does_not_answer_is_told(office: ServedConsole) -> None:
    """Nothing is said of calls of which nobody knows."""
    listens_on(office, free_port())
    assert last_hours(office.browser("operator")) == ["the service does not answer"] * 2
