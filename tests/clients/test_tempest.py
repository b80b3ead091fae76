"""Tempest's tests of Block Storage, unmodified: those of Tempest itself and those of its plugin for Cinder.

They run in two processes. One makes users and projects of its own, as Tempest does by default; the other one is given
some, for the tests that would like a network to be there, though none uses it.
"""

import json
import secrets
import subprocess
from pathlib import Path

import pytest

from tests import apart, servers

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(1500)]

PACKAGES = ("tempest.api.volume", "cinder_tempest_plugin.api.volume")
NEED_A_NETWORK = (
    "test_volumes_actions.VolumesActionsTest",
    "test_volumes_backup.VolumesBackupsTest",
    "test_volumes_snapshots.VolumesSnapshotTestJSON",
    "test_snapshot_manage.SnapshotManageAdminTest",
)
LEFT_OUT = {
    # There is no Glance in a fleet of one machine.
    "test_image_metadata.VolumesImageMetadata": "images",
    "test_volume_upload": "images",
    "VolumesExtendTest.test_volume_extend": "images",
    "test_volume_create_get_update_delete_from_image": "images",
    "test_bootable_volume_backup_and_restore": "images",
    "test_create_from_bootable_volume": "images",
    "test_create_volume_from_deactivated_image": "images",
    "test_create_volume_from_image_with_decreasing_size": "images",
    "VolumeAndVolumeTypeFromImageTest": "images",
    "CreateVolumesFromImageTest": "images",
    "VolumeImageDependencyTests": "images",
    "cinder_tempest_plugin.api.volume.test_volume_backup.VolumesBackupsTest.test_incremental_backup": "images",
    # There is no Nova either; what Nova itself calls is in test_nova.py.
    "VolumesExtendAttachedTest": "servers",
    "test_attach_detach_volume_to_instance": "servers",
    "test_get_volume_attachment": "servers",
    "test_force_detach_volume": "servers",
    "test_backup_create_attached_volume": "servers",
    "test_volume_backup_incremental": "servers",
    "test_snapshot_create_delete_with_volume_in_use": "servers",
    "test_snapshot_create_offline_delete_online": "servers",
    "test_attach_volumes_with_nonexistent_volume_id": "servers",
    "test_snapshot_manage_with_attached_volume": "servers",
    "test_volume_retype.VolumeRetypeMultiattachTest": "servers",
    # No back-end replicates.
    "test_volume_replication": "replication",
    # It imports a record under another id than that of its backup: a backup is known in its repository by its id.
    "test_volume_backup_export_import": "records keep their id",
}
# By what remains, these were all of them when the list was made.
AT_LEAST = 218

CONFIGURATION = """\
[DEFAULT]
log_file = {folder}/tempest.log
[oslo_concurrency]
lock_path = {folder}
[auth]
{auth}
create_isolated_networks = false
tempest_roles = member
[identity]
uri_v3 = {url}
auth_version = v3
region = {region}
[service_available]
cinder = true
glance = true
neutron = {network}
nova = false
swift = false
[compute]
build_interval = 0
[volume]
backend_names = local,other
manage_snapshot_ref = source-name,snapshot-%s
catalog_type = block-storage
build_interval = 0
build_timeout = 120
max_microversion = latest
storage_protocol = nbd
vendor_name = Celinder
[volume-feature-enabled]
api_extensions = all
backup = true
consistency_group = true
manage_snapshot = true
manage_volume = true
multi_backend = true
volume_revert = true
"""


@pytest.fixture(scope="module")
def programs():
    try:
        return apart.install("tempest")
    except servers.Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def went(programs, admin, tmp_path_factory):
    """Run everything; return how each test went."""
    own = "\n".join(
        [
            "use_dynamic_credentials = true",
            f"admin_username = {admin.credentials['OS_USERNAME']}",
            f"admin_password = {admin.credentials['OS_PASSWORD']}",
            f"admin_project_name = {admin.credentials['OS_PROJECT_NAME']}",
            "admin_domain_name = Default",
        ]
    )
    accounts = tmp_path_factory.mktemp("accounts") / "accounts.yaml"
    accounts.touch(mode=0o600)
    accounts.write_text(json.dumps(_accounts(admin)))
    given = f"use_dynamic_credentials = false\ntest_accounts_file = {accounts}"
    folders = [tmp_path_factory.mktemp("own"), tmp_path_factory.mktemp("given")]
    running = [
        _start(programs, admin, folders[0], own, network=False, without=NEED_A_NETWORK),
        _start(programs, admin, folders[1], given, network=True, only=NEED_A_NETWORK),
    ]
    assert [process.wait(1400) for process in running] == [0, 0]
    return [json.loads(line) for folder in folders for line in (folder / "went").read_text().splitlines()]


def _start(programs, admin, folder: Path, auth: str, *, network: bool, only=(), without=()):
    text = CONFIGURATION.format(
        folder=folder,
        auth=auth,
        url=admin.credentials["OS_AUTH_URL"],
        region=admin.credentials["OS_REGION_NAME"],
        network=str(network).lower(),
    )
    (folder / "tempest.conf").touch(mode=0o600)
    (folder / "tempest.conf").write_text(text)
    process = subprocess.Popen(
        [
            "setpriv",
            "--pdeathsig",
            "KILL",
            programs / "python",
            "-W",
            "ignore",
            Path(__file__).with_name("tempest_calls.py"),
        ],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "TEMPEST_CONFIG_DIR": str(folder), "TEMPEST_CONFIG": "tempest.conf"},
        stdin=subprocess.PIPE,
        stdout=(folder / "went").open("w"),
        stderr=(folder / "errors").open("w"),
        text=True,
    )
    process.stdin.write(json.dumps({"packages": PACKAGES, "only": only, "without": [*without, *LEFT_OUT]}))
    process.stdin.close()
    process.stdin = None
    return process


def _accounts(admin) -> list[dict[str, object]]:
    """Make users with projects of their own, as an operator would for Tempest; each project has somebody who reads."""
    made = []
    for project, role in (("tempest-1", "member"), ("tempest-2", "member"), ("tempest-3", "admin")):
        admin.openstack("project create", project)
        for name, granted in ((project, role), (f"{project}-reader", "reader")):
            password = secrets.token_hex(16)
            admin.openstack("user create", name, "--password", password)
            admin.silent("role add", "--user", name, "--project", project, granted)
            made.append(
                {
                    "username": name,
                    "password": password,
                    "project_name": project,
                    "domain_name": "Default",
                    "user_domain_name": "Default",
                    "project_domain_name": "Default",
                    "roles": [granted],
                    "types": ["admin"] if granted == "admin" else [],
                }
            )
    return made


def test_every_test_of_tempest_passes_that_needs_nothing_but_block_storage_and_identity(went):
    failed = {one["test"]: one["why"] for one in went if one["went"] == "failed"}
    assert not failed, "\n\n".join(f"{test}\n{why}" for test, why in failed.items())
    passed = [one for one in went if one["went"] == "passed"]
    print(f"{len(passed)} tests of Tempest passed")  # noqa: T201
    assert len(passed) >= AT_LEAST, len(passed)


def test_no_test_of_tempest_is_skipped_without_our_saying_so(went):
    assert {one["test"]: one["why"] for one in went if one["went"] == "skipped"} == {}
