"""`cinder`, taking over and giving up what is on a storage: what is typed, and what is seen (contract 09 section 3)."""

import pytest

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(300)]

POOL = "celinder@local#local"


@pytest.fixture(scope="module")
def kind(admin):
    made = admin.cinder("type-create", "taken-over").rows[0]["ID"]
    admin.cinder("type-key", made, "set", "volume_backend_name=local")
    yield made
    admin.cinder("type-delete", made)


def test_a_volume_is_given_up_listed_and_taken_over(admin, demo, kind):
    volume = admin.create("to-give-up", "--volume-type", kind)
    assert "Policy doesn't allow" in demo.refused("manageable-list", POOL)
    admin.cinder("unmanage", volume)
    admin.gone("show", volume)
    listed = admin.cinder("manageable-list", POOL)
    assert listed.headings[:3] == ["reference", "size", "safe_to_manage"]
    (row,) = (row for row in listed.rows if volume in row["reference"])
    assert (row["size"], row["safe_to_manage"]) == ("1", "True")
    name = row["reference"].split("'")[-2]
    words = ("--name", "back", "--volume-type", kind, "--metadata", "a=b", "--bootable")
    taken = admin.cinder("manage", *words, POOL, name).shown["id"]
    shown = admin.until("show", taken, status="available")
    assert (shown["name"], shown["size"], shown["bootable"]) == ("back", "1", "true")
    assert admin.try_cinder("manage", POOL, "none-such").code == 0  # it is looked for by a worker
    lost = next(row["ID"] for row in admin.cinder("list").rows if row["ID"] != taken and row["Status"] != "available")
    admin.until("show", lost, status="error")
    assert admin.try_cinder("manage", "celinder@nowhere#none", name).code == 1
    admin.delete(taken, lost)


def test_a_snapshot_is_given_up_listed_and_taken_over(admin, kind):
    volume = admin.create("parent-of-given-up", "--volume-type", kind)
    snapshot = admin.snapshot(volume)
    admin.cinder("snapshot-unmanage", snapshot)
    admin.gone("snapshot-show", snapshot)
    (row,) = (row for row in admin.cinder("snapshot-manageable-list", POOL).rows if snapshot in row["reference"])
    name = row["reference"].split("'")[-2]
    taken = admin.cinder("snapshot-manage", "--name", "back", volume, name).shown["id"]
    assert admin.until("snapshot-show", taken, status="available")["name"] == "back"
    assert admin.try_cinder("snapshot-manage", volume, "none-such").code == 1
    admin.cinder("snapshot-delete", taken)
    admin.gone("snapshot-show", taken)
    admin.delete(volume)
