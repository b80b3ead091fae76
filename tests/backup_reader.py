"""A stranger's reader of backups, written from docs/backup-format.md alone: it imports nothing of ours."""

import json
import struct
from collections.abc import Mapping

import zstandard
from blake3 import blake3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = bytes(12)


def derive(key: bytes, purpose: str) -> bytes:
    return blake3(key, derive_key_context=f"celinder backup v1 {purpose}").digest()


class StrangersReader:
    """Reads the objects of a target, given as a mapping of names to bytes."""

    def __init__(self, objects: Mapping[str, bytes], project: str, master: bytes) -> None:
        self.objects, self.prefix = objects, f"projects/{project}/"
        self.repository = bytes.fromhex(json.loads(objects["repository"].partition(b"\n")[0])["id"].replace("-", ""))
        wrapped = objects[f"{self.prefix}keys/{derive(master, 'master id')[:8].hex()}"]
        context = wrapped[:16] + self.repository + project.encode()
        key = AESGCM(master).decrypt(wrapped[16:28], wrapped[28:], context)
        self.id_key, self.chunk_key, self.seal_key = (derive(key, purpose) for purpose in ("id", "chunk", "seal"))
        self.places = dict(self.index())

    def unseal(self, name: str, sealed: bytes) -> bytes:
        head, kind = sealed[:32], sealed[9:10]
        key = blake3(kind + head[16:], key=self.seal_key).digest()
        return AESGCM(key).decrypt(NONCE, sealed[32:], head + self.repository + name.encode())

    def index(self):
        """Yield what each pack's own table says; the objects below index/ would save reading the packs."""
        for name, pack in self.objects.items():
            if name.startswith(f"{self.prefix}packs/"):
                start, length, _ = struct.unpack(">II8s", pack[-16:])
                table = self.unseal(name.removeprefix(self.prefix), pack[start : start + length])
                for chunk_id, *place in struct.iter_unpack(">32sIIIB", table):
                    yield chunk_id, (name, *place)

    def chunk(self, chunk_id: bytes) -> bytes:
        name, offset, stored, plain_bytes, codec = self.places[chunk_id]
        pack = bytes.fromhex(name.rpartition("/")[2])
        key = blake3(pack + chunk_id, key=self.chunk_key).digest()
        bound = chunk_id + bytes([codec]) + plain_bytes.to_bytes(4, "big")
        plain = AESGCM(key).decrypt(NONCE, self.objects[name][offset : offset + stored], bound)
        plain = zstandard.decompress(plain) if codec == 1 else plain
        assert blake3(plain, key=self.id_key).digest() == chunk_id
        return plain

    def restore(self, backup: str) -> bytes:
        body = self.unseal(f"manifests/{backup}", self.objects[f"{self.prefix}manifests/{backup}"])
        end = 4 + int.from_bytes(body[:4], "big")
        geometry = json.loads(body[4:end])["geometry"]
        size, chunk_bytes = geometry["volume_bytes"], geometry["chunk_bytes"]
        image, slot = bytearray(size), 0
        for number in range((len(body) - end) // 32):
            segment = body[end + 32 * number : end + 32 * number + 32]
            slot, runs = number * geometry["segment_slots"], b""
            if segment != bytes(32):
                runs = self.chunk(segment)[8:]
            while runs:
                head, runs = int.from_bytes(runs[:4], "big"), runs[4:]
                count = head & 0x7FFFFFFF
                for n in range(count if head >> 31 else 0):
                    plain = self.chunk(runs[32 * n : 32 * n + 32])
                    start = (slot + n) * chunk_bytes
                    image[start : start + len(plain)] = plain
                slot, runs = slot + count, runs[32 * count if head >> 31 else 0 :]
        return bytes(image)
