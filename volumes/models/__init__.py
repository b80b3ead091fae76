"""The rows of volumes: fields and constraints, one module per noun."""

from volumes.models.attachments import Attachment
from volumes.models.encryption import EncryptionType
from volumes.models.group_types import GroupType
from volumes.models.groups import Group, GroupSnapshot
from volumes.models.qos import QosSpecs
from volumes.models.quotas import ProjectLock, Quota, QuotaClassLimit
from volumes.models.snapshots import Snapshot
from volumes.models.surveys import Survey
from volumes.models.transfers import Transfer
from volumes.models.types import DefaultType, VolumeType, VolumeTypeAccess
from volumes.models.volumes import Volume

__all__ = [
    "Attachment", "DefaultType", "EncryptionType", "Group", "GroupSnapshot", "GroupType", "ProjectLock", "QosSpecs",
    "Quota", "QuotaClassLimit", "Snapshot", "Survey", "Transfer", "Volume", "VolumeType", "VolumeTypeAccess",
]  # fmt: skip
