"""The main job on RabbitMQ and PostgreSQL, with real worker processes."""

import pytest

from storage_site.fleet import demo_steps
from tests import servers
from tests.fleets import fleet

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(300)]


@pytest.fixture
def variables():
    try:
        with servers.rabbitmq() as broker, servers.postgresql() as database:
            yield {"CELERY_BROKER_URL": broker.url, "DATABASE_URL": database.url}
    except servers.Missing as missing:
        pytest.skip(str(missing))


def test_a_volume_is_made_attached_written_read_back_and_deleted(variables):
    with fleet(**variables) as here:
        stage = here.stage()
        assert "broker" not in here.processes
        for step in demo_steps.STEPS:
            if step is not demo_steps.look_for_remains:
                step(stage)
        assert list((here.root / "local" / "volumes").iterdir()) == []
        here.down()
