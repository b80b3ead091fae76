"""Images made byte by byte: good ones, and ones that mean harm."""

import struct

CLUSTER = 65536
HEADER = ">4sIQIIQIIQQIIQQQQII"


def qcow2(content: bytes = b"", *, virtual: int = 1024**2, extension: bytes = b"", **members: int) -> bytes:
    """Return a qcow2 image with `content` at its beginning; `members` replace those of the header."""
    count = -(-len(content) // CLUSTER)
    said = {
        "version": 3, "backing_at": 0, "backing_length": 0, "cluster_bits": 16, "virtual": virtual, "crypt": 0,
        "l1_entries": max(1, -(-virtual // (CLUSTER * 8192))), "l1_at": 3 * CLUSTER, "counts_at": CLUSTER,
        "counts_clusters": 1, "snapshots": 0, "snapshots_at": 0, "incompatible": 0, "compatible": 0, "autoclear": 0,
        "order": 4, "header_bytes": 104, **members,
    }  # fmt: skip
    clusters = 5 + count
    table = [(5 + number) * CLUSTER | 1 << 63 for number in range(count)]
    parts = [
        struct.pack(HEADER, b"QFI\xfb", *said.values()) + extension + bytes(8),
        struct.pack(">Q", 2 * CLUSTER),
        struct.pack(f">{clusters}H", *[1] * clusters),
        struct.pack(">Q", 4 * CLUSTER | 1 << 63),
        struct.pack(f">{count}Q", *table),
    ]
    image = b"".join(part.ljust(CLUSTER, b"\0") for part in parts)
    return image + content.ljust(count * CLUSTER, b"\0")


def extension(kind: int, content: bytes) -> bytes:
    """Return an extension of a header."""
    return struct.pack(">II", kind, len(content)) + content.ljust(-(-len(content) // 8) * 8, b"\0")


HARMFUL = {
    "backing": (qcow2(backing_at=200, backing_length=11), "lies on another image"),
    "backing-format": (qcow2(extension=extension(0xE2792ACA, b"raw")), "names another image"),
    "data-file": (qcow2(incompatible=4), "keeps its data in another file"),
    "data-file-name": (qcow2(extension=extension(0x44415441, b"/etc/shadow")), "names another file"),
    "unknown-feature": (qcow2(incompatible=1 << 40), "not known here"),
    "encrypted": (qcow2(crypt=2), "encrypted"),
    "snapshots": (qcow2(snapshots=1), "has snapshots inside"),
    "huge-first-table": (qcow2(l1_entries=2**31), "first table"),
    "small-first-table": (qcow2(l1_entries=0), "first table"),
    "tiny-clusters": (qcow2(cluster_bits=3), "clusters of"),
    "huge-clusters": (qcow2(cluster_bits=40), "clusters of"),
    "cut-off": (qcow2(b"x" * CLUSTER * 3)[: -CLUSTER * 2], "cut off"),
    "table-beyond-the-end": (qcow2(l1_at=CLUSTER * 10**6), "cut off"),
    "half-a-header": (qcow2()[:60], "ends within its header"),
    "endless-header": (qcow2(extension=extension(1, b"") * 80), "does not end"),
}
"""Claimed to be qcow2: name → image, and what its refusal says."""

IN_DISGUISE = {
    "qcow2": qcow2(b"x"),
    "vmdk": b'# Disk DescriptorFile\nversion=1\nRW 2048 FLAT "/etc/shadow" 0\n'.ljust(CLUSTER, b"\0"),
    "vhdx": b"vhdxfile".ljust(CLUSTER, b"\0"),
    "vdi": (bytes(64) + b"\x7f\x10\xda\xbe").ljust(CLUSTER, b"\0"),
    "vhd": bytes(CLUSTER) + b"conectix".ljust(512, b"\0"),
    "qed": b"QED\0".ljust(CLUSTER, b"\0"),
}
"""Claimed to be raw: what it is → image."""
