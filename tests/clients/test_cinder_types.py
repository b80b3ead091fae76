"""`cinder`, types of volumes, qualities and encryption: what is typed, and what is seen (contract 09 section 3)."""

import pytest

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(300)]


@pytest.fixture
def kind(admin):
    made = admin.cinder("type-create", "--description", "for tests", "kind").rows[0]["ID"]
    yield made
    said = admin.try_cinder("type-delete", made)
    assert said.code == 0, said.out


def project_of(admin, person: str) -> str:
    return admin.openstack("project show", person)["id"]


def test_a_type_is_made_listed_shown_changed_and_deleted(admin, demo):
    made = admin.cinder("type-create", "--description", "fast", "--is-public", "True", "quick")
    assert made.headings == ["ID", "Name", "Description", "Is_Public"]
    ident = made.rows[0]["ID"]
    assert made.rows[0]["Name"] == "quick"
    assert ident in {row["ID"] for row in demo.cinder("type-list").rows}
    admin.cinder("type-update", "--name", "quicker", "--description", "faster", "--is-public", "False", ident)
    shown = admin.cinder("type-show", "quicker").shown
    assert (shown["id"], shown["description"], shown["is_public"]) == (ident, "faster", "False")
    assert ident not in {row["ID"] for row in demo.cinder("type-list").rows}
    assert "No volumetype with a name or ID of" in demo.refused("type-show", "quicker")
    admin.cinder("type-delete", "quicker")
    assert ident not in {row["ID"] for row in admin.cinder("type-list").rows}


def test_what_is_wrong_with_a_type_is_said(admin, demo, kind):
    assert "Policy doesn't allow" in demo.refused("type-create", "mine")
    assert "already exists" in admin.refused("type-create", "kind")
    assert "No volumetype with a name or ID of 'none-such' exists." in admin.refused("type-show", "none-such")
    assert "Unable to delete any of the specified types." in admin.refused("type-delete", "none-such")
    assert admin.try_cinder("type-create", "n" * 256).code == 1
    volume = demo.create("of-kind", "--volume-type", "kind")
    assert demo.cinder("show", volume).shown["volume_type"] == "kind"
    assert "Unable to delete any of the specified types." in admin.refused("type-delete", kind)
    demo.delete(volume)


def test_the_default_type_is_shown_and_set_for_a_project(admin, demo, kind):
    assert demo.cinder("type-default").rows[0]["Name"] == "__DEFAULT__"
    project = project_of(admin, "demo")
    made = admin.cinder("default-type-set", kind, project)
    assert (made.shown["volume_type_id"], made.shown["project_id"]) == (kind, project)
    assert project in {row["Project ID"] for row in admin.cinder("default-type-list").rows}
    assert admin.cinder("default-type-list", "--project-id", project).shown["volume_type_id"] == kind
    assert demo.cinder("type-default").rows[0]["Name"] == "kind"
    assert "Policy doesn't allow" in demo.refused("default-type-list")
    admin.cinder("default-type-unset", project)
    assert demo.cinder("type-default").rows[0]["Name"] == "__DEFAULT__"


def test_extra_specs_are_set_listed_and_unset(admin, demo, kind):
    admin.cinder("type-key", kind, "set", "volume_backend_name=local", "multiattach=<is> True")
    specs = {row["ID"]: row["extra_specs"] for row in admin.cinder("extra-specs-list").rows}
    assert "'volume_backend_name': 'local'" in specs[kind]
    assert "<is> True" in admin.cinder("type-show", kind).shown["extra_specs"]
    assert kind in {
        row["ID"] for row in admin.cinder("type-list", "--filters", "extra_specs={multiattach:<is> True}").rows
    }
    admin.cinder("type-key", kind, "unset", "multiattach")
    assert "multiattach" not in admin.cinder("type-show", kind).shown["extra_specs"]
    assert "Policy doesn't allow" in demo.refused("type-key", kind, "set", "a=b")
    assert admin.try_cinder("type-key", kind, "set", "bad key=1").code == 1


def test_a_private_type_is_opened_to_one_project_and_closed_again(admin, demo):
    project = project_of(admin, "demo")
    ident = admin.cinder("type-create", "--is-public", "False", "closed").rows[0]["ID"]
    admin.cinder("type-access-add", "--volume-type", ident, "--project-id", project)
    listed = admin.cinder("type-access-list", "--volume-type", ident)
    assert listed.rows == [{"Volume_type_ID": ident, "Project_ID": project}]
    assert ident in {row["ID"] for row in demo.cinder("type-list").rows}
    assert "already" in admin.refused("type-access-add", "--volume-type", ident, "--project-id", project)
    admin.cinder("type-access-remove", "--volume-type", ident, "--project-id", project)
    assert "could not be found" in demo.refused("create", "--volume-type", ident, "1")
    admin.cinder("type-delete", ident)


def test_encryption_of_a_type_is_set_shown_changed_and_removed(admin, demo, kind):
    made = admin.cinder(
        "encryption-type-create",
        "--cipher",
        "aes-xts-plain64",
        "--key-size",
        "256",
        "--control-location",
        "front-end",
        kind,
        "luks",
    )
    assert made.rows[0]["Volume Type ID"] == kind
    assert (made.rows[0]["Provider"], made.rows[0]["Key Size"]) == ("luks", "256")
    assert kind in {row["Volume Type ID"] for row in admin.cinder("encryption-type-list").rows}
    admin.cinder("encryption-type-update", "--key-size", "512", kind)
    assert admin.cinder("encryption-type-show", kind).rows[0]["Key Size"] == "512"
    assert "Policy doesn't allow" in demo.refused("encryption-type-show", "__DEFAULT__")
    assert "already exist" in admin.refused("encryption-type-create", kind, "luks")
    admin.cinder("encryption-type-delete", kind)
    assert admin.cinder("encryption-type-show", kind).rows == []


def test_qualities_of_service_are_made_changed_associated_and_deleted(admin, demo, kind):
    made = admin.cinder("qos-create", "slow", "consumer=front-end", "read_iops_sec=100").shown
    ident = made["id"]
    assert made["consumer"] == "front-end"
    assert ident in {row["ID"] for row in admin.cinder("qos-list").rows}
    admin.cinder("qos-key", ident, "set", "write_iops_sec=50")
    assert "write_iops_sec" in admin.cinder("qos-show", ident).out
    admin.cinder("qos-key", ident, "unset", "read_iops_sec")
    assert "read_iops_sec" not in admin.cinder("qos-show", ident).out
    admin.cinder("qos-associate", ident, kind)
    assert [row["ID"] for row in admin.cinder("qos-get-association", ident).rows] == [kind]
    assert "still associated with entities" in admin.refused("qos-delete", ident)
    admin.cinder("qos-disassociate", ident, kind)
    assert admin.cinder("qos-get-association", ident).rows == []
    admin.cinder("qos-associate", ident, kind)
    admin.cinder("qos-disassociate-all", ident)
    assert "Policy doesn't allow" in demo.refused("qos-list")
    assert "already exists" in admin.refused("qos-create", "slow", "a=b")
    admin.cinder("qos-associate", ident, kind)
    admin.cinder("qos-delete", "--force", "True", ident)
    assert "exists" in admin.refused("qos-show", ident)
