"""`cinder`, limits, services and back-ends: what is typed, and what is seen (contract 09 section 3)."""

import pytest

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(300)]

HOST, BACKEND, POOL = "celinder", "celinder@local", "celinder@local#local"


@pytest.fixture(scope="module")
def project(admin):
    return admin.openstack("project show", "elsewhere")["id"]


@pytest.fixture(scope="module", autouse=True)
def _project_of_its_own(stranger):
    """Have somebody whose limits nobody else meets."""


def test_quotas_are_shown_used_changed_and_set_back(admin, stranger, project):
    defaults = admin.cinder("quota-defaults", project).shown
    assert (defaults["volumes"], defaults["gigabytes"], defaults["snapshots"]) == ("10", "1000", "10")
    assert stranger.cinder("quota-show", project).shown["volumes"] == "10"
    changed = admin.cinder("quota-update", "--volumes", "1", "--gigabytes", "5", project).shown
    assert (changed["volumes"], changed["gigabytes"]) == ("1", "5")
    volume = stranger.create("only")
    used = {row["Type"]: row for row in stranger.cinder("quota-usage", project).rows}
    assert [used["volumes"][name] for name in ("In_use", "Reserved", "Limit")] == ["1", "0", "1"]
    assert "VolumeLimitExceeded: Maximum number of volumes allowed (1) exceeded" in stranger.refused("create", "1")
    assert "Policy doesn't allow" in stranger.refused("quota-update", "--volumes", "100", project)
    assert "limit" in admin.refused("quota-update", "--volumes", "0", project)
    admin.cinder("quota-delete", project)
    assert admin.cinder("quota-show", project).shown["volumes"] == "10"
    stranger.delete(volume)


def test_limits_that_hold_for_everybody_are_shown_and_changed(admin, stranger):
    before = admin.cinder("quota-class-show", "default").shown["per_volume_gigabytes"]
    admin.cinder("quota-class-update", "--per-volume-gigabytes", "50", "default")
    assert admin.cinder("quota-class-show", "default").shown["per_volume_gigabytes"] == "50"
    assert "51" in stranger.refused("create", "51")
    admin.cinder("quota-class-update", "--per-volume-gigabytes", before, "default")
    assert "Policy doesn't allow" in stranger.refused("quota-class-show", "default")


def test_absolute_and_rate_limits_are_listed(stranger):
    limits = {row["Name"]: row["Value"] for row in stranger.cinder("absolute-limits").rows}
    assert limits["maxTotalVolumes"] == "10"
    assert limits["totalVolumesUsed"] == "0"
    assert stranger.cinder("rate-limits").rows == []


def test_zones_versions_and_filters_are_listed(demo):
    (zone,) = demo.cinder("availability-zone-list").rows
    assert zone == {"Name": "nova", "Status": "available"}
    assert "3.71" in demo.cinder("version-list").out
    assert "3.71" in demo.cinder("api-version").out
    filters = {row["Resource"]: row["Filters"] for row in demo.cinder("list-filters").rows}
    assert "status" in filters["volume"]
    assert [row["Resource"] for row in demo.cinder("list-filters", "--resource", "backup").rows] == ["backup"]


def test_services_are_listed_disabled_with_a_reason_and_enabled(admin, demo):
    listed = admin.cinder("service-list")
    assert {"Binary", "Host", "Zone", "Status", "State", "Updated_at", "Cluster", "Disabled Reason"} <= {
        *listed.headings
    }
    by_binary = {row["Binary"]: row for row in listed.rows}
    assert {"cinder-scheduler", "cinder-volume", "cinder-backup"} <= by_binary.keys()
    assert {row["State"] for row in listed.rows} == {"up"}
    host = BACKEND
    assert {row["Host"] for row in listed.rows if row["Binary"] == "cinder-volume"} == {BACKEND, "celinder@other"}
    admin.cinder("service-disable", "--reason", "to be cleaned", host, "cinder-volume")
    (row,) = admin.cinder("service-list", "--host", host, "--binary", "cinder-volume").rows
    assert (row["Status"], row["Disabled Reason"]) == ("disabled", "to be cleaned")
    admin.cinder("service-enable", host, "cinder-volume")
    admin.cinder("service-disable", host, "cinder-volume")
    admin.cinder("service-enable", host, "cinder-volume")
    assert "Policy doesn't allow" in demo.refused("service-list")
    assert "could not be found" in admin.refused("service-disable", "nowhere", "cinder-volume")
    assert admin.cinder("service-list", "--withreplication", "True").rows


def test_pools_and_capabilities_are_shown(admin, demo):
    assert POOL in admin.cinder("get-pools").out
    detail = admin.cinder("get-pools", "--detail").shown
    assert detail["storage_protocol"] == "nbd"
    assert float(detail["total_capacity_gb"]) > 0
    assert admin.cinder("get-pools", "--filters", f"name={POOL}").out.count(POOL) == 1
    capabilities = admin.cinder("get-capabilities", BACKEND).shown
    assert capabilities["driver_version"]
    assert "Policy doesn't allow" in demo.refused("get-pools")
    assert admin.try_cinder("get-capabilities", "nowhere@none").code == 1


def test_log_levels_are_told_and_set(admin):
    admin.cinder("service-set-log", "DEBUG", "--binary", "cinder-volume", "--prefix", "drivers")
    rows = admin.cinder("service-get-log", "--binary", "cinder-volume", "--prefix", "drivers").rows
    assert {row["Level"] for row in rows if row["Prefix"] == "drivers"} == {"DEBUG"}
    admin.cinder("service-set-log", "INFO", "--binary", "cinder-volume", "--prefix", "drivers")


def test_what_a_backend_cannot_do_is_refused_and_there_are_no_clusters(admin, demo):
    assert admin.cinder("cluster-list").rows == []
    assert admin.cinder("cluster-list", "--detailed", "--binary", "cinder-volume").rows == []
    for words in (("cluster-show", "none"), ("cluster-enable", "none"), ("cluster-disable", "none")):
        assert "could not be found" in admin.refused(*words)
    admin.cinder("freeze-host", BACKEND)
    admin.cinder("thaw-host", BACKEND)
    assert admin.try_cinder("failover-host", BACKEND, "--backend_id", "elsewhere").code == 1
    assert "could not be found" in admin.refused("freeze-host", "nowhere@none")
    admin.cinder("work-cleanup", "--binary", "cinder-volume")
    assert "Policy doesn't allow" in demo.refused("work-cleanup")


def test_a_failure_leaves_a_message_that_is_listed_shown_and_deleted(admin, demo):
    kind = admin.cinder("type-create", "nowhere").rows[0]["ID"]
    admin.cinder("type-key", kind, "set", "volume_backend_name=none-such")
    volume = demo.cinder("create", "--name", "homeless", "--volume-type", "nowhere", "1").shown["id"]
    demo.until("show", volume, status="error")
    listed = demo.cinder("message-list", "--resource_uuid", volume)
    assert listed.headings == ["ID", "Resource Type", "Resource UUID", "Event ID", "User Message"]
    (row,) = listed.rows
    assert (row["Resource Type"], row["Resource UUID"]) == ("VOLUME", volume)
    shown = demo.cinder("message-show", row["ID"]).shown
    assert shown["message_level"] == "ERROR"
    assert demo.cinder("message-list", "--level", "ERROR", "--resource_type", "VOLUME", "--limit", "1").rows
    demo.cinder("message-delete", row["ID"])
    assert "exists." in demo.refused("message-show", row["ID"])
    demo.delete(volume)
    admin.cinder("type-delete", kind)
