"""A network between a box and the database that a test can cut, or make swallow all that is sent."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Self

from lab.ports import free_port


class Wire:
    """Leads to a port of this machine, from one of its own; a context manager.

    `cut`: connections are reset, and new ones refused. `silence`: whatever is sent arrives nowhere and is
    acknowledged by the system, as by a server that hangs; so it stays for connections of that time.
    `break_after`: a connection ends amid what is said over it.
    """

    def __init__(self, target: int) -> None:
        self.connections = 0
        """The number of connections that were made."""
        self._target, self._open, self._silent = target, True, False
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)
        self._pumping: set[asyncio.Task[None]] = set()
        self._left: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = free_port()  # also for when it is mended: who connects in between must not get it
        self._run(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return what a box is told of it."""
        return (f"127.0.0.1:{self.port}",)

    def cut(self) -> None:
        """Nothing gets through, and both sides are told."""
        self._run(self._close())

    def silence(self) -> None:
        """Nothing gets through, and nobody is told."""
        self._silent = True

    def break_after(self, way: str, size: int) -> None:
        """The connection over which the byte after so many goes one way ("out", "back") ends there. The
        server gets all that was sent before, and has dealt with it when the box learns that it ended."""
        self._left = {way: size}

    def mend(self) -> None:
        """New connections get through, and none breaks by itself."""
        self._silent, self._left = False, {}
        if not self._open:
            self._run(self._listen())

    def _run(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(60)  # type: ignore[arg-type]

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self._open = True

    async def _close(self) -> None:
        self._server.close()
        self._open = False
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._pumping, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task
        self._pumping.add(task)
        self._writers.add(writer)
        try:
            there_reader, target = await asyncio.open_connection("127.0.0.1", self._target)
            self._writers.add(target)
            dead = [self._silent]
            await asyncio.gather(
                self._pump(reader, target, dead, "out"),
                self._pump(there_reader, writer, dead, "back", target),
            )
        except OSError:
            writer.close()
        finally:
            self._pumping.discard(task)

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        dead: list[bool],
        way: str,
        server: asyncio.StreamWriter | None = None,
    ) -> None:
        """`dead` is of one connection: what was swallowed once is missing for ever. Where the way back
        breaks, the `server` learns that nobody is there."""
        with contextlib.suppress(OSError):
            while data := await source.read(1 << 16):
                breaks = len(data) > (left := self._left.get(way, len(data)))
                if way in self._left:
                    data, self._left[way] = data[:left], left - min(left, len(data))
                dead[0] = dead[0] or self._silent
                if data and not dead[0]:
                    sink.write(data)
                    await sink.drain()
                if breaks:
                    self._left = {}
                    (server or sink).write_eof()
                    await self._drain(source)
                    break
        if not server and sink.can_write_eof():
            with contextlib.suppress(OSError):
                sink.write_eof()  # it answers what it got, and ends the connection
            return
        sink.close()

    async def _drain(self, source: asyncio.StreamReader) -> None:
        """Read to the end, and let nothing through."""
        while await source.read(1 << 16):
            pass
