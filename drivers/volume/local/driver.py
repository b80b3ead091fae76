"""The driver of the local back-end: the contract's calls, each as one locked comparison and act."""

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from drivers.connect import nbd
from drivers.errors import (
    BackendFull,
    DriverError,
    InvalidConfiguration,
    NotSupported,
    TransientDriverError,
    VolumeMissing,
)
from drivers.types import (
    BackendStats,
    Capabilities,
    ConnectionInfo,
    ExportRequest,
    Fence,
    VolumeRef,
    canonical_id,
)
from drivers.volume.local.authority import Authority
from drivers.volume.local.configuration import LocalConfiguration
from drivers.volume.local.daemon import ExportDaemon
from drivers.volume.local.failures import as_driver_errors
from drivers.volume.local.fronts import Remote
from drivers.volume.local.groups import GroupCalls
from drivers.volume.local.host import claim_directory
from drivers.volume.local.images import DamagedImage, make_image, resize_image
from drivers.volume.local.layers import LayerDirectory, highest_file
from drivers.volume.local.layout import LONGEST_SOCKET_NAME, SOCKET_PATH_BYTES, Layout
from drivers.volume.local.managing import ManageCalls
from drivers.volume.local.ports import Ports
from drivers.volume.local.processes import end_daemons_below
from drivers.volume.local.programs import missing
from drivers.volume.local.records import locked, locked_record
from drivers.volume.local.room import measure, need_room
from drivers.volume.local.slots import sync_directory
from drivers.volume.local.tidying import drop_preparations, tidy

log = logging.getLogger(__name__)
_RENEW_WAIT_S = 1.0


class LocalDriver(GroupCalls, ManageCalls):
    """qcow2 files in a directory, served over NBD; needs no privileges. Settings: LocalConfiguration.

    Under a volume's lock every call compares its fence, makes it durable, and acts. Exports are never patched one by
    one: the fence book says which there shall be, and the daemon is brought to serve exactly those.
    """

    capabilities = Capabilities(
        snapshots=True,
        group_snapshots=nbd.IS_THERE,
        multi_attach=True,
        readonly=True,
        thin=True,
        manage=True,
        node_local=True,
    )

    def __init__(self, key: str, configuration: LocalConfiguration) -> None:
        self.key = key
        self._configuration = configuration
        self._layout = Layout(configuration.root, configuration.runtime)
        self._remote: Remote | None = None
        if host := configuration.listen:
            authority = Authority(self._layout.certificates, host)
            self._remote = Remote(host, authority, Ports(self._layout.ports, configuration.ports))

    @classmethod
    def from_settings(cls, key: str, settings: Mapping[str, Any]) -> Self:
        """Make a driver from an entry of the settings. Raises as the contract says."""
        return cls(key, LocalConfiguration.from_settings(key, settings))

    def check(self) -> None:
        """Prepare the directories, clear up, and renew certificates in time. Raises as the contract says."""
        if (complaint := missing()) is not None:
            raise InvalidConfiguration(f"Back-end {self.key!r}: {complaint}")
        self._need_short_paths()
        layout = self._layout
        try:
            for directory in (layout.root, layout.runtime, layout.volumes, layout.layers, layout.fences):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
                    raise PermissionError(f"{directory} cannot be written to by user {os.geteuid()}")
            claim_directory(layout.marker, self.key)
            if self._remote is not None:
                self._remote.authority.prepare()
        except OSError as error:
            raise InvalidConfiguration(f"Back-end {self.key!r}: {error}") from error
        with as_driver_errors(f"clearing up {layout.root}"):
            tidy(layout)
            self._renew_exports()

    def create_volume(self, ref: VolumeRef, fence: Fence) -> None:
        """Prepare a file of this claim's own, then publish it under its name. Raises as the contract says."""
        draft = self._layout.temporary(ref.id, fence)
        with as_driver_errors(f"creating {ref.name}", full=BackendFull):
            with self._claimed(ref, fence):
                drop_preparations(self._layout, ref.id, older_than=fence)
                if self._is_made(ref):
                    return
                need_room(self._configuration, self._layout, ref.size_gib)
            try:
                self._prepare(ref, draft, fence)
                with self._claimed(ref, fence):
                    if not self._is_made(ref):
                        self._publish(ref, draft)
            finally:
                draft.unlink(missing_ok=True)

    def delete_volume(self, ref: VolumeRef, fence: Fence) -> None:
        """End the daemon, then remove the file. Raises as the contract says."""
        with as_driver_errors(f"deleting {ref.name}"), locked_record(self._layout, ref.id) as record:
            record.book.admit_deletion(fence, now=time.time())
            record.save()
            self._withdraw(record)
            ExportDaemon(self._layout.run_directory(ref.id)).stop()
            drop_preparations(self._layout, ref.id, older_than=fence)
            self._drop_volume(ref)

    def extend_volume(self, ref: VolumeRef, new_size_gib: int, fence: Fence) -> None:
        """Enlarge the file while nobody has it open. Raises as the contract says."""
        with as_driver_errors(f"extending {ref.name}", full=BackendFull), self._claimed(ref, fence) as record:
            size_gib = self._size_gib(ref)
            if new_size_gib == size_gib:
                return
            if new_size_gib < size_gib:
                raise NotSupported(f"{ref.name} has {size_gib} GiB and cannot shrink to {new_size_gib}")
            if record.book.wanted:
                raise NotSupported(f"{ref.name} is exported; a local volume grows only while it is not attached")
            self._daemon(ref).stop()
            with locked(self._layout.capacity_lock):
                need_room(self._configuration, self._layout, new_size_gib - size_gib)
                resize_image(highest_file(self._layout, ref.id), new_size_gib)

    def export(self, ref: VolumeRef, request: ExportRequest, fence: Fence) -> ConnectionInfo:
        """Bring the daemon to serve this attachment too. Raises as the contract says."""
        with as_driver_errors(f"exporting {ref.name}"), locked_record(self._layout, ref.id) as record:
            attachment = record.book.admit_export(request.attachment_id, fence, now=time.time())
            self._opened(ref)
            daemon = self._daemon(ref)
            if attachment.mode != request.mode:
                attachment.mode = None
                record.save()
                # What is left of an earlier mode must go: an export with this name says nothing about its mode.
                if self._layout.run_directory(ref.id).exists():
                    daemon.serve(record.book.wanted)
                attachment.mode = request.mode
            record.save()
            daemon.serve(record.book.wanted, needed=request.attachment_id)
            return daemon.server.connection_info(ref.id, request)

    def unexport(self, ref: VolumeRef, attachment_id: str, fence: Fence) -> None:
        """Bring the daemon to serve the others only. Raises as the contract says."""
        canonical_id(attachment_id)
        with as_driver_errors(f"ending an export of {ref.name}"), locked_record(self._layout, ref.id) as record:
            record.book.admit_export(attachment_id, fence, now=time.time()).mode = None
            record.save()
            self._withdraw(record)
            exists = self._layout.image(ref.id).exists()
            self._daemon(ref).serve(record.book.wanted if exists else {})

    def exports(self, ref: VolumeRef) -> frozenset[str]:
        """Ask the daemon. Raises as the contract says."""
        with as_driver_errors(f"asking for the exports of {ref.name}"), locked_record(self._layout, ref.id):
            return self._daemon(ref).exports()

    def stats(self) -> BackendStats:
        """Measure the file system and our files. Raises as the contract says."""
        with as_driver_errors("measuring the back-end"):
            return measure(self._configuration, self._layout)

    def list_volumes(self) -> Iterator[VolumeRef]:
        """Yield the files there are; one whose header is damaged counts with 0 GiB."""
        found: list[VolumeRef] = []
        with as_driver_errors(f"listing {self._layout.volumes}"):
            for volume_id in sorted(self._layout.volume_ids()):
                with suppress(VolumeMissing):  # deleted since the directory was read
                    try:
                        found.append(VolumeRef(volume_id, self._size_gib(VolumeRef(volume_id, 0))))
                    except DamagedImage:
                        found.append(VolumeRef(volume_id, 0))
        yield from found

    def stop_exports(self) -> None:
        """End every daemon, the fence books staying as they are. Raises as the contract says."""
        with as_driver_errors(f"ending all exports of back-end {self.key!r}"):
            failures: list[TransientDriverError] = []
            for volume_id in self._layout.running_ids() if self._layout.runtime.is_dir() else ():
                try:
                    with locked_record(self._layout, volume_id):
                        ExportDaemon(self._layout.run_directory(volume_id)).stop()
                except TransientDriverError as error:
                    failures.append(error)
            end_daemons_below(self._layout.runtime)
        if failures:
            raise failures[0]

    def _prepare(self, ref: VolumeRef, draft: Path, fence: Fence) -> None:
        """Make the file that may become the volume. Raises as `make_image`, or StaleFence if that is the reason."""
        try:
            make_image(draft, ref.size_gib)
        except (DriverError, OSError):
            with self._claimed(ref, fence):  # a later claim tidies the files of earlier ones up
                raise

    def _publish(self, ref: VolumeRef, draft: Path) -> None:
        """Make a prepared file the volume, counting its room. :raises BackendFull: if others took the room."""
        with locked(self._layout.capacity_lock):
            need_room(self._configuration, self._layout, ref.size_gib)
            LayerDirectory(self._layout.volume_layers(ref.id)).remove()  # a deletion that was not finished
            draft.rename(self._layout.image(ref.id))
            sync_directory(self._layout.volumes)

    def _renew_exports(self) -> None:
        """Let no export go on with certificates that run out. What is in use elsewhere, or hangs, is left for later."""
        for thing_id in self._layout.running_ids() if self._remote is not None else ():
            try:
                with locked_record(self._layout, thing_id, wait_s=_RENEW_WAIT_S) as record:
                    self._daemon_of(thing_id, ()).renew(record.book.wanted)
            except TransientDriverError as error:
                log.warning("certificates of the exports of %s were not renewed: %s", thing_id, error.message)

    def _need_short_paths(self) -> None:
        """Verify that sockets will have room for their names. :raises InvalidConfiguration: if not."""
        longest = len(os.fsencode(self._layout.runtime)) + len(LONGEST_SOCKET_NAME)
        if longest > SOCKET_PATH_BYTES:
            raise InvalidConfiguration(
                f"Back-end {self.key!r}: sockets below {self._layout.runtime} would need {longest} bytes, "
                f"{SOCKET_PATH_BYTES} are possible; set the entry 'runtime_path' to a shorter directory"
            )
