"""A small image service: records and their content, as much of the v2 API as volumes and clients need."""

import hashlib
import json
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PATH = re.compile(r"/v2/images(?:/([^/]+))?(/file)?")
ZEROS = bytes(1024**2)
NOW = "2026-01-01T00:00:00Z"
OWN = {"status", "checksum", "size", "os_hash_algo", "os_hash_value", "id", "owner", "created_at", "updated_at"}


class Glance(ThreadingHTTPServer):
    """Keeps images in memory. `tokens`: who is let in, everybody if empty.

    Faults: `failure` is answered to everything, `failures` to as many calls as it has statuses, `cut_after` ends
    downloads after so many bytes, `pause` is waited for after the first piece of a download, and `refuses_upload`
    is answered to content.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.images: dict[str, dict[str, Any]] = {}
        self.contents: dict[str, bytes | bytearray] = {}
        self.tokens: set[str] = set()
        self.asked: list[tuple[str, str, str]] = []  # method, path, token
        self.failure = 0
        self.failures: list[int] = []
        self.refuses_upload = 0
        self.cut_after: int | None = None
        self.pause: threading.Event | None = None
        self.downloading = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def add(self, content: bytes, disk_format: str = "raw", **members: Any) -> str:
        """Keep an image, whole and active unless `members` say otherwise; return its id."""
        image_id = self.begin({"name": "an image", "disk_format": disk_format, "container_format": "bare"})["id"]
        self.fill(image_id, content)
        self.images[image_id] |= members
        return image_id

    def begin(self, members: dict[str, Any]) -> dict[str, Any]:
        image_id = members.get("id") or str(uuid.uuid4())
        self.images[image_id] = {
            "name": None, "disk_format": None, "container_format": None, "visibility": "shared", "protected": False,
            "min_disk": 0, "min_ram": 0, "tags": [], "os_hidden": False, "virtual_size": None, **members,
            "id": image_id, "status": "queued", "size": None, "checksum": None, "os_hash_algo": None,
            "os_hash_value": None, "owner": "a" * 32, "created_at": NOW, "updated_at": NOW,
            "self": f"/v2/images/{image_id}", "file": f"/v2/images/{image_id}/file", "schema": "/v2/schemas/image",
        }  # fmt: skip
        return self.images[image_id]

    def fill(self, image_id: str, content: bytes | bytearray) -> None:
        self.contents[image_id] = content
        self.images[image_id] |= {
            "status": "active",
            "size": len(content),
            "checksum": hashlib.md5(content, usedforsecurity=False).hexdigest(),
            "os_hash_algo": "sha512",
            "os_hash_value": hashlib.sha512(content).hexdigest(),
        }


class _Answers(BaseHTTPRequestHandler):
    server: Glance

    def do_GET(self) -> None:
        where = self._admitted()
        if where is None:
            return None
        image_id, is_content = where
        if image_id is None:
            return self._list()
        if image_id not in self.server.images:
            return self._say(404, {"message": f"No image found with ID {image_id}"})
        if is_content:
            return self._content(image_id)
        return self._say(200, self.server.images[image_id])

    def do_POST(self) -> None:
        if self._admitted():
            self._say(201, self.server.begin(json.loads(self._body() or b"null")))

    def do_PATCH(self) -> None:
        where = self._admitted()
        if where and where[0]:
            image = self.server.images[where[0]]
            for change in json.loads(self._body() or b"null"):
                name = change["path"].removeprefix("/")
                image.pop(name, None)
                if change["op"] != "remove" and name not in OWN:
                    image[name] = change["value"]
            self._say(200, image)

    def do_PUT(self) -> None:
        where = self._admitted()
        if where is None:
            return None
        image_id = str(where[0])
        if self.server.refuses_upload or image_id not in self.server.images:
            self._body()
            return self._say(self.server.refuses_upload or 404, {"message": "not taken"})
        self.server.images[image_id]["status"] = "saving"
        content = self._body()
        if content is None:
            self.server.images[image_id]["status"] = "queued"
            return None
        self.server.fill(image_id, content)
        return self._say(204, None)

    def do_DELETE(self) -> None:
        where = self._admitted()
        if where is None:
            return
        self.server.contents.pop(str(where[0]), None)
        found = self.server.images.pop(str(where[0]), None)
        self._say(204 if found else 404, None if found else {"message": "no such image"})

    def _admitted(self) -> tuple[str | None, bool] | None:
        """Return which image is meant and whether its content is; None after a refusal."""
        token = self.headers.get("X-Auth-Token", "")
        where = urlsplit(self.path)
        self.server.asked.append((self.command, where.path, token))
        failure = self.server.failures.pop(0) if self.server.failures else self.server.failure
        found = PATH.fullmatch(where.path.rstrip("/"))
        if failure:
            self._say(failure, {"message": "out of order"})
        elif self.command == "GET" and where.path.rstrip("/") in {"", "/v2", "/versions"}:
            version = {"id": "v2.9", "status": "CURRENT", "links": [{"rel": "self", "href": f"{self.server.url}/v2/"}]}
            self._say(300, {"versions": [version]})
        elif not token or (self.server.tokens and token not in self.server.tokens):
            self._say(401, {"message": "who is that?"})
        elif found is None:
            self._say(404, {"message": "not found"})
        else:
            return found[1], bool(found[2])
        return None

    def _list(self) -> None:
        wanted = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        name = wanted.get("name", "").removeprefix('in:"').removesuffix('"')
        found = [image for image in self.server.images.values() if "name" not in wanted or image["name"] == name]
        self._say(200, {"images": found[: int(wanted.get("limit", 25))], "schema": "/v2/schemas/images"})

    def _content(self, image_id: str) -> None:
        content = self.server.contents.get(image_id)
        if content is None:
            return self._say(204, None)
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        first = min(len(content), 65536)
        self.wfile.write(content[:first])
        self.wfile.flush()
        self.server.downloading.set()
        if self.server.pause is not None:
            self.server.pause.wait(60)
        end = len(content) if self.server.cut_after is None else self.server.cut_after
        with memoryview(content) as view:
            self.wfile.write(view[first:end])
        self.close_connection = self.server.cut_after is not None
        return None

    def _body(self) -> bytes | bytearray | None:
        """Return what was sent; None if that was cut off. Zeros take no memory."""
        if self.headers.get("Transfer-Encoding") == "chunked":
            found = bytearray()
            while length := int(self.rfile.readline(), 16):
                found += self.rfile.read(length)
                self.rfile.readline()
            self.rfile.readline()
            return found
        found, at = bytearray(int(self.headers.get("Content-Length", 0))), 0
        while piece := self.rfile.read(min(len(ZEROS), len(found) - at)):
            if piece != ZEROS[: len(piece)]:
                found[at : at + len(piece)] = piece
            at += len(piece)
        return found if at == len(found) else None

    def _say(self, status: int, body: object) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_words: object) -> None:
        pass


@contextmanager
def glance() -> Iterator[Glance]:
    """Run one."""
    with Glance() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            if server.pause is not None:
                server.pause.set()
            server.shutdown()
            thread.join()
