"""Fuzzing that follows the code's branches: `python -m torture.guided SECONDS`.

With atheris (a package of that name, for Linux), which is optional. It tries what test_fuzz tries too: fields
of an environment and replies of an Asterisk, cut out of bytes that it makes up. It ends with an error and the
bytes that caused it, also as a file in the folder for temporary files.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile

import atheris

ATTACKED = [
    "informativa.call.agi",
    "informativa.asterisk",
    "informativa.call.answering",
    "informativa.call.handler",
]
with atheris.instrument_imports(include=ATTACKED):
    from torture import fuzzing


def main(seconds: int) -> None:
    """Try for so long. Ends the process."""
    runner = asyncio.Runner()

    def attempt(data: bytes) -> None:
        made_up = atheris.FuzzedDataProvider(data)

        def some() -> bytes:
            if made_up.ConsumeBool():
                return bytes(made_up.PickValueInList([*fuzzing.FRAGMENTS, *fuzzing.REPLIES]))
            return bytes(made_up.ConsumeBytes(made_up.ConsumeIntInRange(0, 40)))

        start = fuzzing.environment(some() + some(), some()) if made_up.ConsumeBool() else some()
        sent = [(start, 3)]
        while made_up.remaining_bytes():
            sent.append((some(), made_up.ConsumeIntInRange(0, 6)))
        assert fuzzing.unintended(runner.run(fuzzing.serve(sent))) == []

    options = {"max_total_time": seconds, "max_len": 400, "artifact_prefix": f"{tempfile.gettempdir()}/"}
    atheris.Setup([sys.argv[0], *(f"-{name}={value}" for name, value in options.items())], attempt)
    atheris.Fuzz()


if __name__ == "__main__":
    main(int(sys.argv[1]))
