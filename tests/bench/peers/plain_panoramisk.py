"""panoramisk's Application as it comes: one variable is set, nothing is decided and nothing recorded.

python plain_panoramisk.py PORT
"""

from __future__ import annotations

import asyncio
import sys

from panoramisk.fast_agi import Application, Request


async def notice(request: Request) -> None:
    """Say what the null server says, as panoramisk's own examples say it."""
    await request.send_command('SET VARIABLE INFORMATIVA_STATUS "NOTDUE"')


async def main() -> None:
    """Serve until killed."""
    application = Application(loop=asyncio.get_running_loop())
    application.add_route("notice", notice)
    server = await asyncio.start_server(application.handler, "127.0.0.1", int(sys.argv[1]), backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
