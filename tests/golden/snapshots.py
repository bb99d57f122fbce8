"""Files of what somebody reads or another program receives: one for each case, text as it is.

A test takes the fixture `snapshot` as `snapshot(extension_class=Readable)`. After a change that is meant:
`python -m pytest tests/golden --snapshot-update`, and read the difference.
"""

from __future__ import annotations

from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode


class Readable(SingleFileSnapshotExtension):
    """Any text."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


class Page(Readable):
    """One that a browser shows."""

    file_extension = "html"
