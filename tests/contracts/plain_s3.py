"""A small S3 server that knows no conditions and checks no signatures, and a wire that loses what it shall lose."""

import select
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

LISTING = "<ListBucketResult><IsTruncated>false</IsTruncated>{}</ListBucketResult>"
LISTED = "<Contents><Key>{}</Key><Size>{}</Size><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>"


@dataclass
class PlainS3:
    """What the server keeps, what it was asked, and the answers it was told to give instead, one for each request."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    instead: deque[tuple[int, str]] = field(default_factory=deque)
    """Status and code; status 0 closes the connection without a word, 1 answers half of what it promises."""
    serves_parts: bool = True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def plain(self) -> PlainS3:
        return self.server.plain

    def log_message(self, *words: object) -> None:
        """Say nothing."""

    def handle_one(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path, _, query = self.path.partition("?")
        _, _, key = unquote(path).removeprefix("/").partition("/")
        self.plain.asked.append((self.command, key))
        status, code = self.plain.instead.popleft() if self.plain.instead else (200, "")
        if status == 0:
            self.close_connection = True
        elif status == 1:
            self.answer(200, b"half", promised=8)
            self.close_connection = True
        elif status != 200:
            self.answer(status, f"<Error><Code>{code}</Code><Message>{body[:99]!r}</Message></Error>".encode())
        else:
            getattr(self, f"answer_{self.command.lower()}")(key, parse_qs(query), body)

    do_GET = do_PUT = do_HEAD = do_DELETE = handle_one  # noqa: N815 - the names http.server looks for

    def answer_put(self, key, query, body):
        self.plain.objects[key] = body
        self.answer(200)

    def answer_delete(self, key, query, body):
        self.plain.objects.pop(key, None)
        self.answer(204)

    def answer_head(self, key, query, body):
        if key and key not in self.plain.objects:
            self.answer(404)
        else:
            self.answer(200, self.plain.objects.get(key, b""))

    def answer_get(self, key, query, body):
        if not key:
            prefix = query.get("prefix", [""])[0]
            found = sorted(it for it in self.plain.objects.items() if it[0].startswith(prefix))
            self.answer(200, LISTING.format("".join(LISTED.format(escape(k), len(v)) for k, v in found)).encode())
        elif key not in self.plain.objects:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            self.answer_object(self.plain.objects[key])

    def answer_object(self, content):
        wanted = self.headers.get("Range")
        if not wanted or not self.plain.serves_parts:
            self.answer(200, content)
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        part = content[int(first) : int(last) + 1 if last else None]
        if not part:
            self.answer(416, b"<Error><Code>InvalidRange</Code></Error>")
            return
        self.answer(206, part, [("Content-Range", f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}")])

    def answer(self, status, content=b"", headers=(), promised=None):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) if promised is None else promised))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@contextmanager
def plain_s3(certificate: Path | None = None) -> Iterator[PlainS3]:
    """Run the server in threads of this process, behind TLS if there is a file with a certificate and its key."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        server.plain = PlainS3(f"http{'s' if certificate else ''}://127.0.0.1:{server.server_port}")
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.plain
        finally:
            server.shutdown()
            thread.join()


class Wire:
    """Passes bytes to the server of `url` and back.

    It loses the next `answers_to_lose` good answers to puts, passes nothing while it is silent, and cuts connections
    once clients have sent `bytes_until_cut`.
    """

    def __init__(self, url: str) -> None:
        self._server = ("127.0.0.1", urlsplit(url).port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.answers_to_lose = 0
        self.is_silent = False
        self.bytes_until_cut: int | None = None
        self._threads = [threading.Thread(target=self._accept)]
        self._open: list[socket.socket] = []

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *_):
        for it in (self._listener, *self._open):
            with suppress(OSError):
                it.shutdown(socket.SHUT_RDWR)
            it.close()
        for thread in self._threads:
            thread.join()

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._open += [client, server]
                self._threads.append(threading.Thread(target=self._pass_on, args=(client, server)))
                self._threads[-1].start()

    def _pass_on(self, client, server):
        is_put = False
        with client, server, suppress(OSError, ValueError):
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    content = ready.recv(65536)
                    if not content:
                        return
                    if ready is client:
                        is_put = content.startswith(b"PUT") or (is_put and not content.startswith((b"GET", b"HEAD")))
                    elif is_put and self.answers_to_lose and content.startswith(b"HTTP/1.1 200"):
                        self.answers_to_lose -= 1
                        return
                    if self.bytes_until_cut is not None and ready is client:
                        content = content[: self.bytes_until_cut]
                        self.bytes_until_cut -= len(content)
                        if not content:
                            return
                    if not self.is_silent:
                        (server if ready is client else client).sendall(content)
