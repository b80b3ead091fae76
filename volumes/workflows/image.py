"""Giving a volume what an image holds, and keeping as an image what it holds: through what its back-end lends."""

from collections.abc import Iterator
from typing import BinaryIO

from django.conf import settings

from drivers.connect import Connection, open_connection
from drivers.images.conversion import convert
from drivers.images.errors import ImageRefused, ImageServiceDown, ImageUnfit
from drivers.images.glance import Image, Service
from drivers.images.inspection import QCOW2, RAW, inspect
from drivers.images.scratch import data_ranges, fetch, require_free, scratch, write_sparse
from drivers.types import GIB
from storage_site.operations.claims import Claimed
from storage_site.operations.pace import Pace
from volumes import backends, images
from volumes.lending import lend_volume, take_back
from volumes.models import Volume
from volumes.workflows.jobs import Jobs

MIB = 1024**2
PIECE_BYTES = 4 * MIB
ZEROES_BYTES = 256 * MIB
SECTOR_BYTES = 4096
EXTENTS_BYTES = GIB
"""Of so much of a volume extents are kept at once: one may have any number of them."""
_jobs = Jobs(settings.IMAGE_JOBS, "This worker is at as many images as it may be at once.")


def download(op: Claimed, volume: Volume) -> None:
    """Fetch the image, look at it, and write it; an attempt that died is begun anew, its writer shut out first.

    :raises ImageUnfit, ImageTooLarge, ImageDamaged, ImageRefused: if that volume cannot be given that image.
    :raises TransientDriverError: while it is worth trying again.
    """
    with _jobs.one(op) as is_free:
        if is_free:
            _download(op, volume)


def upload(op: Claimed, volume: Volume) -> None:
    """Send what the volume holds to the image that was begun for it; that one is removed if it cannot be done.

    Raises as `download`.
    """
    with _jobs.one(op) as is_free:
        if is_free:
            _upload(op, volume)


def _download(op: Claimed, volume: Volume) -> None:
    driver, service = backends.driver(volume.backend), _service(op)
    take_back(op, driver, volume)
    image = _image(op, service)
    room = volume.size_gib * GIB
    # The tables of a qcow2 image are a small part of what it describes.
    most = room if image.disk_format == RAW else room + room // 64 + 64 * MIB
    folder = settings.IMAGE_SCRATCH_DIR
    if image.disk_format not in {RAW, QCOW2}:
        raise ImageUnfit(f"The image is {image.disk_format}; volumes are made from raw and qcow2 images.")
    require_free(folder, image.size or 0)
    teller = _Teller(op, 2 * (image.size or 0))
    with scratch(folder) as fetched:
        size = fetch(service, image, fetched, most=most, told=teller.told)
        found = inspect(fetched, size, claimed=image.disk_format, room=room)
        if found.format == RAW:
            _fill(op, volume, fetched, size, teller)
        else:
            require_free(folder, found.virtual_bytes)
            with scratch(folder) as plain:
                said = (found.format, RAW)
                convert(fetched, plain, said=said, virtual_bytes=found.virtual_bytes, check=op.check)
                _fill(op, volume, plain, found.virtual_bytes, teller)
    take_back(op, driver, volume)
    op.finish(is_bootable=True, image_metadata=images.metadata_of(image))


def _fill(op: Claimed, volume: Volume, content: BinaryIO, size: int, teller: "_Teller") -> None:
    """Make the volume hold `content`; one that was just made reads as zeros wherever nothing is written."""
    driver, is_fresh = backends.driver(volume.backend), bool(op.operation.arguments.get("is_fresh"))
    attachment = lend_volume(op, driver, volume, volume)
    teller.expect(size)
    with open_connection(attachment.connection_info) as connection:
        for offset, length, is_data in data_ranges(content, size):
            if is_data:
                _write(connection, content, offset, length, teller)
            elif not is_fresh:
                _zero(connection, offset, length, op)
        if not is_fresh:
            begin = -(-size // SECTOR_BYTES) * SECTOR_BYTES
            _zero(connection, begin, connection.size - begin, op)
        op.check()
        connection.flush()


def _write(connection: Connection, content: BinaryIO, offset: int, length: int, teller: "_Teller") -> None:
    for start in range(offset, offset + length, PIECE_BYTES):
        content.seek(start)
        piece = content.read(min(PIECE_BYTES, offset + length - start))
        # The last piece of an image may end within a sector; what is behind it is the volume's own zeros.
        connection.pwrite(piece.ljust(-(-len(piece) // SECTOR_BYTES) * SECTOR_BYTES, b"\0"), start)
        teller.told(start + len(piece))


def _zero(connection: Connection, offset: int, length: int, op: Claimed) -> None:
    for start in range(offset, offset + length, ZEROES_BYTES):
        op.check()
        connection.pwrite_zeroes(min(ZEROES_BYTES, offset + length - start), start)


def _upload(op: Claimed, volume: Volume) -> None:
    driver, service = backends.driver(volume.backend), _service(op)
    image_id, wanted = op.operation.arguments["image_id"], op.operation.arguments["disk_format"]
    take_back(op, driver, volume)

    def remove(**_fence: object) -> None:
        service.delete(image_id)

    image = op.step("image begun", lambda **_fence: _image(op, service), undo=remove)
    if image.status == "saving":
        raise ImageServiceDown("The image service is still busy with an earlier attempt.")
    if image.status != "active":  # one that is active was sent by a worker that died right afterwards
        attachment = lend_volume(op, driver, volume, volume, mode="ro" if driver.capabilities.readonly else "rw")
        with open_connection(attachment.connection_info) as connection:
            teller = _Teller(op, connection.size)
            if wanted == RAW:
                service.upload(image_id, _pieces(connection, teller), connection.size)
            else:
                _send_converted(op, service, connection, teller)
    take_back(op, driver, volume)
    if op.operation.arguments.get("protected"):
        service.protect(image_id)
    op.finish()


def _send_converted(op: Claimed, service: Service, connection: Connection, teller: "_Teller") -> None:
    folder, size = settings.IMAGE_SCRATCH_DIR, connection.size
    require_free(folder, sum(length for _, length, is_data in _places(connection) if is_data))
    with scratch(folder) as plain, scratch(folder) as made:
        plain.truncate(size)
        for start, length, is_data in _places(connection):
            if is_data:
                write_sparse(plain, connection.pread(length, start), start)
                teller.told(start + length)
        convert(plain, made, said=(RAW, QCOW2), virtual_bytes=size, check=op.check)
        length = made.seek(0, 2)
        made.seek(0)
        service.upload(op.operation.arguments["image_id"], _read(made, op), length)


def _pieces(connection: Connection, teller: "_Teller") -> Iterator[bytes]:
    """Yield all bytes of the volume; holes are not read."""
    zeros = bytes(PIECE_BYTES)
    for start, length, is_data in _places(connection):
        yield connection.pread(length, start) if is_data else zeros[:length]
        teller.told(start + length)


def _places(connection: Connection) -> Iterator[tuple[int, int, bool]]:
    """Yield (offset, length, whether it has to be read) of the volume's pieces, in order and without gaps."""
    for begin in range(0, connection.size, EXTENTS_BYTES):
        # As a list, for the connection is used between two of them.
        for extent in list(connection.extents(begin, min(EXTENTS_BYTES, connection.size - begin))):
            end = extent.offset + extent.length
            for start in range(extent.offset, end, PIECE_BYTES):
                yield start, min(PIECE_BYTES, end - start), extent.is_data


def _read(file: BinaryIO, op: Claimed) -> Iterator[bytes]:
    while piece := file.read(PIECE_BYTES):
        op.check()
        yield piece


def _image(op: Claimed, service: Service) -> Image:
    """Return the image of the operation. :raises ImageRefused: if it has gone."""
    image = service.show(op.operation.arguments["image_id"])
    if image is None:
        raise ImageRefused("The image was removed, or may not be used any more.")
    return image


def _service(op: Claimed) -> Service:
    return images.service_for_work(user_id=op.operation.actor_id, project_id=op.operation.arguments["as_project"])


class _Teller:
    """Writes down how far the work is."""

    def __init__(self, op: Claimed, total: int) -> None:
        self._op, self._total, self._before, self._done, self._pace = op, total, 0, 0, Pace()

    def expect(self, size: int) -> None:
        """Begin the second half of the work, of `size` bytes."""
        self._before = self._done
        self._total = self._before + size

    def told(self, done: int) -> None:
        """Tell it. :raises LeaseLost, HandBack: if the work is to go on no more."""
        self._done = self._before + done
        self._op.check()
        progress = self._pace.at(self._done, max(self._total, self._done))
        if progress is not None:
            self._op.note(progress=progress)
