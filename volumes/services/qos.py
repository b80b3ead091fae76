"""What administrators may ask about QoS specs (contract 05 section 2)."""

from collections.abc import Iterable, Mapping

from django.db import IntegrityError, transaction

from storage_site.errors import Conflict, InvalidRequest, NotFound
from volumes.models import QosSpecs, VolumeType


@transaction.atomic
def create_qos_specs(*, name: str, consumer: str, specs: Mapping[str, str]) -> QosSpecs:
    """Add QoS specs. :raises Conflict: if the name is taken."""
    try:
        with transaction.atomic():
            return QosSpecs.objects.create(name=name, consumer=consumer, specs=dict(specs))
    except IntegrityError:
        raise Conflict(f"QoS Specs {name} already exists.") from None


@transaction.atomic
def update_qos_specs(*, qos_specs: QosSpecs, specs: Mapping[str, str | None], consumer: str | None = None) -> None:
    """Add limits, or replace some, and say anew who keeps them."""
    locked = QosSpecs.objects.select_for_update().get(pk=qos_specs.pk)
    locked.specs = {**locked.specs, **specs}
    locked.consumer = consumer or locked.consumer
    locked.save()


@transaction.atomic
def delete_keys(*, qos_specs: QosSpecs, keys: Iterable[str]) -> None:
    """Remove limits by their names. :raises NotFound: if there is none of a name; nothing is removed then."""
    locked = QosSpecs.objects.select_for_update().get(pk=qos_specs.pk)
    for key in keys:
        if key not in locked.specs:
            raise NotFound(f"QoS spec {locked.pk} has no spec with key {key}.")
        del locked.specs[key]
    locked.save()


@transaction.atomic
def delete_qos_specs(*, qos_specs: QosSpecs, force: bool = False) -> None:
    """Remove QoS specs, by force from types that have them, too. :raises InvalidRequest: if there are such types."""
    locked = QosSpecs.objects.select_for_update().get(pk=qos_specs.pk)
    if not force and locked.types.exists():
        raise InvalidRequest(f"QoS Specs {locked.pk} is still associated with entities.")
    locked.delete()


@transaction.atomic
def associate(*, qos_specs: QosSpecs, volume_type: VolumeType) -> None:
    """Give the specs to a type. :raises InvalidRequest: if it has some already."""
    locked = VolumeType.objects.select_for_update().get(pk=volume_type.pk)
    if locked.qos_specs_id is not None:
        raise InvalidRequest(f"Type {locked.pk} is already associated with another qos specs: {locked.qos_specs_id}")
    VolumeType.objects.filter(pk=locked.pk).update(qos_specs=qos_specs)


@transaction.atomic
def disassociate(*, qos_specs: QosSpecs, volume_type: VolumeType | None = None) -> None:
    """Take the specs from a type, if it has them, or from all types that do."""
    types = VolumeType.objects.filter(qos_specs=qos_specs)
    (types.filter(pk=volume_type.pk) if volume_type else types).update(qos_specs=None)
