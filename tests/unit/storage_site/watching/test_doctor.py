"""The doctor: each thing that is stuck or wrong is found, with its cause and what mends it."""

import json
import uuid
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone

from backups.models import Repository
from storage_site.caller import SYSTEM
from storage_site.operations.admission import begin
from storage_site.operations.advice import advice_on
from storage_site.operations.heartbeat import beat
from storage_site.operations.models import Operation, Service
from storage_site.watching import canaries, checks, diagnosis
from storage_site.watching.models import Canary
from tests.console import Operator, make_user
from tests.factories import AttachmentFactory, BackupFactory, GroupFactory, OperationFactory, VolumeFactory
from volumes.models import Group

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
LONG_AGO = timedelta(hours=1)


def found(name: str) -> dict[str, diagnosis.Finding]:
    return {finding.about: finding for finding in diagnosis.examine_only(name)}


def all_live() -> None:
    for queue in canaries.known_queues():
        beat(queue)


def test_work_that_waits_for_a_worker_that_does_not_live_is_told_once_for_its_queue():
    for _number in range(3):
        OperationFactory(not_before=timezone.now() - LONG_AGO)
    [finding] = found("operations").values()
    assert finding.about == "queue volume-mem1"
    assert "3 operations wait" in finding.cause
    assert finding.command == "systemctl restart celinder-worker@volume-mem1"


def test_work_that_is_overdue_is_told_in_the_words_of_its_timeline():
    all_live()
    operation = OperationFactory(deadline_at=timezone.now() - LONG_AGO)
    [finding] = found("operations").values()
    assert str(operation.id) in finding.about
    assert advice_on(operation, is_for_administrator=True) in finding.cause
    assert (finding.weight, finding.command) == ("wrong", checks.START_BEAT)


def test_work_whose_attempts_die_leads_to_the_log():
    all_live()
    operation = OperationFactory(attempts=3, fault_code="defect", fault_detail="KeyError: see the worker's log.")
    [finding] = found("operations").values()
    assert "KeyError" in finding.cause
    assert str(operation.id) in finding.command


def test_queues_without_workers_and_frozen_back_ends_are_found():
    all_live()
    Service.objects.filter(backend="mem1").update(last_seen_at=timezone.now() - LONG_AGO)
    Service.objects.filter(backend="mem2").update(is_frozen=True)
    assert set(found("workers")) == {"queue volume-mem1", "cinder-volume on celinder@mem2"}


def test_a_beat_that_does_not_run_and_clocks_that_differ_are_found():
    all_live()
    assert found("birds") == {}  # in a deployment that has only just begun, beat has not had its turn
    Service.objects.update(created_at=timezone.now() - LONG_AGO)
    assert "beat" in found("birds")
    canaries.send()
    assert found("birds") == {}
    Canary.objects.filter(queue="backup").update(clock_ahead_ms=90_000, node_host="slow")
    assert found("birds")["host slow"].command == "timedatectl set-ntp true"


def test_a_worker_that_lives_and_answers_nothing_is_found():
    all_live()
    canaries.send()
    Canary.objects.update(asked_at=timezone.now() - LONG_AGO)
    assert "queue backup" in found("birds")


def test_unwise_settings_are_found(settings):
    settings.DEBUG = True
    settings.CELERY_BROKER_URL = "amqp://user:hidden@mq.example.org//"
    told = found("configuration")
    assert "DEBUG" in told
    assert "hidden" not in str(told)


def test_what_is_in_error_is_told_with_the_reason():
    volume = VolumeFactory(status="error_deleting")
    OperationFactory(
        volume=volume, outcome="failed", finished_at=timezone.now(), fault_detail="The daemon does not end."
    )
    finding = found("statuses")[f"volume {volume.pk}"]
    assert "The daemon does not end." in finding.cause
    assert finding.command == f"openstack volume delete --force {volume.pk}"


@pytest.mark.parametrize("status", ["creating", "downloading", "retyping", "managing", "uploading"])
def test_a_volume_that_shows_work_which_nobody_does_is_found(status):
    forsaken = VolumeFactory(status=status, created_at=timezone.now() - LONG_AGO)
    VolumeFactory(status="maintenance", created_at=timezone.now() - LONG_AGO)  # an operator's word as well
    VolumeFactory(status="creating")
    OperationFactory(volume=VolumeFactory(status="deleting", created_at=timezone.now() - LONG_AGO))
    assert set(found("forsaken")) == {f"volume {forsaken.pk}"}


def test_a_volume_that_is_made_or_deleted_with_its_group_is_worked_on():
    group = GroupFactory(status="creating")
    VolumeFactory(status="creating", group=group, created_at=timezone.now() - LONG_AGO)
    assert len(found("forsaken")) == 1
    with transaction.atomic():
        Group.objects.filter(pk=group.pk).update(status="available", backend="mem1", pool="mem1")
        begin(Group.objects.get(pk=group.pk), "delete", caller=SYSTEM)
    assert found("forsaken") == {}


def test_what_is_lent_to_nobody_is_found():
    lent = AttachmentFactory(lent_to=uuid.uuid4(), is_listed=False, created_at=timezone.now() - LONG_AGO)
    assert set(found("forsaken")) == {f"attachment {lent.pk} of volume {lent.volume_id}"}


def test_repositories_unverified_for_long_and_backups_in_error_are_found():
    Repository.objects.create(
        target="volumebackups",
        repository_id="0" * 32,
        status="available",
        verified_at=timezone.now() - timedelta(days=30),
    )
    assert found("repositories")["repository volumebackups"].command == "./celinder backup_verify volumebackups"
    backup = BackupFactory(status="error", fail_reason="No room.")
    assert "No room." in found("backups")[f"backup {backup.pk}"].cause


def test_a_scheduler_that_does_not_answer_is_found():
    assert found("backends")["scheduler"].weight == "wrong"


def test_a_check_that_fails_is_a_finding_and_costs_no_other(monkeypatch):
    def fail() -> list:
        raise ZeroDivisionError

    monkeypatch.setitem(diagnosis._checks, "statuses", fail)
    told = {finding.check for finding in diagnosis.examine()}
    assert {"statuses", "workers"} <= told


def test_of_many_a_part_is_shown_and_the_rest_is_counted():
    VolumeFactory.create_batch(diagnosis.SHOWN + 2, status="error")
    assert "2 more" in found("statuses")


def test_the_command_prints_and_its_exit_code_tells():
    out = StringIO()
    with pytest.raises(CommandError) as ended:
        call_command("doctor", json=True, stdout=out)
    assert ended.value.returncode == 2
    assert {"check", "weight", "about", "cause", "command"} == set(json.loads(out.getvalue())[0])
    out = StringIO()
    call_command("doctor", only="statuses", stdout=out)
    assert out.getvalue() == "Nothing is wrong.\n"


def test_the_console_shows_the_same_to_operators_alone():
    operator = Operator()
    page = operator.opens("/admin/doctor/")
    assert "systemctl restart celinder-worker@backup" in page
    assert "/admin/doctor/" in operator.opens("/admin/")
    other = Client()
    other.force_login(make_user("rita", "reader"))
    assert other.get("/admin/doctor/").status_code in {302, 403}


def test_asking_changes_nothing():
    OperationFactory(not_before=timezone.now() - LONG_AGO)
    before = list(Operation.objects.values())
    diagnosis.examine()
    assert list(Operation.objects.values()) == before
