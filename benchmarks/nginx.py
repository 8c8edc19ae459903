"""nginx twice: as the instant upstream, and as the plain proxy that everything is compared with.

Both as in the speed proof of the design: one worker, keep-alive on both sides, no access log.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks import tools
from benchmarks.bench import Bench, free_port, listening
from benchmarks.payload import ANSWER, MESSAGE
from benchmarks.processes import Broken, Process, children, pin

# `master_process on` gives a worker that is its master's only child: the worker is what is measured.
MAIN = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
worker_rlimit_nofile {files};
events {{ worker_connections {connections}; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 600s; default_type application/json;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  {http}
}}
"""

UPSTREAM = """
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ return 200 '{answer}'; }}
    location /v1/messages {{ return 200 '{message}'; }}
  }}
"""

# Streams and images pass through unbuffered, as people configure nginx in front of model vendors.
PROXY = """
  upstream chat {{ server 127.0.0.1:{chat}; keepalive 256; keepalive_requests 100000000; }}
  upstream images {{ server 127.0.0.1:{images}; keepalive 64; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    client_max_body_size 0; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_set_header Authorization "Bearer sk-test-not-a-real-key"; {streaming}
    location / {{ proxy_pass http://chat; }}
    location /images/ {{ proxy_pass http://images/; proxy_request_buffering off; }}
  }}
"""
FORK_S = 10.0
STREAMING = "proxy_buffering off; proxy_read_timeout 600s;"


class Nginx(NamedTuple):
    """A running nginx; `worker` is the process that does the work."""

    process: Process
    worker: int
    port: int


@contextlib.contextmanager
def upstream(bench: Bench) -> Iterator[Nginx]:
    """Answers at once, on the second core."""
    port = free_port()
    with _running(
        bench,
        "nginx-upstream",
        UPSTREAM.format(port=port, answer=ANSWER, message=MESSAGE),
        port,
        measured=False,
    ) as it:
        yield it


@contextlib.contextmanager
def proxy(bench: Bench, chat: int, images: int = 9, *, streaming: bool = False) -> Iterator[Nginx]:
    """`proxy_pass` to these ports, on the first core."""
    port = free_port()
    http = PROXY.format(port=port, chat=chat, images=images, streaming=STREAMING if streaming else "")
    with _running(bench, "nginx-proxy", http, port, measured=True) as it:
        yield it


@contextlib.contextmanager
def _running(bench: Bench, name: str, http: str, port: int, *, measured: bool) -> Iterator[Nginx]:
    nginx = tools.path("nginx")
    folder = bench.new_folder(name)
    folder.chmod(0o755)  # the worker is another user where we are root
    config = folder / "nginx.conf"
    config.write_text(MAIN.format(folder=folder, http=http, files=18000, connections=17000))
    argv = [nginx, "-c", str(config), "-p", str(folder), "-e", str(folder / "error.log")]
    with bench.process(name, argv, measured=measured) as process:
        listening(process, port)
        worker = _worker(process.pid)
        core = bench.core if measured else bench.other
        if core is not None:
            pin(worker, core)
        yield Nginx(process, worker, port)


def _worker(master: int) -> int:
    """The master listens before it has forked, and takes no processor time itself. Raises Broken when there is no worker in time."""
    until = time.monotonic() + FORK_S
    while time.monotonic() < until:
        if found := children(master):
            return found[0]
        time.sleep(0.01)
    raise Broken(f"nginx {master} had no worker after {FORK_S:g} s")
