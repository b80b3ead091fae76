"""A real Keystone for tests, with Python packages of its own."""

import base64
import os
import secrets
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import openstack
from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session
from openstack.connection import Connection

from tests import apart, servers
from tests.fleets import short_folder

SERVICE_PROJECT, SERVICE_USER = "service", "celinder"
CACHE_S = 3  # how long a fleet of the tests counts what it was answered
INTERFACES = ("public", "internal", "admin")


@dataclass(frozen=True)
class Person:
    """A user with a role in a project of its own."""

    name: str
    password: str
    project: str


class Keystone:
    """A Keystone that runs, and whoever is known there."""

    def __init__(self, server: servers.Server, admin: Person) -> None:
        self.server, self.url, self.admin = server, server.url, admin
        self._clouds: dict[Person, Connection] = {}

    def cloud(self, person: Person) -> Connection:
        """Return what the OpenStack SDK makes of a person's credentials; the same again, as making one takes time."""
        if person not in self._clouds:
            self._clouds[person] = openstack.connect(
                load_yaml_config=False,
                load_envvars=False,
                auth=self.credentials(person),
                region_name="RegionOne",
                block_storage_api_version="3",
            )
        return self._clouds[person]

    def close(self) -> None:
        """Hang up."""
        for cloud in self._clouds.values():
            cloud.close()

    def credentials(self, person: Person) -> dict[str, str]:
        """Return what logs the person in."""
        return {
            "auth_url": self.url,
            "username": person.name,
            "password": person.password,
            "project_name": person.project,
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        }

    def token(self, person: Person, **other: Any) -> str:
        """Return a fresh token of the person; `other` are words of keystoneauth that log in otherwise."""
        named = {"auth_url": self.url, "username": person.name, "password": person.password}
        scope = other or {"project_name": person.project, "project_domain_name": "Default"}
        return str(Session(auth=Password(**named, user_domain_name="Default", **scope)).get_token())

    def person(self, name: str, role: str, project: str = "") -> Person:
        """Make a user with a role in a project, which is made if it is not there."""
        made = Person(name, secrets.token_urlsafe(12), project or f"{name}s")
        identity = self.cloud(self.admin).identity
        where = identity.find_project(made.project) or identity.create_project(name=made.project, domain_id="default")
        user = identity.create_user(name=name, password=made.password, domain_id="default")
        identity.assign_project_role_to_user(where, user, identity.find_role(role))
        return made

    def register(self, url: str) -> None:
        """Put block storage at `url` into the catalog."""
        identity = self.cloud(self.admin).identity
        service = identity.create_service(name="celinder", type="block-storage")
        for interface in INTERFACES:
            identity.create_endpoint(
                service_id=service.id, interface=interface, region_id="RegionOne", url=f"{url}/v3/%(project_id)s"
            )


@contextmanager
def keystone() -> Iterator[Keystone]:
    """Run a Keystone on SQLite, with an administrator. :raises Missing: if it cannot be installed."""
    programs = apart.install("keystone")
    with short_folder() as folder:
        (port,) = servers.free_ports(1)
        url = f"http://127.0.0.1:{port}/v3"
        admin = Person("admin", secrets.token_urlsafe(12), "admin")
        _configure(folder, port)
        manage = [str(programs / "keystone-manage"), "--config-file", str(folder / "keystone.conf")]
        _run([*manage, "db_sync"], folder)
        addresses = [word for name in INTERFACES for word in (f"--bootstrap-{name}-url", url)]
        _run(
            [
                *manage,
                "bootstrap",
                "--bootstrap-password",
                admin.password,
                "--bootstrap-region-id",
                "RegionOne",
                *addresses,
            ],
            folder,
        )
        # It reads gunicorn.conf.py here; an argument would be taken for one of Keystone's own.
        server = servers.Server("keystone", folder, url, [str(programs / "gunicorn")], lambda: _answers(url))
        server.environment = {"OS_KEYSTONE_CONFIG_FILES": str(folder / "keystone.conf")}
        server.start()
        running = Keystone(server, admin)
        try:
            yield running
        finally:
            running.close()
            server.stop()


def _configure(folder: Path, port: int) -> None:
    for name in ("tokens", "credentials"):
        (folder / name).mkdir(mode=0o700)
        for number in ("0", "1"):
            (folder / name / number).write_bytes(base64.urlsafe_b64encode(os.urandom(32)))
    (folder / "keystone.conf").write_text(
        f"[database]\nconnection = sqlite:///{folder}/keystone.sqlite3\n"
        f"[fernet_tokens]\nkey_repository = {folder}/tokens\n"
        f"[fernet_receipts]\nkey_repository = {folder}/tokens\n"
        f"[credential]\nkey_repository = {folder}/credentials\n"
        "[cache]\nenabled = true\nbackend = dogpile.cache.memory\n"
        "[identity]\npassword_hash_rounds = 4\n"
    )
    (folder / "gunicorn.conf.py").write_text(
        f'bind = "127.0.0.1:{port}"\nwsgi_app = "keystone.wsgi.api:application"\n'
        'worker_class = "gthread"\nthreads = 4\ncontrol_socket_disable = True\n'
    )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own http URL
            return answer.status == HTTPStatus.OK
    except OSError:
        return False


def _run(argv: list[str], folder: Path) -> None:
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
