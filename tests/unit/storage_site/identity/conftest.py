"""Two people in two projects, and a client that speaks as they do."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from storage_site.identity import services
from storage_site.identity.models import Project, User
from storage_site.identity.tokens import recent

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def paths(settings):
    settings.ROOT_URLCONF = "identity_urls"
    recent.forget()


@dataclass(frozen=True)
class Person:
    user: User
    project: Project
    password: str = PASSWORD


def person(name: str, role: str) -> Person:
    project = services.create_project(name=f"{name}s")
    user = services.create_user(name=name, password=PASSWORD)
    services.grant(user=user, project=project, role=role)
    return Person(user, project)


@pytest.fixture
def alice(db) -> Person:
    return person("alice", "member")


@pytest.fixture
def root(db) -> Person:
    return person("root", "admin")


@pytest.fixture
def nova(db) -> Person:
    return person("nova", "service")


@pytest.fixture
def credential_of(db):
    """Make an application credential of somebody: the row, and its secret."""

    def made(someone: Person, *, name: str = "robot", roles: Any = ("member",), **other: Any):
        given = {"user": someone.user, "project": someone.project, "name": name, "roles": roles} | other
        return services.create_application_credential(**given)

    return made


class Caller:
    """Calls identity over HTTP as the test client does, with tokens where they belong."""

    def __init__(self) -> None:
        self.client = Client()

    def log_in(self, someone: Person, *, scope: Any = "own", **user: Any):
        named = user or {"id": someone.user.id}
        identity = {"methods": ["password"], "password": {"user": {"password": someone.password, **named}}}
        return self.authenticate(identity, {"project": {"id": someone.project.id}} if scope == "own" else scope)

    def authenticate(self, identity: Any, scope: Any = None, query: str = "", **extra: Any):
        auth = {"identity": identity} | ({"scope": scope} if scope is not None else {})
        path = f"/identity/v3/auth/tokens{query}"
        return self.client.post(path, {"auth": auth}, content_type="application/json", **extra)

    def log_in_with(self, credential: Any, secret: str, scope: Any = None, **named: Any):
        """Log in with an application credential: by its id unless it is named."""
        asked = (named or {"id": credential.id}) | {"secret": secret}
        identity = {"methods": ["application_credential"], "application_credential": asked}
        return self.authenticate(identity, scope)

    def token(self, someone: Person) -> str:
        answer = self.log_in(someone)
        assert answer.status_code == 201, answer.content
        return answer["X-Subject-Token"]

    def __call__(self, method: str, path: str, token: str = "", body: Any = None, **headers: str):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            headers["X-Auth-Token"] = token
        send = getattr(self.client, method.lower())
        given = {} if body is None else {"data": body, "content_type": "application/json"}
        return send(f"/identity/v3{path}", headers=headers, **given)


@pytest.fixture
def call() -> Caller:
    return Caller()
