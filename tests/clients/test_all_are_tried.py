"""Every sub-command of the clients is tried by a test beside this one, or stands here with the reason why not."""

import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from cinderclient import api_versions
from cinderclient.shell import OpenStackCinderShell
from openstack.block_storage.v3._proxy import Proxy

from tests.clients.people import NEWEST

BESIDE = Path(__file__).parent
OLD_NAME = "another name of a method that is tried"

CINDER = {
    "bash-completion": "asks the service nothing",
    "bash_completion": "asks the service nothing",
    "help": "asks the service nothing",
}
OPENSTACK = {
    "consistency group add volume": "the SDK has no way to say so that any release has answered",
    "consistency group remove volume": "the SDK has no way to say so that any release has answered",
}
SDK = {
    **dict.fromkeys(
        ("delete_backup_metadata", "fetch_backup_metadata", "get_backup_metadata", "set_backup_metadata"),
        "the API has no address for the metadata of a backup",
    ),
    **dict.fromkeys(("export_backup", "reset_backup", "reset_snapshot", "reset_group_snapshot_state"), OLD_NAME),
    **dict.fromkeys(("fetch_snapshot_metadata", "fetch_volume_metadata", "reset_group_state"), OLD_NAME),
    "import_backup": "it is sent to the address of exports (a defect of the SDK)",
    "cleanup_service_workers": "it demands the name of a cluster; tried by the commands",
    "complete_volume_migration": "for compute services only; what it answers is tried by HTTP",
    "disable_cluster": "there are no clusters; tried by the commands",
    "enable_cluster": "there are no clusters; tried by the commands",
    "get_cluster": "there are no clusters; tried by the commands",
    "update_quota_class_set": "changes what holds for everybody; tried by the commands",
}


def sources(pattern: str) -> str:
    return "".join(path.read_text() for path in BESIDE.glob(pattern))


def test_every_sub_command_of_cinder():
    shell = OpenStackCinderShell()
    shell.get_subcommand_parser(api_versions.APIVersion(NEWEST), input_args=["none"])
    tried = {name for name in shell.subcommands if f'"{name}"' in sources("test_cinder_*.py")}
    assert {*shell.subcommands} - tried == {*CINDER}


def test_every_sub_command_of_openstack_for_volumes():
    names = {entry.name.replace("_", " ") for entry in entry_points(group="openstack.volume.v3")}
    tried = {name for name in names if f'"{name}"' in sources("test_openstack_*.py") + sources("test_sdk_managing.py")}
    assert names - tried == {*OPENSTACK}


@pytest.mark.filterwarnings("ignore")
def test_every_method_of_the_sdks_proxy():
    names = {name for name in vars(Proxy) if not name.startswith("_") and callable(getattr(Proxy, name))}
    tried = {name for name in names if re.search(rf"\.{name}\(", sources("test_sdk*.py"))}
    assert names - tried == {*SDK}
