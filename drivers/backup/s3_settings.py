"""The settings of an S3 target, credentials among them, and the client that is made from them."""

import configparser
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import boto3.session
import botocore.session
from botocore.config import Config

from drivers.backup.base import is_name
from drivers.backup.settings import TargetEntries
from drivers.errors import InvalidConfiguration

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
# Nothing of the account that runs the worker: neither ~/.aws nor AWS_PROFILE decides where backups go, and as whom.
_NOTHING_AMBIENT = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """Who we are for the server; has no text form that could reach a log."""

    access_key: str
    secret_key: str
    token: str | None = None


@dataclass(frozen=True, slots=True)
class S3Settings:
    """Everything an S3 target must be told."""

    bucket: str
    endpoint_url: str | None
    """`None` = the region's endpoint of AWS."""
    prefix: str
    """What is put before the names of objects, with its slash at the end, or nothing."""
    region: str
    path_style: bool
    checksum: bool
    """The server compares what arrives with a CRC-32."""
    verify: bool | str
    """Certificates are verified: against the public authorities, or those in this file."""
    attempts: int
    connect_timeout_s: float
    read_timeout_s: float
    connections: int
    given: Credentials | None = field(repr=False)
    credentials_file: str
    credentials_profile: str

    @classmethod
    def from_mapping(cls, key: str, settings: Mapping[str, Any]) -> Self:
        """Read the settings of target `key`. :raises InvalidConfiguration: naming the target and the entry."""
        entries = TargetEntries(key, settings)
        endpoint_url = _endpoint(entries)
        read = cls(
            bucket=_bucket(entries),
            endpoint_url=endpoint_url,
            prefix=_prefix(entries),
            region=entries.text("region", "us-east-1"),
            path_style=entries.flag("path_style", default=endpoint_url is not None),
            checksum=entries.flag("checksum", default=True),
            verify=_verify(entries),
            attempts=int(entries.number("attempts", 4, minimum=1, maximum=10)),
            connect_timeout_s=entries.number("connect_timeout_s", 5, minimum=0.1, maximum=60),
            read_timeout_s=entries.number("read_timeout_s", 30, minimum=0.1, maximum=600),
            connections=int(entries.number("connections", 16, minimum=1, maximum=256)),
            given=_credentials(entries),
            credentials_file=entries.text("credentials_file", ""),
            credentials_profile=entries.text("credentials_profile", "default"),
        )
        if (read.given is None) == (not read.credentials_file):
            raise entries.wrong("credentials_file", "give either this, or both access_key and secret_key")
        entries.finish()
        return read

    def credentials(self, key: str) -> Credentials:
        """Return the credentials as they are now. :raises InvalidConfiguration: if their file does not give them."""
        if self.given is not None:
            return self.given
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(Path(self.credentials_file).read_text())
            section = parser[self.credentials_profile]
            return Credentials(
                section["aws_access_key_id"], section["aws_secret_access_key"], section.get("aws_session_token")
            )
        except OSError as error:
            complaint = str(error)
        except (KeyError, ValueError, configparser.Error):  # whose texts quote lines of the file
            complaint = (
                f"{self.credentials_file} has no section [{self.credentials_profile}] with aws_access_key_id and "
                "aws_secret_access_key, one of them a line"
            )
        raise InvalidConfiguration(f"Backup target {key!r}, entry 'credentials_file': {complaint}")

    def client(self, key: str) -> Any:
        """Return a client, for any number of threads. :raises InvalidConfiguration: if there are no credentials."""
        who = self.credentials(key)
        session = boto3.session.Session(botocore_session=botocore.session.Session(session_vars=_NOTHING_AMBIENT))
        return session.client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name=self.region,
            verify=self.verify,
            aws_access_key_id=who.access_key,
            aws_secret_access_key=who.secret_key,
            aws_session_token=who.token,
            config=Config(
                connect_timeout=self.connect_timeout_s,
                read_timeout=self.read_timeout_s,
                retries={"mode": "standard", "total_max_attempts": self.attempts},
                max_pool_connections=self.connections,
                tcp_keepalive=True,
                signature_version="s3v4",
                # A CRC of ours goes with each object, computed without joining its buffers; hashing everything once
                # more, for the signature, costs more than all the rest of a request.
                s3={
                    "addressing_style": "path" if self.path_style else "virtual",
                    "payload_signing_enabled": False,
                },
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )


def _bucket(entries: TargetEntries) -> str:
    """Return the bucket. :raises InvalidConfiguration: if no bucket can be called so."""
    bucket = entries.text("bucket")
    if not _BUCKET.fullmatch(bucket):
        raise entries.wrong("bucket", f"must be 3 to 63 small letters, digits, dots and hyphens, not {bucket!r}")
    return bucket


def _endpoint(entries: TargetEntries) -> str | None:
    """Return the server's address. :raises InvalidConfiguration: if it is none, or has a password in it."""
    url = entries.text("endpoint_url", "")
    if not url:
        return None
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.query and parts.port != 0
    except ValueError:
        good = False
    if not good or "@" in url:
        raise entries.wrong("endpoint_url", "must be http:// or https://, a host and perhaps a port, nothing secret")
    return url


def _prefix(entries: TargetEntries) -> str:
    """Return the prefix with its slash. :raises InvalidConfiguration: if it is not made like a name."""
    prefix = entries.text("prefix", "").rstrip("/")
    if prefix and not is_name(prefix):
        raise entries.wrong("prefix", "must be segments of letters, digits and ._- with slashes between them")
    return f"{prefix}/" if prefix else ""


def _verify(entries: TargetEntries) -> bool | str:
    """Return how certificates are verified. :raises InvalidConfiguration: if the entries contradict each other."""
    verify_tls = entries.flag("verify_tls", default=True)
    ca_file = entries.text("ca_file", "")
    if ca_file and not verify_tls:
        raise entries.wrong("ca_file", "is of no use with verify_tls switched off")
    return ca_file or verify_tls


def _credentials(entries: TargetEntries) -> Credentials | None:
    """Return the credentials that stand in the settings. :raises InvalidConfiguration: if there are half of them."""
    access_key, secret_key = entries.text("access_key", ""), entries.text("secret_key", "")
    if bool(access_key) != bool(secret_key):
        raise entries.wrong("secret_key" if access_key else "access_key", "must be given together with the other one")
    return Credentials(access_key, secret_key) if access_key else None
