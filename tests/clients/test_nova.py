"""Nova's own code for volumes, unmodified, in the order in which Nova calls it (contract 09 section 6).

There is no machine: what its hypervisor would do with a connection, the library of NBD does here.
"""

import json
import subprocess
import uuid
from pathlib import Path

import pytest

from drivers.connect import open_connection
from drivers.errors import DriverError
from storage_site.fleet.chaos.client import Ledger
from storage_site.fleet.chaos.content import Content, compare, write
from tests import apart, servers
from tests.clients.people import Person
from tests.waiting import until

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(300)]

HERE = {"host": "compute1", "ip": "127.0.0.1", "platform": "x86_64", "os_type": "linux", "multipath": False}
THERE = HERE | {"host": "compute2"}


class Refused(Exception):
    """What Nova raised."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name


class Nova:
    """A process that runs Nova's code on behalf of a user."""

    def __init__(self, programs: Path, user: Person, service: Person) -> None:
        access = user.session.auth.get_access(user.session)
        caller = {
            "user_id": access.user_id,
            "project_id": access.project_id,
            "auth_token": access.auth_token,
            "roles": list(access.role_names),
            "service_catalog": _older(access.service_catalog.catalog),
            "is_admin": "admin" in access.role_names,
        }
        named = ("auth_url", "username", "password", "project_name", "user_domain_name", "project_domain_name")
        login = {name: service.credentials[f"OS_{name.upper()}"] for name in named}
        self._process = subprocess.Popen(
            [
                "setpriv",
                "--pdeathsig",
                "KILL",
                programs / "python",
                "-W",
                "ignore",
                Path(__file__).with_name("nova_calls.py"),
            ],
            env={"PATH": "/usr/bin:/bin"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._say({"caller": caller, "service": login})

    def __call__(self, method: str, *args, **more):
        """Call a method of Nova's API; return what it returns. :raises Refused: with what it raises."""
        self._say({"method": method, "args": args, "more": more})
        answer = json.loads(self._process.stdout.readline())
        if "raised" in answer:
            raise Refused(answer["raised"], answer["text"])
        return answer["returned"]

    def _say(self, told) -> None:
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()

    def end(self) -> None:
        self._process.communicate(timeout=20)


def _older(catalog):
    """Return the catalog as token middleware hands it to Nova."""
    return [
        {
            "type": entry["type"],
            "name": entry["name"],
            "endpoints": [
                {"region": endpoint["region"], f"{endpoint['interface']}URL": endpoint["url"]}
                for endpoint in entry["endpoints"]
            ],
        }
        for entry in catalog
    ]


@pytest.fixture(scope="module")
def programs():
    try:
        return apart.install("nova")
    except servers.Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def service(here, commands):
    return Person(commands, here.stage().credentials("service"))


@pytest.fixture(scope="module")
def nova(programs, demo, service):
    running = Nova(programs, demo, service)
    yield running
    running.end()


@pytest.fixture(scope="module")
def nova_as_admin(programs, admin, service):
    running = Nova(programs, admin, service)
    yield running
    running.end()


@pytest.fixture
def volume(nova):
    made = nova("create", 1, "of-a-server", "made by Nova")["id"]
    settled(nova, made, "available")
    yield made
    settled(nova, made, "available")
    nova("delete", made)
    until(lambda: refusal(nova, "get", made) == "VolumeNotFound", "the volume is gone", 60)


@pytest.fixture
def server():
    return str(uuid.uuid4())


def settled(nova, volume: str, status: str):
    """Poll as Nova does."""

    def is_so():
        found = nova("get", volume)
        assert not found["status"].startswith("error"), found
        return found["status"] == status and found

    return until(is_so, f"the volume is {status}", 60)


def refusal(nova, method: str, *args) -> str:
    """Return the name of what Nova raises, empty if nothing."""
    try:
        nova(method, *args)
    except Refused as refused:
        return refused.name
    return ""


def attached(nova, volume: str, server: str, connector=HERE):
    """Attach as Nova does; return the attachment's id and how to reach the volume."""
    reserved = nova("attachment_create", volume, server)
    assert nova("get", volume)["status"] == "reserved"
    assert reserved["connection_info"] == {}
    nova("attachment_update", reserved["id"], connector, mountpoint="/dev/vdb")
    info = nova("attachment_get", reserved["id"])["connection_info"]
    nova("attachment_complete", reserved["id"])
    shown = nova("get", volume)
    assert shown["status"] == "in-use"
    assert shown["attachments"][server] == {"attachment_id": reserved["id"], "mountpoint": "/dev/vdb"}
    return reserved["id"], info


def detached(nova, volume: str, attachment: str) -> None:
    """Detach as Nova does."""
    nova("begin_detaching", volume)
    assert nova("get", volume)["status"] == "detaching"
    nova("attachment_delete", attachment)
    settled(nova, volume, "available")


def flat(info):
    """Return connection information as it was told, before Nova nested it."""
    return {"driver_volume_type": info["driver_volume_type"], **info["data"]}


def scribble(info, content: Content, blocks: int = 4) -> None:
    import random

    write(flat(info), content.scribble(random.Random(7), blocks), Ledger())  # noqa: S311


def test_nova_finds_the_versions_that_it_wants(nova):
    for version in ("3.44", "3.48", "3.68", "3.69"):
        nova("is_microversion_supported", version)
    assert refusal(nova, "is_microversion_supported", "3.99") == "CinderAPIVersionNotAvailable"


def test_a_volume_is_attached_written_to_and_detached(nova, volume, server):
    attachment, info = attached(nova, volume, server)
    assert info["driver_volume_type"] == "nbd"
    content = Content()
    scribble(info, content)
    compare(flat(info), content, Ledger())
    assert [one["id"] for one in nova("attachment_get_all", instance_id=server)] == [attachment]
    detached(nova, volume, attachment)
    assert nova("get", volume)["attach_status"] == "detached"
    assert nova("attachment_get_all", volume_id=volume) == []


def test_what_may_not_be_attached_or_detached_is_refused_as_nova_expects(nova, volume, server):
    assert refusal(nova, "attachment_create", str(uuid.uuid4()), server) == "VolumeNotFound"
    assert refusal(nova, "begin_detaching", volume) == "InvalidInput"
    attachment, _ = attached(nova, volume, server)
    assert refusal(nova, "attachment_create", volume, str(uuid.uuid4())) == "InvalidInput"
    assert refusal(nova, "delete", volume) == "InvalidInput"
    nova("begin_detaching", volume)
    nova("roll_detaching", volume)
    assert nova("get", volume)["status"] == "in-use"
    detached(nova, volume, attachment)
    nova("attachment_delete", attachment)  # gone: ignored
    assert refusal(nova, "attachment_get", attachment) == "VolumeAttachmentNotFound"


def test_a_server_moves_to_another_host_while_it_runs(nova, volume, server):
    old, info = attached(nova, volume, server)
    content = Content()
    scribble(info, content)
    new = nova("attachment_create", volume, server, connector=THERE, mountpoint="/dev/vdb")
    assert len(nova("attachment_get_all", volume_id=volume)) == 2
    there = nova("attachment_get", new["id"])["connection_info"]
    compare(flat(there), content, Ledger())
    nova("attachment_complete", new["id"])
    nova("attachment_delete", old)
    settled(nova, volume, "in-use")
    compare(flat(there), content, Ledger())
    with pytest.raises(DriverError), open_connection(flat(info)):  # the first host is shut out, at once
        pass
    detached(nova, volume, new["id"])


def test_a_server_that_cannot_move_stays_where_it_is(nova, volume, server):
    old, info = attached(nova, volume, server)
    new = nova("attachment_create", volume, server, connector=THERE)
    nova("attachment_delete", new["id"])
    settled(nova, volume, "in-use")
    scribble(info, Content())
    detached(nova, volume, old)


def test_a_server_is_resized_evacuated_or_shelved(nova, volume, server):
    old, _ = attached(nova, volume, server)
    new = nova("attachment_create", volume, server)
    nova("attachment_delete", old)
    assert settled(nova, volume, "reserved")
    nova("attachment_update", new["id"], THERE, mountpoint="/dev/vdb")
    nova("attachment_complete", new["id"])
    assert nova("get", volume)["status"] == "in-use"
    detached(nova, volume, new["id"])


def test_the_older_way_of_attaching_still_works(nova, volume, server):
    nova("reserve_volume", volume)
    info = nova("initialize_connection", volume, HERE)
    assert info["driver_volume_type"] == "nbd"
    nova("attach", volume, server, "/dev/vdb")
    settled(nova, volume, "in-use")
    nova("begin_detaching", volume)
    nova("terminate_connection", volume, HERE)
    nova("detach", volume, server)
    settled(nova, volume, "available")
    nova("reserve_volume", volume)
    nova("unreserve_volume", volume)
    assert nova("get", volume)["status"] == "available"


def test_a_volume_in_use_grows_only_where_its_server_follows(nova, demo, volume, server):
    attachment, _ = attached(nova, volume, server)
    refused = demo.try_cinder("extend", volume, "2")
    assert refused.code == 1
    assert nova("get", volume)["size"] == 1
    assert nova("get", volume)["status"] == "in-use"
    detached(nova, volume, attachment)


def test_a_server_image_takes_snapshots_of_volumes_in_use(nova, volume, server):
    attachment, _ = attached(nova, volume, server)
    assert refusal(nova, "create_snapshot", volume, "no", "without force") == "InvalidInput"
    made = nova("create_snapshot_force", volume, "image", "of a server")["id"]
    until(lambda: nova("get_snapshot", made)["status"] == "available", "the snapshot is made", 60)
    assert made in {one["id"] for one in nova("get_all_snapshots")}
    boot = nova("create", 1, "boot", "of a snapshot", snapshot={"id": made})["id"]
    settled(nova, boot, "available")
    nova("delete", boot)
    until(lambda: refusal(nova, "get", boot) == "VolumeNotFound", "the boot volume is gone", 60)
    nova("delete_snapshot", made)
    until(lambda: refusal(nova, "get_snapshot", made) == "SnapshotNotFound", "the snapshot is gone", 60)
    detached(nova, volume, attachment)


def test_a_snapshot_that_nova_makes_itself_is_told_about(nova, admin, demo, volume):
    snapshot = demo.snapshot(volume)
    admin.cinder("snapshot-reset-state", "--state", "creating", snapshot)
    nova("update_snapshot_status", snapshot, "creating")
    assert demo.cinder("snapshot-show", snapshot).shown["os-extended-snapshot-attributes:progress"] == "90%"
    nova("update_snapshot_status", snapshot, "available")
    assert nova("get_snapshot", snapshot)["status"] == "available"
    nova("delete_snapshot", snapshot)
    until(lambda: refusal(nova, "get_snapshot", snapshot) == "SnapshotNotFound", "the snapshot is gone", 60)


def test_what_nova_asks_beside(nova, volume):
    assert nova("get_absolute_limits")["maxTotalVolumes"] == 10
    assert "__DEFAULT__" in {one["name"] for one in nova("get_all_volume_types")}
    assert volume in {one["id"] for one in nova("get_all")}
    assert nova("get_volume_encryption_metadata", volume)["encryption_key_id"] is None
    assert refusal(nova, "create", 0, "none", "none") == "InvalidInput"
    assert refusal(nova, "create", 5000, "large", "over the limit") == "OverQuota"
