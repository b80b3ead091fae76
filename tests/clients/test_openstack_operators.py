"""`openstack`, types, limits and what operators look after: what is typed and what is seen (contract 09 section 4)."""

import pytest

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(300)]

BACKEND = "celinder@local"


@pytest.fixture
def kind(admin):
    made = admin.openstack("volume type create", "--description", "for tests", "--property", "a=1", "osc-kind")["id"]
    yield made
    admin.silent("volume type delete", made)


def test_a_type_is_made_changed_shown_listed_and_deleted(admin, demo, kind):
    assert kind in {row["ID"] for row in demo.openstack("volume type list")}
    admin.silent("volume type set", "--name", "osc-2", "--description", "told", "--property", "b=2", kind)
    admin.silent("volume type unset", "--property", "a", kind)
    shown = admin.openstack("volume type show", "osc-2")
    assert (shown["id"], shown["description"], shown["properties"]) == (kind, "told", {"b": "2"})
    assert [row["Name"] for row in demo.openstack("volume type list", "--default")] == ["__DEFAULT__"]
    assert demo.openstack("volume type list", "--long", "--public")
    assert demo.openstack("volume type show", "osc-2")["id"] == kind
    assert "Policy doesn't allow" in demo.openstack_refuses("volume type create", "mine")
    assert "already exists" in admin.openstack_refuses("volume type create", "osc-2")


def test_a_private_type_is_opened_to_a_project_and_closed(admin, demo):
    made = admin.openstack("volume type create", "--private", "osc-private", "--project", "demo")["id"]
    assert made in {row["ID"] for row in demo.openstack("volume type list")}
    assert made in {row["ID"] for row in admin.openstack("volume type list", "--private")}
    admin.silent("volume type unset", "--project", "demo", made)
    assert made not in {row["ID"] for row in demo.openstack("volume type list")}
    admin.silent("volume type delete", made)


def test_encryption_is_part_of_a_type(admin, kind):
    admin.silent(
        "volume type set",
        "--encryption-provider",
        "luks",
        "--encryption-cipher",
        "aes-xts-plain64",
        "--encryption-key-size",
        "256",
        "--encryption-control-location",
        "front-end",
        kind,
    )
    shown = admin.openstack("volume type show", "--encryption-type", kind)
    assert "luks" in str(shown["encryption"])
    assert kind in {row["ID"] for row in admin.openstack("volume type list", "--encryption-type")}
    admin.silent("volume type unset", "--encryption-type", kind)
    assert "luks" not in str(admin.openstack("volume type show", "--encryption-type", kind))


def test_qualities_of_service_are_made_changed_associated_and_deleted(admin, kind):
    made = admin.openstack("volume qos create", "--consumer", "back-end", "--property", "a=1", "osc-qos")
    assert (made["name"], made["consumer"]) == ("osc-qos", "back-end")
    admin.silent("volume qos set", "--property", "b=2", "osc-qos")
    admin.silent("volume qos unset", "--property", "a", "osc-qos")
    admin.silent("volume qos associate", "osc-qos", kind)
    shown = admin.openstack("volume qos show", "osc-qos")
    assert shown["properties"] == {"b": "2"}
    assert shown["associations"] == ["osc-kind"]
    assert "osc-qos" in {row["Name"] for row in admin.openstack("volume qos list")}
    admin.silent("volume qos disassociate", "--volume-type", kind, "osc-qos")
    admin.silent("volume qos associate", "osc-qos", kind)
    admin.silent("volume qos disassociate", "--all", "osc-qos")
    admin.silent("volume qos delete", "osc-qos")
    assert admin.try_openstack("volume qos show", "osc-qos").code == 1


def test_services_are_listed_disabled_and_enabled(admin, demo):
    rows = admin.openstack("volume service list", "--long")
    assert {"cinder-scheduler", "cinder-volume", "cinder-backup"} <= {row["Binary"] for row in rows}
    admin.silent("volume service set", "--disable", "--disable-reason", "to clean", BACKEND, "cinder-volume")
    (row,) = admin.openstack("volume service list", "--host", BACKEND, "--service", "cinder-volume", "--long")
    assert (row["Status"], row["Disabled Reason"]) == ("disabled", "to clean")
    admin.silent("volume service set", "--enable", BACKEND, "cinder-volume")
    assert "Policy doesn't allow" in demo.openstack_refuses("volume service list")


def test_hosts_pools_and_capabilities(admin):
    admin.silent("volume host set", "--disable", BACKEND)
    admin.silent("volume host set", "--enable", BACKEND)
    assert admin.try_openstack("volume host failover", "--volume-backend", "other", BACKEND).code == 1
    pools = {row["Name"]: row["Capabilities"] for row in admin.openstack("volume backend pool list", "--long")}
    assert pools["celinder@local#local"]["storage_protocol"] == "nbd"
    assert isinstance(admin.openstack("volume backend capability show", BACKEND), list)
    assert admin.try_openstack("volume backend capability show", "nowhere@none").code == 1


def test_what_belongs_to_the_whole_storage(admin):
    assert admin.openstack("block storage cluster list") == []
    assert "none" in admin.openstack_refuses("block storage cluster show", "none")
    assert "none" in admin.openstack_refuses("block storage cluster set", "--enable", "none")
    levels = admin.openstack("block storage log level list", "--service", "cinder-volume", "--log-prefix", "drivers")
    assert {row["Prefix"] for row in levels} >= {"drivers"}
    admin.silent("block storage log level set", "--service", "cinder-volume", "--log-prefix", "drivers", "INFO")
    admin.try_openstack("block storage cleanup", "--binary", "cinder-volume")
    filters = {row["Resource"]: row["Filters"] for row in admin.openstack("block storage resource filter list")}
    assert "status" in filters["volume"]
    assert "volume_id" in str(admin.openstack("block storage resource filter show", "backup"))


def test_limits_quotas_zones_and_extensions(admin, demo, stranger):
    project = admin.openstack("project show", "elsewhere")["id"]
    admin.silent("quota set", "--volumes", "7", "--gigabytes", "70", "--snapshots", "5", project)
    shown = {row["Resource"]: row["Limit"] for row in admin.openstack("quota show", "--volume", project)}
    assert (shown["volumes"], shown["gigabytes"], shown["snapshots"]) == (7, 70, 5)
    admin.silent("quota delete", "--volume", project)
    shown = {row["Resource"]: row["Limit"] for row in admin.openstack("quota show", "--volume", project)}
    assert shown["volumes"] == 10
    defaults = {row["Resource"]: row["Limit"] for row in admin.openstack("quota show", "--default", "--volume")}
    assert defaults["gigabytes"] == 1000
    usage = {row["Resource"]: row["In Use"] for row in demo.openstack("quota show", "--usage", "--volume")}
    assert "volumes" in usage
    limits = {row["Name"]: row["Value"] for row in demo.openstack("limits show", "--absolute")}
    assert limits["max_total_volumes"] == 10
    zones = demo.openstack("availability zone list", "--volume")
    assert zones == [{"Zone Name": "nova", "Zone Status": "available"}]
    assert "os-services" in {row["Alias"] for row in demo.openstack("extension list", "--volume")}


def test_a_failure_leaves_a_message(admin, demo):
    kind = admin.openstack("volume type create", "--property", "volume_backend_name=none", "osc-nowhere")["id"]
    volume = demo.openstack("volume create", "--size", "1", "--type", kind, "osc-homeless")["id"]
    demo.until("show", volume, status="error")
    (row,) = [row for row in demo.openstack("volume message list") if row["Resource UUID"] == volume]
    # The SDK looks for the rest of the answer in the wrong member.
    assert row["ID"] in demo.openstack("volume message show", row["ID"]).values()
    demo.silent("volume message delete", row["ID"])
    assert demo.try_openstack("volume message show", row["ID"]).code == 1
    demo.delete(volume)
    admin.silent("volume type delete", kind)
