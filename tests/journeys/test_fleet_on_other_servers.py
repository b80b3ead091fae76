"""The main job on RabbitMQ and PostgreSQL, with real worker processes."""

import pytest

from storage_site.fleet import demo_backups, demo_steps
from tests import servers
from tests.fleets import fleet

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(600)]


@pytest.fixture
def variables():
    try:
        with servers.rabbitmq() as broker, servers.postgresql() as database:
            yield {"CELERY_BROKER_URL": broker.url, "DATABASE_URL": database.url}
    except servers.Missing as missing:
        pytest.skip(str(missing))


def test_volumes_and_backups_are_made_written_restored_compared_and_deleted(variables):
    with fleet(**variables) as here:
        stage = here.stage()
        assert "broker" not in here.processes
        for step in demo_backups.steps(with_s3=False):
            if step is not demo_steps.look_for_remains:
                step(stage)
        assert list((here.root / "local" / "volumes").iterdir()) == []
        here.down()
