"""One fleet for all clients, and who uses it."""

import json
import secrets

import pytest

from tests.clients.people import Commands, Person
from tests.fleets import Place, place
from tests.glance import Glance, glance

BACKUPS = "shelf"
BACKENDS = ("local", "other")


@pytest.fixture(scope="session")
def images():
    with glance() as running:
        yield running


@pytest.fixture(scope="session")
def here(images: Glance):
    with place() as found:
        found.environment["CELINDER_IMAGE_ENDPOINT"] = images.url
        (found.root / BACKUPS).mkdir()
        targets = {BACKUPS: {"driver": "posix", "path": str(found.root / BACKUPS)}}
        found.environment["CELINDER_BACKUP_TARGETS"] = json.dumps(targets)
        backends = {key: {"driver": "local", "path": str(found.root / key)} for key in BACKENDS}
        found.environment["CELINDER_BACKENDS"] = json.dumps(backends)
        found.up()
        yield found
        found.down()


@pytest.fixture(scope="session")
def commands():
    running = Commands()
    yield running
    running.close()


@pytest.fixture(scope="session")
def admin(here: Place, commands: Commands) -> Person:
    return Person(commands, here.stage().credentials("admin"))


@pytest.fixture(scope="session")
def demo(here: Place, commands: Commands) -> Person:
    return Person(commands, here.stage().credentials("demo"))


@pytest.fixture(scope="session")
def stranger(admin: Person, commands: Commands) -> Person:
    """Somebody else, with a project of their own."""
    password = secrets.token_hex(16)
    admin.openstack("project create", "elsewhere")
    admin.openstack("user create", "stranger", "--password", password)
    admin.silent("role add", "--user", "stranger", "--project", "elsewhere", "member")
    named = {"OS_USERNAME": "stranger", "OS_PASSWORD": password, "OS_PROJECT_NAME": "elsewhere"}
    return Person(commands, admin.credentials | named)
