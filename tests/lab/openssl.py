"""The command line of OpenSSL: the machine's own, or Debian's, taken without root."""

from __future__ import annotations

import shutil

from .builds import loader
from .debian import Progress, of_this_release, silent


def command(progress: Progress = silent) -> list[str]:
    """Return what runs it. Raises Unavailable."""
    if own := shutil.which("openssl"):
        return [own]
    root = of_this_release(["openssl"], progress)
    return ["env", f"OPENSSL_CONF={root}/etc/ssl/openssl.cnf", *loader(root), f"{root}/usr/bin/openssl"]
