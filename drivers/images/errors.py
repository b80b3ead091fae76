"""What can go wrong with images, in the families of `drivers.errors`."""

from drivers.errors import PermanentDriverError, TransientDriverError


class ImageUnfit(PermanentDriverError):
    """The image is not one that volumes are made from."""

    code = "image-unfit"


class ImageTooLarge(PermanentDriverError):
    """The image does not fit into the volume, or into the room for fetching it."""

    code = "image-too-large"


class ImageRefused(PermanentDriverError):
    """The image service does not allow this, or has no such image."""

    code = "image-refused"


class ImageDamaged(PermanentDriverError):
    """What came over the network is not what its record says of it."""

    code = "image-damaged"


class ImageServiceDown(TransientDriverError):
    """The image service does not answer, or not in a way that can be understood."""

    code = "image-service-down"


class ScratchFull(TransientDriverError):
    """The worker has no room to fetch the image now."""

    code = "image-scratch-full"
