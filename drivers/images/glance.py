"""The part of an image service's v2 API that volumes need: records, and their content as a stream."""

import http.client
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from drivers.http import PIECE_BYTES, connection_to
from drivers.images.errors import ImageRefused, ImageServiceDown

LONGEST_ANSWER = 4 * 1024 * 1024
PATCH = "application/openstack-images-v2.1-json-patch"
IMAGE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OF_THE_RECORD = frozenset(
    ("id", "name", "status", "visibility", "protected", "checksum", "owner", "size", "virtual_size", "disk_format",
     "container_format", "min_disk", "min_ram", "created_at", "updated_at", "self", "file", "schema", "tags",
     "os_hash_algo", "os_hash_value", "os_hidden", "locations", "direct_url", "stores")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Image:
    """What the service says of an image; sizes are bytes, `min_disk_gib` is the smallest volume it wants."""

    id: str
    name: str = ""
    status: str = ""
    disk_format: str = ""
    container_format: str = ""
    size: int | None = None
    virtual_size: int | None = None
    min_disk_gib: int = 0
    min_ram_mib: int = 0
    checksum: str = ""
    hash_algorithm: str = ""
    hash_value: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Image":
        """Return it from an answer. :raises ImageServiceDown: if that is none about an image."""
        image_id = said.get("id")
        if not isinstance(image_id, str) or not IMAGE_ID.fullmatch(image_id):
            raise ImageServiceDown("The image service's answer is not about an image.")
        texts = {name: _text(said.get(name)) for name in ("name", "status", "disk_format", "container_format")}
        properties = {
            name: value for name, value in said.items() if name not in _OF_THE_RECORD and isinstance(value, str)
        }
        return cls(
            id=image_id,
            size=_number(said.get("size")),
            virtual_size=_number(said.get("virtual_size")),
            min_disk_gib=_number(said.get("min_disk")) or 0,
            min_ram_mib=_number(said.get("min_ram")) or 0,
            checksum=_text(said.get("checksum")),
            hash_algorithm=_text(said.get("os_hash_algo")),
            hash_value=_text(said.get("os_hash_value")),
            properties=properties,
            **texts,
        )


@dataclass(frozen=True, slots=True)
class Service:
    """Where an image service is and as whom it is asked. Redirections are not followed: the token is for it alone."""

    endpoint: str
    token: Callable[[], str] = field(repr=False)
    timeout_s: float = 10
    ca_file: str = ""

    def show(self, image_id: str) -> Image | None:
        """Return an image; None if there is none that the token may see. :raises ImageServiceDown: if not answered."""
        status, said = self._asked("GET", f"/v2/images/{quote(image_id, safe='')}")
        if status in {HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST}:
            return None
        return Image.of(_expected(status, said, HTTPStatus.OK))

    def named(self, name: str) -> list[Image]:
        """Return the images of a name, two at most. :raises ImageServiceDown: if the service does not answer."""
        # A name with a comma or such is quoted, as the service's filters want it.
        wanted = f'in:"{name}"' if "," in name else name
        status, said = self._asked("GET", "/v2/images?" + urlencode({"name": wanted, "limit": 2}))
        found = _expected(status, said, HTTPStatus.OK).get("images")
        return [Image.of(one) for one in found if isinstance(one, dict)][:2] if isinstance(found, list) else []

    def create(self, members: Mapping[str, Any]) -> Image:
        """Make a record without content. :raises ImageRefused: if that is not allowed, with the service's words."""
        return Image.of(_expected(*self._asked("POST", "/v2/images", dict(members)), HTTPStatus.CREATED))

    def delete(self, image_id: str) -> None:
        """Remove an image; one that has gone is none to remove. Raises as `create`."""
        status, said = self._asked("DELETE", f"/v2/images/{image_id}")
        if status not in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
            _expected(status, said, HTTPStatus.NO_CONTENT)

    def protect(self, image_id: str) -> None:
        """Have an image not be deleted until somebody says otherwise. Raises as `create`."""
        change = [{"op": "replace", "path": "/protected", "value": True}]
        _expected(*self._asked("PATCH", f"/v2/images/{image_id}", change, PATCH), HTTPStatus.OK)

    def content(self, image_id: str) -> Iterator[bytes]:
        """Yield what an image holds, piece by piece. :raises ImageServiceDown: if it ends too early."""
        with self._response("GET", f"/v2/images/{image_id}/file") as response:
            if response.status == HTTPStatus.NO_CONTENT:
                raise ImageRefused("The image has no content.")
            if response.status != HTTPStatus.OK:
                _expected(response.status, _members(response), HTTPStatus.OK)
            while piece := response.read(PIECE_BYTES):
                yield piece
            if response.length:
                raise ImageServiceDown(f"The image service ended {response.length} bytes too early.")

    def upload(self, image_id: str, pieces: Iterable[bytes], size: int) -> None:
        """Give an image its content, `size` bytes in all. Raises as `create`."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        with self._response("PUT", f"/v2/images/{image_id}/file", pieces, headers) as response:
            _expected(response.status, _members(response), HTTPStatus.NO_CONTENT)

    def _asked(
        self, method: str, path: str, body: Any = None, kind: str = "application/json"
    ) -> tuple[int, dict[str, Any]]:
        content = None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"Content-Type": kind}
        with self._response(method, path, content, headers) as response:
            return response.status, _members(response)

    @contextmanager
    def _response(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        where = urlsplit(self.endpoint.rstrip("/"))
        prefix = where.path.removesuffix("/v2")
        try:
            connection = connection_to(where, timeout_s=self.timeout_s, ca_file=self.ca_file)
            try:
                said = {"X-Auth-Token": self.token(), "Accept": "*/*", **(headers or {})}
                # Who refuses what is being sent may say so, and hang up, before all has been sent.
                with suppress(BrokenPipeError, ConnectionResetError):
                    connection.request(method, prefix + path, body=body, headers=said)
                yield connection.getresponse()
            finally:
                connection.close()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ImageServiceDown(f"The image service cannot be asked: {type(error).__name__}.") from error


def _members(response: http.client.HTTPResponse) -> dict[str, Any]:
    """Return the object in an answer's body, empty if it is none."""
    try:
        found = json.loads(response.read(LONGEST_ANSWER) or b"{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _expected(status: int, said: dict[str, Any], wanted: int) -> dict[str, Any]:
    """Return what was said with the status wanted. :raises ImageRefused, ImageServiceDown: with another one."""
    if status == wanted:
        return said
    words = _text(said.get("message"))[:200] or f"status {status}"
    # 401: our own token has run out, or the identity service is away; 409: not ready yet.
    is_for_later = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
    if is_for_later or status < HTTPStatus.BAD_REQUEST:
        raise ImageServiceDown(f"The image service answers {words}.")
    raise ImageRefused(f"The image service refuses: {words}.")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
