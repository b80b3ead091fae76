"""The values that cross the border between the service and its drivers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Self

from drivers.errors import InvalidName

GIB = 1024**3
AccessMode = Literal["rw", "ro"]

UUID_PATTERN = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_UUID = re.compile(UUID_PATTERN, re.ASCII)


def canonical_id(given: str) -> str:
    """Return `given` unchanged if it is a UUID as we write them: lower case, with hyphens, nothing else.

    Names on the storage are made from ids, so whatever is not one must never get that far.

    :raises InvalidName: if it is anything else.
    """
    if not isinstance(given, str) or not _UUID.fullmatch(given):
        message = f"{str(given)[:64]!r} is not the id of a volume, a snapshot or an attachment"
        raise InvalidName(message)
    return given


@dataclass(frozen=True, slots=True, order=True)
class Fence:
    """Which claim of which operation acts; of two fences the later one wins.

    The storage remembers the highest fence seen for each volume, snapshot and attachment, and refuses an older one.
    An equal fence is the same claim repeating itself.
    """

    operation: int
    claim: int

    def __str__(self) -> str:
        return f"{self.operation}.{self.claim}"


@dataclass(frozen=True, slots=True)
class VolumeRef:
    """A volume as drivers know it. :raises InvalidName: if `id` is not a canonical UUID."""

    id: str
    size_gib: int
    project_id: str = ""

    def __post_init__(self) -> None:
        canonical_id(self.id)

    @property
    def name(self) -> str:
        """Return the volume's name on the storage."""
        return f"volume-{self.id}"


@dataclass(frozen=True, slots=True)
class SnapshotRef:
    """A snapshot as drivers know it. :raises InvalidName: if `id` is not a canonical UUID."""

    id: str
    volume: VolumeRef
    """The volume it is of, which may be gone by now or have grown."""
    size_gib: int
    """The volume's size when the snapshot was made."""

    def __post_init__(self) -> None:
        canonical_id(self.id)

    @property
    def name(self) -> str:
        """Return the snapshot's name on the storage."""
        return f"snapshot-{self.id}"


_NAMED = re.compile(rf"(?:volume|snapshot)-({UUID_PATTERN})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Stored:
    """Something on the storage, under whatever name it has there."""

    name: str
    size_gib: int
    """Rounded up."""
    stored_as: str = ""
    """The id that its name is made of; "" if it has a name of its own."""
    of: str = ""
    """For a snapshot: the id that the name of its volume is made of."""
    obstacle: str = ""
    """Why it cannot be taken over, for the operator; "" if it can."""


def id_in(name: str) -> str:
    """Return the id in a name that we give to volumes and snapshots, "" if it is none of ours."""
    match = _NAMED.fullmatch(name)
    return match[1] if match else ""


class ByteRange(NamedTuple):
    """Some bytes of a volume or snapshot, one after the other."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Connector:
    """The host that wants to use a volume, as it described itself."""

    host: str
    ip: str = ""
    initiator: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Everything the host said, the members above included."""

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> Self:
        """Build it from the `connector` object of a request; members that are absent or null become ""."""
        named = {name: str(given.get(name) or "") for name in ("host", "ip", "initiator")}
        return cls(**named, properties=dict(given))


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """One attachment's wish to reach a volume. :raises InvalidName: if `attachment_id` is not a canonical UUID."""

    attachment_id: str
    connector: Connector
    mode: AccessMode = "rw"

    def __post_init__(self) -> None:
        canonical_id(self.attachment_id)


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """How to reach an exported volume: a protocol's name and that protocol's members (JSON values only)."""

    driver_volume_type: str
    data: Mapping[str, Any] = field(hash=False)

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> Self:
        """Build it from the nested form (a `data` member) or the flat one (everything beside the type).

        :raises KeyError: if there is no `driver_volume_type`.
        """
        kind = str(given["driver_volume_type"])
        nested = given.get("data")
        if isinstance(nested, Mapping):
            return cls(kind, dict(nested))
        return cls(kind, {name: value for name, value in given.items() if name != "driver_volume_type"})


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a back-end can do. A call that needs an undeclared capability raises `NotSupported`."""

    snapshots: bool = False
    """Snapshots can be made, read, reverted to and made volumes from, and volumes from volumes."""
    group_snapshots: bool = False
    """Several volumes can be kept, and cloned, at one moment, whoever writes to them meanwhile."""
    online_extend: bool = False
    """A volume can grow while it is exported."""
    multi_attach: bool = False
    """A volume can have several exports at once."""
    readonly: bool = False
    """The storage itself refuses writes through an export of mode "ro"."""
    thin: bool = False
    """Volumes take room only for what was written."""
    qos: bool = False
    """Limits of throughput can be set."""
    manage: bool = False
    """What is on the storage can be taken over, and given up with its data kept."""
    node_local: bool = False
    """Volumes live on one host: only its workers can serve them, only its processes can use them."""


@dataclass(frozen=True, slots=True)
class BackendStats:
    """How full a back-end is and what it is. `None` = unknown or without limit."""

    total_gib: float | None
    free_gib: float | None
    """Physical room left, never negative."""
    allocated_gib: float
    """Physical room that the volumes of this back-end take."""
    provisioned_gib: float
    """Sum of the sizes that were promised to clients."""
    volumes: int
    driver_version: str
    vendor_name: str
    storage_protocol: str
    """`driver_volume_type` of this back-end's connection information."""
    reserved_percentage: int = 0
    """Part of `total_gib` that placement must leave free."""
    max_over_subscription_ratio: float = 1.0
    """How often `total_gib` may be promised; matters for thin back-ends only."""
    is_thin: bool = False
