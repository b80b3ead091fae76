"""Backup workers on a host that has nothing of the back-end's: volumes reach it by TLS, one lending at a time."""

import os
import tempfile

import pytest

from drivers.connect import open_connection
from drivers.errors import DriverError
from drivers.types import ConnectionInfo
from drivers.volume.local import LocalDriver
from tests import servers
from tests.certificates import OWN, is_refused, with_credentials_of, with_members
from tests.contracts.machine import needs_libnbd, needs_local
from tests.contracts.volume_driver import FIRST, is_dead, new_ref, new_request
from tests.deployment import CHECKPOINT_MIB, LISTEN, Deployment, deployment
from tests.elsewhere import NOBODY, needs_root
from tests.waiting import until

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(240), needs_root, needs_local, needs_libnbd]
MIB = 1024**2
DATA_MIB, PLACE = 16, 100 * MIB
CONNECTOR = {"host": "client1", "ip": LISTEN}


@pytest.fixture(scope="module")
def running():
    try:
        with deployment() as made:
            until(made.here.answers, "the API answers", 60)
            yield made
    except servers.Missing as missing:
        pytest.skip(str(missing))


class Tenant:
    """A client of the API, which uses volumes as a host does."""

    def __init__(self, running: Deployment) -> None:
        self.api = running.here.stage().client("demo")

    def volume(self, **more) -> str:
        made = self.api.volumes.create(1, **more)
        self.settled(self.api.volumes, made.id)
        return made.id

    def settled(self, group, identity: str, status: str = "available", within_s: float = 90):
        def is_settled():
            found = group.get(identity)
            assert not found.status.startswith("error") or status.startswith("error"), found.to_dict()
            return found.status == status and found

        return until(is_settled, f"{identity} is {status}", within_s)

    def attached(self, volume: str) -> tuple[str, ConnectionInfo]:
        attachment = self.api.attachments.create(volume, CONNECTOR, mode="rw")["id"]
        self.api.attachments.complete(attachment)
        return attachment, ConnectionInfo.from_mapping(self.api.attachments.show(attachment).connection_info)

    def back_up(self, volume: str, target: str = "quick", **more) -> str:
        return self.api.backups.create(volume, container=target, force=True, **more).id

    def content(self, volume: str) -> bytes:
        attachment, info = self.attached(volume)
        found = read(info)
        self.api.attachments.delete(attachment)
        return found

    def call_off(self, resource: str) -> None:
        path = f"/operations?resource_id={resource}&unfinished=true"
        (operation,) = self.api.client.get(path)[1]["operations"]
        self.api.client.delete(f"/operations/{operation['id']}")


@pytest.fixture(scope="module")
def tenant(running):
    return Tenant(running)


def write(info: ConnectionInfo, content: bytes, offset: int = PLACE) -> None:
    with open_connection(info) as connection:
        connection.pwrite(content, offset)
        connection.flush()


def read(info: ConnectionInfo) -> bytes:
    with open_connection(info) as connection:
        return bytes(connection.pread(DATA_MIB * MIB, PLACE))


def arrival(running: Deployment, worker, borrower: str, mode: str) -> ConnectionInfo:
    """Return how a worker has come to what it was lent, having seen that it has, and that it is by TLS only."""

    def is_there():
        found = running.lent(borrower)
        return found if found and found[0].data["port"] in worker.ports() else None

    info, found = until(is_there, "the worker is connected to what it was lent", 60)
    assert found == mode
    assert (info.driver_volume_type, info.data["transport"], info.data["tls"]) == ("nbd", "tcp", "x509")
    # What it did before this may still be closing.
    until(lambda: worker.ports() <= running.shared_ports | {info.data["port"]}, "it is connected to nothing else", 10)
    return info


def test_what_is_the_other_hosts_is_not_there_for_a_backup_worker(running, tenant):
    (worker,) = running.backup_workers(1)
    volume = tenant.volume()
    write(tenant.attached(volume)[1], b"something")
    root = running.here.root
    files = [path for path in root.rglob("*") if path.is_file()]
    assert any(volume in str(path) for path in files)
    assert [path for path in files if worker.sees(path).exists()] == []
    assert list(worker.sees(root).iterdir()) == []
    assert [name for name in worker.open_files() if name.startswith(str(root))] == []
    assert (worker.users(), worker.capabilities()) == ({NOBODY}, 0)
    assert not worker.listens()
    assert {path.name for path in worker.sees(running.host.root).iterdir()} >= {"keys", "quick"}  # it does see its own


def test_an_attached_volume_is_backed_up_and_restored_from_another_host(running, tenant):
    (worker,) = running.backup_workers(1)
    first, change = os.urandom(DATA_MIB * MIB), os.urandom(3 * MIB)
    second = first[: 5 * MIB] + change + first[8 * MIB :]
    volume, other = tenant.volume(), tenant.volume()
    attachment, info = tenant.attached(volume)
    write(info, first)

    full = tenant.back_up(volume)
    infos = [arrival(running, worker, full, "ro")]
    write(info, change, PLACE + 5 * MIB)  # nobody who reads now may see it
    tenant.settled(tenant.api.backups, full)
    stored = running.host.stored_mib("quick")
    increment = tenant.back_up(volume, incremental=True)
    assert tenant.settled(tenant.api.backups, increment).is_incremental
    assert running.host.stored_mib("quick") < stored + 5

    made = tenant.api.restores.restore(full).volume_id
    infos.append(arrival(running, worker, made, "rw"))
    tenant.settled(tenant.api.volumes, made)
    tenant.api.restores.restore(increment, volume_id=other)
    infos.append(arrival(running, worker, other, "rw"))
    tenant.settled(tenant.api.volumes, other)
    assert tenant.content(made) == first
    assert tenant.content(other) == second
    assert read(info) == second

    for past in infos:
        until(lambda past=past: is_refused(past), "what was lent is taken back")
        assert is_refused(with_credentials_of(info, past))  # by a daemon that does listen
    assert not is_refused(info)
    tenant.api.attachments.delete(attachment)
    until(lambda: worker.ports() <= running.shared_ports, "the worker is connected to no storage")


@pytest.fixture
def stranger():
    """Connection information of another back-end, whose authority nobody here knows."""
    with tempfile.TemporaryDirectory(prefix="celinder-") as name:
        driver = LocalDriver.from_settings("local", {"path": name, "listen": LISTEN})
        driver.check()
        driver.create_volume(ref := new_ref(), FIRST)
        yield driver.export(ref, new_request(), FIRST)
        driver.stop_exports()


def test_what_is_lent_opens_to_its_own_certificate_and_while_it_is_lent(running, tenant, stranger):
    running.backup_workers(1)
    volume = tenant.volume()
    past, gone = tenant.attached(volume)
    tenant.api.attachments.delete(past)
    attachment, client = tenant.attached(volume)
    write(client, os.urandom(DATA_MIB * MIB))
    backup = tenant.back_up(volume, target="slow")
    info, _mode = until(lambda: running.lent(backup), "the snapshot is lent")
    with open_connection(info) as beside:
        assert beside.is_read_only
        for other in (stranger, gone, client):
            assert is_refused(with_credentials_of(info, other))
            assert is_refused(with_members(with_credentials_of(info, other), export=other.data["export"]))
        assert is_refused(with_members(info, **{name: stranger.data[name] for name in OWN[1:]}))
        assert is_refused(with_members(info, export=client.data["export"]))
        assert is_refused(with_credentials_of(client, info))
        assert is_refused(with_credentials_of(client, gone))
        assert not is_refused(info)
        assert not is_refused(client)
        tenant.call_off(backup)
        tenant.settled(tenant.api.backups, backup, "error")
        until(lambda: is_dead(beside), "who is connected is cut off")
    assert is_refused(info)
    assert is_refused(with_credentials_of(client, info))
    assert not is_refused(client)
    tenant.api.attachments.delete(attachment)


def test_a_worker_that_is_killed_on_another_host_is_replaced_by_a_second_one_there(running, tenant):
    workers = running.backup_workers(2)
    content = os.urandom(DATA_MIB * MIB)
    volume = tenant.volume()
    attachment, info = tenant.attached(volume)
    write(info, content)
    stored = running.host.stored_mib("quick")
    backup = tenant.back_up(volume)
    killed = until(lambda: running.checkpoint(backup) and running.holder(backup), "a checkpoint is reached", 30)
    before = arrival(running, killed, backup, "ro")
    killed.kill()
    (left,) = [worker for worker in workers if worker is not killed]
    after = arrival(running, left, backup, "ro")
    assert is_refused(before)
    assert is_refused(with_credentials_of(after, before))
    tenant.settled(tenant.api.backups, backup)
    assert DATA_MIB <= running.host.stored_mib("quick") - stored < DATA_MIB + CHECKPOINT_MIB + 2
    made = tenant.api.restores.restore(backup).volume_id
    tenant.settled(tenant.api.volumes, made)
    assert tenant.content(made) == content
    until(lambda: is_refused(after), "what was lent is taken back")
    tenant.api.attachments.delete(attachment)
    with pytest.raises(DriverError):
        open_connection(info)
