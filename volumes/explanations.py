"""What may be told to everybody of why work on a volume was not done: by the codes of faults, without any places."""

SENTENCES = {
    "already-managed": "What it names is a volume already.",
    "not-stored": "What it names is not on the storage, or cannot become a volume.",
    "over-limit": "It is more than a quota allows.",
    "copy-differs": "What was copied could not be read back as it was; the volume is as it was.",
    "image-unfit": "The image is not what it is said to be, or volumes cannot be made from such.",
    "image-too-large": "The image does not fit into the volume.",
    "image-damaged": "What the image service sent is not what its record of the image says.",
    "image-refused": "The image service does not allow it, or has no such image any more.",
    "image-service-down": "The image service did not answer in time.",
    "image-scratch-full": "The worker had no room to fetch the image.",
    "volume-cannot-move": "It would have to be moved to other storage, which cannot be done as long as it is used so.",
}
