"""Web servers in front of the console, as its page of the documentation has them: nginx, Caddy and Apache,
the machine's own or Debian's without root."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from .certificates import Certificate
from .databases import LEFT_OUT, as_plain_user, given, listens, tail
from .debian import Progress, Unavailable, of_this_release, silent
from .ports import free_port
from .process import Child, until

_PAGE = Path(__file__).parents[2] / "docs/console.md"
_BOOT = 60.0  # seconds; a fraction of one is usual

_NGINX = """\
daemon off;
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
{example}
    }}
}}
"""
_CADDY = """\
{{
    admin off
    auto_https disable_redirects
    default_bind 127.0.0.1
    storage file_system {folder}/store
}}
{example}
"""
_APACHE = """\
ServerRoot {folder}
ServerName localhost
PidFile {folder}/pid
DefaultRuntimeDir {folder}
ErrorLog {folder}/errors
Listen 127.0.0.1:{port} https
{modules}
SSLEngine on
SSLCertificateFile {folder}/cert.pem
SSLCertificateKeyFile {folder}/key.pem
{example}
"""
_APACHE_MODULES = ("mpm_event", "authz_core", "headers", "socache_shmcb", "ssl", "proxy", "proxy_http")


@dataclass(frozen=True)
class FrontServer:
    """A web server: its package, its program there, the first line of its example, and the command after the
    program; `settings` are around the example."""

    name: str
    package: str
    program: str
    language: str
    settings: str
    arguments: tuple[str, ...]

    def example(self) -> str:
        """Return the example of the documentation."""
        blocks = re.findall(rf"^```{self.language}\n(.*?)^```", _PAGE.read_text(), re.M | re.S)
        assert blocks, self
        return str(blocks[0])


FRONTS = {
    front.name: front
    for front in (
        FrontServer(
            "nginx", "nginx", "usr/sbin/nginx", "nginx", _NGINX, ("-c", "{folder}/conf", "-p", "{folder}"),
        ),
        FrontServer(
            "caddy", "caddy", "usr/bin/caddy", "caddy", _CADDY,
            ("run", "--config", "{folder}/conf", "--adapter", "caddyfile"),
        ),
        FrontServer(
            "apache", "apache2-bin", "usr/sbin/apache2", "apache", _APACHE, ("-X", "-f", "{folder}/conf"),
        ),
    )
}  # fmt: skip


def obtain(front: FrontServer, progress: Progress = silent) -> tuple[Path, Path]:
    """Return the program, and the root of the system that it is of. Raises Unavailable."""
    own = shutil.which(Path(front.program).name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if own:
        return Path(own), Path("/")
    root = of_this_release([front.package], progress, LEFT_OUT)
    program = root / front.program
    if not program.exists():
        raise Unavailable(f"There is no {front.name} in {root}.", f"Install {front.package}.")
    return program, root


class RunningFront:
    """A server that speaks TLS at `address` and asks the console at a port; a context manager."""

    def __init__(self, front: FrontServer, folder: Path, console_port: int, certificate: Certificate) -> None:
        self._front, self._folder, self._console_port = front, folder, console_port
        self._certificate = certificate
        self._child: Child | None = None
        self.port = free_port()
        self.address = f"https://localhost:{self.port}"

    def __enter__(self) -> RunningFront:
        program, root = obtain(self._front)
        folder = self._folder
        folder.mkdir()
        (folder / "cert.pem").write_bytes(self._certificate.certificate)
        (folder / "key.pem").write_bytes(self._certificate.key)
        (folder / "conf").write_text(self._settings(root))
        given(folder)
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C"}
        if root != Path("/"):
            libraries = [*root.glob("usr/lib/*-linux-*"), *root.glob("lib/*-linux-*")]
            environment["LD_LIBRARY_PATH"] = ":".join(map(str, libraries))
        arguments = [word.format(folder=folder) for word in self._front.arguments]
        self._child = Child(
            [*as_plain_user(), str(program), *arguments], cwd=folder, output=folder / "log", env=environment
        )
        until(lambda: listens(self.port), _BOOT, lambda: f"No start.{tail(folder / 'log')}", self._child)
        return self

    def __exit__(self, *_: object) -> None:
        if self._child:
            self._child.end()

    def _settings(self, root: Path) -> str:
        """Return the whole configuration: the example with the ports and the name of the lab."""
        example = self._front.example().replace("127.0.0.1:4591", f"127.0.0.1:{self._console_port}")
        files = f"{self._folder}/cert.pem {self._folder}/key.pem"
        example = example.replace(
            "console.acme.example {", f"https://localhost:{self.port} {{\n    tls {files}"
        )
        folder = root / "usr/lib/apache2/modules"
        modules = "\n".join(f"LoadModule {name}_module {folder}/mod_{name}.so" for name in _APACHE_MODULES)
        return self._front.settings.format(
            folder=self._folder, port=self.port, example=example, modules=modules
        )
