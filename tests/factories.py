"""One factory per model: rows as services would have left them."""

import uuid

import factory

from volumes.models import Attachment, Snapshot, Volume, VolumeType

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
