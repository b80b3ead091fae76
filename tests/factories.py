"""One factory per model: rows as services would have left them."""

import uuid
from datetime import timedelta

import factory
from django.utils import timezone

from backups.models import Backup
from storage_site.operations.models import Operation
from volumes.models import Attachment, Group, GroupSnapshot, GroupType, QosSpecs, Snapshot, Transfer, Volume, VolumeType

PROJECT, USER = "a" * 32, "1" * 32


class VolumeTypeFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = VolumeType

    name = factory.Sequence(lambda n: f"type-{n}")


class VolumeFactory(factory.django.DjangoModelFactory):
    """A volume that has been made on back-end mem1."""

    class Meta:
        model = Volume

    project_id = PROJECT
    user_id = USER
    name = factory.Sequence(lambda n: f"volume-{n}")
    size_gib = 1
    status = "available"
    availability_zone = "nova"
    backend = "mem1"
    pool = "mem1"
    volume_type = factory.LazyFunction(lambda: VolumeType.objects.get_or_create(name="__DEFAULT__")[0])


class SnapshotFactory(factory.django.DjangoModelFactory):
    """A snapshot that has been made."""

    class Meta:
        model = Snapshot

    project_id = factory.SelfAttribute("volume.project_id")
    user_id = USER
    volume = factory.SubFactory(VolumeFactory)
    name = factory.Sequence(lambda n: f"snapshot-{n}")
    size_gib = factory.SelfAttribute("volume.size_gib")
    status = "available"


class AttachmentFactory(factory.django.DjangoModelFactory):
    """A reservation of a volume by a server."""

    class Meta:
        model = Attachment

    project_id = factory.SelfAttribute("volume.project_id")
    volume = factory.SubFactory(VolumeFactory, status="reserved")
    instance_id = factory.LazyFunction(uuid.uuid4)
    status = "reserved"


class OperationFactory(factory.django.DjangoModelFactory):
    """A deletion of a volume that waits for a worker."""

    class Meta:
        model = Operation

    class Params:
        volume = factory.SubFactory(VolumeFactory, status="deleting")

    resource_type = "volumes.volume"
    resource_id = factory.SelfAttribute("volume.pk")
    project_id = factory.SelfAttribute("volume.project_id")
    verb = "delete"
    prior_status = "available"
    task = "volumes.tasks.delete_volume"
    queue = "volume-mem1"
    deadline_at = factory.LazyFunction(lambda: timezone.now() + timedelta(hours=1))


class BackupFactory(factory.django.DjangoModelFactory):
    """A backup that has been made, of a volume that there still is, on the default target."""

    class Meta:
        model = Backup

    class Params:
        volume = factory.SubFactory(VolumeFactory)

    project_id = PROJECT
    user_id = USER
    name = factory.Sequence(lambda n: f"backup-{n}")
    volume_id = factory.SelfAttribute("volume.pk")
    size_gib = factory.SelfAttribute("volume.size_gib")
    status = "available"
    target = "volumebackups"
    stored_in = factory.SelfAttribute("project_id")
    container = "volumebackups"
    availability_zone = "nova"
    digest = b"d" * 32
    object_count = 1
    created_at = factory.LazyFunction(timezone.now)
    data_timestamp = factory.SelfAttribute("created_at")


class TransferFactory(factory.django.DjangoModelFactory):
    """An offer of a volume."""

    class Meta:
        model = Transfer

    project_id = factory.SelfAttribute("volume.project_id")
    volume = factory.SubFactory(VolumeFactory, status="awaiting-transfer")
    key_hash = "salt$hash"


class QosSpecsFactory(factory.django.DjangoModelFactory):
    """Limits of throughput that no type has."""

    class Meta:
        model = QosSpecs

    name = factory.Sequence(lambda n: f"limits-{n}")


class GroupTypeFactory(factory.django.DjangoModelFactory):
    """A group type that asks for nothing."""

    class Meta:
        model = GroupType

    name = factory.Sequence(lambda n: f"group-type-{n}")


class GroupFactory(factory.django.DjangoModelFactory):
    """A group on back-end mem1, for volumes of the default type, without any."""

    class Meta:
        model = Group
        skip_postgeneration_save = True

    project_id = PROJECT
    user_id = USER
    name = factory.Sequence(lambda n: f"group-{n}")
    status = "available"
    availability_zone = "nova"
    backend = "mem1"
    pool = "mem1"
    group_type = factory.SubFactory(GroupTypeFactory)

    @factory.post_generation
    def volume_types(self, _create, given):
        self.volume_types.set(given or [VolumeType.objects.get_or_create(name="__DEFAULT__")[0]])


class GroupSnapshotFactory(factory.django.DjangoModelFactory):
    """A snapshot of a group that has been taken."""

    class Meta:
        model = GroupSnapshot

    project_id = factory.SelfAttribute("group.project_id")
    user_id = USER
    group = factory.SubFactory(GroupFactory)
    name = factory.Sequence(lambda n: f"group-snapshot-{n}")
    status = "available"
