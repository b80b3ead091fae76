"""The older connection actions, as python-cinderclient and services before the attachment calls use them."""

import pytest

from drivers.connect import open_connection
from drivers.errors import DriverError
from storage_site.fleet import demo_steps
from tests.fleets import fleet
from tests.waiting import until

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(240)]
CONNECTOR = {"host": "client1", "ip": "127.0.0.1", "initiator": "iqn.1993-08.org.debian:01:abc", "multipath": False}


def test_a_volume_is_reserved_connected_attached_used_disconnected_and_detached():
    with fleet() as here:
        stage = here.stage()
        demo_steps.create_type(stage)
        demo_steps.create_volume(stage)
        volumes = stage.client("demo").volumes

        volumes.reserve(stage.volume_id)
        assert volumes.get(stage.volume_id).status == "attaching"
        info = volumes.initialize_connection(stage.volume_id, CONNECTOR)
        assert volumes.get(stage.volume_id).attachments == []
        with open_connection(info) as connection:
            connection.pwrite(b"older" * 100, 0)
            connection.flush()
        volumes.attach(stage.volume_id, None, "/dev/vdb", "rw", "client1")
        volume = volumes.get(stage.volume_id)
        assert volume.status == "in-use"
        (attachment,) = volume.attachments
        assert (attachment["device"], attachment["server_id"]) == ("/dev/vdb", None)
        assert volume.metadata == {"readonly": "False", "attached_mode": "rw"}

        again = volumes.initialize_connection(stage.volume_id, CONNECTOR)
        assert again["data"]["export"] == info["data"]["export"]

        volumes.begin_detaching(stage.volume_id)
        assert volumes.get(stage.volume_id).status == "detaching"
        volumes.roll_detaching(stage.volume_id)
        assert volumes.get(stage.volume_id).status == "in-use"
        volumes.begin_detaching(stage.volume_id)
        volumes.terminate_connection(stage.volume_id, CONNECTOR)
        with pytest.raises(DriverError):
            open_connection(info)
        volumes.detach(stage.volume_id, attachment["attachment_id"])
        until(lambda: volumes.get(stage.volume_id).status == "available", "the volume is detached")
        assert volumes.get(stage.volume_id).attachments == []

        volumes.reserve(stage.volume_id)
        volumes.initialize_connection(stage.volume_id, CONNECTOR)
        volumes.unreserve(stage.volume_id)
        demo_steps.delete_volume(stage)
        here.down()
