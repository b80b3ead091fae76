"""The rows of volumes: fields and constraints, one module per noun."""

from volumes.models.attachments import Attachment
from volumes.models.quotas import ProjectLock, Quota
from volumes.models.snapshots import Snapshot
from volumes.models.transfers import Transfer
from volumes.models.types import VolumeType, VolumeTypeAccess
from volumes.models.volumes import Volume

__all__ = ["Attachment", "ProjectLock", "Quota", "Snapshot", "Transfer", "Volume", "VolumeType", "VolumeTypeAccess"]
