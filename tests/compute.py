"""A small compute service that says which servers use which volumes, and nothing else."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATH = re.compile(r"/v2\.1/servers/([^/]+)/os-volume_attachments/([^/]+)")


class Compute(ThreadingHTTPServer):
    """Answers by `uses`: (server, volume) to the attachment, with `failure` in place of everything else."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.uses: dict[tuple[str, str], str] = {}
        self.failure = 0
        self.is_old = False
        self.garbage = b""
        self.asked: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v2.1"


class _Answers(BaseHTTPRequestHandler):
    server: Compute

    def do_GET(self) -> None:
        version = self.headers.get("OpenStack-API-Version", "")
        self.server.asked.append((self.headers.get("X-Auth-Token", ""), version))
        found = PATH.fullmatch(self.path)
        if self.server.failure:
            self._say(self.server.failure, {})
        elif version and self.server.is_old:
            self._say(406, {"computeFault": {"code": 406, "message": "Version is not supported."}})
        elif found is None or found.groups() not in self.server.uses:
            self._say(404, {"itemNotFound": {"code": 404, "message": "not found"}})
        else:
            told = {"id": found[2], "serverId": found[1], "volumeId": found[2], "device": "/dev/vdb"}
            if version:
                told["attachment_id"] = self.server.uses[found[1], found[2]]
            self._say(200, {"volumeAttachment": told})

    def _say(self, status: int, body: object) -> None:
        content = self.server.garbage or json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if status in {301, 302, 307}:
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_words: object) -> None:
        pass


@contextmanager
def compute() -> Iterator[Compute]:
    """Run one."""
    with Compute() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
