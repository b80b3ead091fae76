"""A Keystone that runs, a few people it knows, and a fleet that believes it."""

import pytest

from tests import servers
from tests.fleets import Place, fleet
from tests.keystones import CACHE_S, SERVICE_PROJECT, SERVICE_USER, Keystone, Person, keystone


@pytest.fixture(scope="session")
def cloud():
    try:
        with keystone() as running:
            yield running
    except servers.Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def celinder(cloud: Keystone) -> Person:
    """Celinder itself, as Keystone knows it."""
    return cloud.person(SERVICE_USER, "service", SERVICE_PROJECT)


@pytest.fixture(scope="session")
def nova(cloud: Keystone) -> Person:
    return cloud.person("nova", "service", SERVICE_PROJECT)


@pytest.fixture(scope="session")
def alice(cloud: Keystone) -> Person:
    return cloud.person("alice", "member")


@pytest.fixture(scope="session")
def bob(cloud: Keystone) -> Person:
    return cloud.person("bob", "member")


@pytest.fixture(scope="session")
def variables(cloud: Keystone, celinder: Person, tmp_path_factory) -> dict[str, str]:
    """Return what tells a fleet which Keystone to believe."""
    secret = tmp_path_factory.mktemp("secrets") / "keystone"
    secret.write_text(f"{celinder.password}\n")
    return {
        "CELINDER_IDENTITY": "keystone",
        "CELINDER_KEYSTONE_URL": cloud.url,
        "CELINDER_KEYSTONE_PUBLIC_URL": "http://keystone.example.org/v3",
        "CELINDER_KEYSTONE_USER": celinder.name,
        "CELINDER_KEYSTONE_PASSWORD_FILE": str(secret),
        "CELINDER_KEYSTONE_CACHE_S": str(CACHE_S),
    }


@pytest.fixture(scope="session")
def here(cloud: Keystone, variables: dict[str, str]) -> Place:
    """Run the fleet, and have it in Keystone's catalog."""
    with fleet(**variables) as place:
        cloud.register(place.url)
        yield place
