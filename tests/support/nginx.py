"""The shipped nginx files before processes of this machine: the same text, with other ports and files."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from auth.certificates import issue, make_authority, write
from hub.demo.staging import free_port
from tests.support.sources import ROOT

FILES = ROOT / "deploy" / "nginx"
#: Where Debian puts it: not on everybody's path.
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
_MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")


class Ports:
    """Where nginx listens, and what stands behind it."""

    def __init__(self, grpc: int, console: int) -> None:
        self.grpc, self.console = grpc, console
        self.front_grpc, self.front_console = free_port(), free_port()


def configuration(folder: Path, ports: Ports) -> Path:
    """Writes a whole configuration that includes the shipped files; returns its place."""
    now = datetime.now(UTC)
    authority = make_authority("nginx", now)
    write(issue(authority, "431200.console", now), folder / "console.pem", folder / "console.key")
    changes = {
        "127.0.0.1:7443": f"127.0.0.1:{ports.grpc}",
        "127.0.0.1:7480": f"127.0.0.1:{ports.console}",
        "listen 8443": f"listen 127.0.0.1:{ports.front_grpc}",
        "listen 443 ": f"listen 127.0.0.1:{ports.front_console} ",
        "/etc/nginx/sanji/": f"{folder}/",
    }
    for file in FILES.glob("*.conf"):
        text = file.read_text(encoding="utf-8")
        for old, new in changes.items():
            text = text.replace(old, new)
        (folder / file.name).write_text(text, encoding="utf-8")
    module = f"load_module {_MODULE};\n" if _MODULE.exists() else ""
    places = "".join(
        f"    {kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = folder / "nginx.conf"
    whole.write_text(
        f"{module}daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\n"
        f"events {{ worker_connections 256; }}\ninclude {folder}/sanji-stream.conf;\n"
        f"http {{\n    access_log off;\n{places}    include {folder}/sanji-console.conf;\n}}\n",
        encoding="utf-8",
    )
    return whole


@contextmanager
def running(folder: Path, ports: Ports) -> Iterator[None]:
    """Runs nginx until the block ends."""
    assert NGINX is not None
    whole = configuration(folder, ports)
    process = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(whole)], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)
