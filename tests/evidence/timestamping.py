"""A time-stamping authority, which is openssl, on a port of its own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from evidence.serving import Asked, Reply, Server, answering
from informativa.evidence.settings import TimestampAuthority

CONFIGURATION = """
[own]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""


def openssl(folder: Path, *arguments: str) -> None:
    """Run it; it must succeed."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, check=True)


@dataclass
class Authority:
    """One with a root and a key of its own, in a folder; and where it answers."""

    folder: Path
    server: Server

    @property
    def settings(self) -> TimestampAuthority:
        return TimestampAuthority(f"{self.server.url}/tsr", str(self.folder / "root.pem"))


@contextmanager
def authority(folder: Path) -> Iterator[Authority]:
    """It answers as long as this lasts."""
    folder.mkdir()
    (folder / "serial").write_text("01\n")
    (folder / "tsa.cnf").write_text(CONFIGURATION.format(folder=folder))
    (folder / "ext").write_text("extendedKeyUsage=critical,timeStamping\n")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    root = ("-keyout", "root.key", "-out", "root.pem", "-subj", "/CN=Root", "-days", "36500")
    openssl(folder, "req", "-x509", *key, *root, "-addext", "keyUsage=critical,keyCertSign")
    openssl(folder, "req", *key, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=TSA")
    issue = ("-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", "36500")
    openssl(folder, "x509", "-req", "-in", "tsa.csr", *issue, "-extfile", "ext", "-out", "tsa.pem")

    def reply(request: Asked) -> Reply:
        (folder / "query").write_bytes(request.body)
        signing_options = ("-config", "tsa.cnf", "-section", "own", "-signer", "tsa.pem", "-inkey", "tsa.key")
        openssl(folder, "ts", "-reply", *signing_options, "-queryfile", "query", "-out", "reply")
        return 200, "application/timestamp-reply", (folder / "reply").read_bytes()

    with answering(reply) as server:
        yield Authority(folder, server)
