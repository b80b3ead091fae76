"""A bucket of an S3 server as a backup target.

One request puts an object, whatever its size up to the server's limit (5 GiB at AWS): the engine's are far below what
multipart uploads are made for, and one request is what can be conditional. In a bucket with versions deleted objects
keep their room until the bucket's own rules end them.
"""

import base64
import os
import threading
import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Self

from botocore.exceptions import ClientError

from drivers.backup.base import BackupTarget, ObjectInfo, TargetCapabilities, is_name
from drivers.backup.s3_body import Body, read_into
from drivers.backup.s3_errors import as_target_errors, status_of, was_repeated
from drivers.backup.s3_settings import S3Settings
from drivers.errors import InvalidConfiguration, NotSupported, ObjectMissing, PermanentDriverError

PROBES = "~check/"  # not the beginning of a name: "~" is not allowed there
PROBE = memoryview(b"0123456789")
LEFTOVER_AFTER = timedelta(days=1)
NO_CONDITIONS = {HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.BAD_REQUEST, HTTPStatus.METHOD_NOT_ALLOWED}


class S3Target(BackupTarget):
    """Keeps objects in a bucket that exists, below a prefix.

    Settings: `bucket`; `endpoint_url` (default: AWS), `region`, `prefix`; `access_key` and `secret_key`, or
    `credentials_file` (as ~/.aws/credentials is written) and `credentials_profile`; `ca_file`, `verify_tls`,
    `path_style`, `checksum`, `attempts`, `connect_timeout_s`, `read_timeout_s`, `connections`.
    """

    def __init__(self, key: str, settings: S3Settings) -> None:
        self.key = key
        self.capabilities = TargetCapabilities()
        self._settings = settings
        self._lock = threading.Lock()
        self._made: tuple[int, Any] | None = None

    def __repr__(self) -> str:
        return f"S3Target({self.key!r}, {self._settings.endpoint_url!r}, {self._settings.bucket!r})"

    @classmethod
    def from_settings(cls, key: str, settings: Mapping[str, Any]) -> Self:
        """Make a target in a bucket. :raises InvalidConfiguration: naming the target and the entry that is wrong."""
        return cls(key, S3Settings.from_mapping(key, settings))

    def check(self) -> None:
        """Put, read and delete a probe, with credentials read anew; find out whether conditions are obeyed.

        :raises InvalidConfiguration: if the server refuses, or there is no such bucket.
        """
        with self._lock:
            self._made = None
        try:
            with self._doing("checking"):
                self._client.list_objects_v2(Bucket=self._settings.bucket, Prefix=self._key(PROBES), MaxKeys=1)
                self._need_bucket()
                self._probe()
        except PermanentDriverError as error:
            if type(error) is not PermanentDriverError:
                raise
            raise InvalidConfiguration(error.message) from error

    def _need_bucket(self) -> None:
        """Ask for the bucket itself: some servers list one that is not there, and make it at the first put."""
        try:
            self._client.head_bucket(Bucket=self._settings.bucket)
        except ClientError as error:
            if status_of(error) == HTTPStatus.NOT_FOUND:
                message = f"Backup target {self.key!r}, entry 'bucket': {self._settings.bucket!r} does not exist"
                raise InvalidConfiguration(message) from error
            raise

    def _probe(self) -> None:
        """Do with an object what will be done with all of them. :raises NotSupported: if parts cannot be read."""
        name = f"{PROBES}{uuid.uuid4().hex}"
        self._send(name, [PROBE])
        try:
            if self._get(name, 3, 4) != PROBE[3:7]:
                raise NotSupported(f"Backup target {self.key!r}: the server does not serve parts of objects")
            self.capabilities = TargetCapabilities(conditional_put=self._obeys_conditions(name))
        finally:
            self._delete(name)
        for found in self._pages(PROBES):
            if found["LastModified"] < datetime.now(UTC) - LEFTOVER_AFTER:
                self._client.delete_object(Bucket=self._settings.bucket, Key=found["Key"])

    def _obeys_conditions(self, name: str) -> bool:
        """Return whether the server refuses to replace an object that should have been absent."""
        try:
            self._send(name, [PROBE], IfNoneMatch="*")
        except ClientError as error:
            if status_of(error) in NO_CONDITIONS:
                return False
            if status_of(error) == HTTPStatus.PRECONDITION_FAILED:
                return True
            raise
        return False

    def _put(self, name: str, buffers: Sequence[memoryview], *, only_if_absent: bool) -> bool:
        """Send it. Raises as the contract says."""
        with self._doing(f"putting {name}"):
            if not only_if_absent:
                self._send(name, buffers)
                return True
            if not self.capabilities.conditional_put:
                return self._put_after_a_look(name, buffers)
            writer = uuid.uuid4().hex
            try:
                self._send(name, buffers, IfNoneMatch="*", Metadata={"writer": writer})
            except ClientError as error:
                if status_of(error) != HTTPStatus.PRECONDITION_FAILED:
                    raise
                return was_repeated(error) and self._writer(name) == writer
            return True

    def _put_after_a_look(self, name: str, buffers: Sequence[memoryview]) -> bool:
        """Do without conditions, which this server does not know."""
        try:
            self._size(name)
        except ObjectMissing:
            self._send(name, buffers)
            return True
        return False

    def _writer(self, name: str) -> str | None:
        """Return which put an object comes from: it may be ours, whose answer was lost before it was sent again."""
        found: dict[str, str] = self._client.head_object(Bucket=self._settings.bucket, Key=self._key(name))["Metadata"]
        return found.get("writer")

    def _send(self, name: str, buffers: Sequence[memoryview], **more: object) -> None:
        """Put an object as boto3 does it."""
        if self._settings.checksum:
            checksum = 0
            for buffer in buffers:
                checksum = zlib.crc32(buffer, checksum)
            more["ChecksumCRC32"] = base64.b64encode(checksum.to_bytes(4, "big")).decode()
        body = Body(buffers)
        self._client.put_object(
            Bucket=self._settings.bucket,
            Key=self._key(name),
            Body=body if body.size else b"",
            ContentLength=body.size,
            **more,
        )

    def _get(self, name: str, offset: int, length: int | None) -> bytes:
        with self._doing(f"reading {name}"), self._part(name, offset, length) as body:
            return bytes(body.read()) if body else b""

    def _get_into(self, name: str, view: memoryview, offset: int) -> int:
        with self._doing(f"reading {name}"), self._part(name, offset, len(view)) as body:
            return read_into(body, view) if body else 0

    @contextmanager
    def _part(self, name: str, offset: int, length: int | None) -> Iterator[Any]:
        """Open the body of a part; `None` if there is nothing in it. :raises NotSupported: for another part's."""
        if length == 0:
            self._size(name)
            yield None
            return
        wanted = {} if (offset, length) == (0, None) else {"Range": _range(offset, length)}
        try:
            answer = self._client.get_object(Bucket=self._settings.bucket, Key=self._key(name), **wanted)
        except ClientError as error:
            if status_of(error) != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
            yield None  # it exists, and ends before
            return
        with closing(answer["Body"]) as body:
            whole_will_do = offset == 0 and (length is None or answer.get("ContentLength", length + 1) <= length)
            if not whole_will_do and not str(answer.get("ContentRange", "")).startswith(f"bytes {offset}-"):
                raise NotSupported(f"Backup target {self.key!r}: the server does not serve parts of objects")
            yield body

    def _size(self, name: str) -> int:
        with self._doing(f"asking for {name}"):
            return int(self._client.head_object(Bucket=self._settings.bucket, Key=self._key(name))["ContentLength"])

    def _delete(self, name: str) -> None:
        with self._doing(f"deleting {name}"):
            try:
                self._client.delete_object(Bucket=self._settings.bucket, Key=self._key(name))
            except ClientError as error:
                if status_of(error) != HTTPStatus.NOT_FOUND:
                    raise

    def _list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Ask page by page. Raises as the contract says."""
        with self._doing(f"listing {prefix!r}"):
            for found in self._pages(prefix):
                name = found["Key"].removeprefix(self._settings.prefix)
                if is_name(name):
                    yield ObjectInfo(name, found["Size"], found["LastModified"].astimezone(UTC))

    def _pages(self, prefix: str) -> Iterator[dict[str, Any]]:
        """Yield what the server says of each object below a prefix."""
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._settings.bucket, Prefix=self._key(prefix)):
            yield from page.get("Contents", ())

    @property
    def _client(self) -> Any:
        """Return the client of this process: connections must not be shared with one that was forked."""
        with self._lock:
            if self._made is None or self._made[0] != os.getpid():
                self._made = os.getpid(), self._settings.client(self.key)
            return self._made[1]

    def _key(self, name: str) -> str:
        return f"{self._settings.prefix}{name}"

    @contextmanager
    def _doing(self, doing: str) -> Iterator[None]:
        with as_target_errors(f"Backup target {self.key!r} in bucket {self._settings.bucket!r}, {doing}"):
            yield


def _range(offset: int, length: int | None) -> str:
    """Return the header that asks for a part which is not empty."""
    return f"bytes={offset}-" if length is None else f"bytes={offset}-{offset + length - 1}"
