"""What may be told to everybody of why work on a volume was not done: by the codes of faults, without any places."""

SENTENCES = {
    "already-managed": "What it names is a volume already.",
    "not-stored": "What it names is not on the storage, or cannot become a volume.",
    "over-limit": "It is more than a quota allows.",
    "copy-differs": "What was copied could not be read back as it was; the volume is as it was.",
    "volume-cannot-move": "It would have to be moved to other storage, which cannot be done as long as it is used so.",
}
