"""Fetching chunks from a repository, each of them proved to be what its id says."""

from backups.engine import format as fmt
from backups.engine.chunks import ChunkCodec
from backups.engine.errors import Damaged
from backups.engine.index import ChunkIndex
from backups.engine.mirror import Place
from backups.engine.repository import ProjectStore
from drivers.errors import ObjectMissing


class ChunkSource:
    """Finds a chunk in whatever copy is whole; for many threads at once."""

    def __init__(self, store: ProjectStore, index: ChunkIndex, codec: ChunkCodec | None = None) -> None:
        self.store, self.index = store, index
        self.codec = codec or ChunkCodec(store.keys)

    def place(self, chunk_id: bytes) -> Place:
        """Return the best copy. :raises Damaged: if there is none, even after asking the packs themselves."""
        places = self.index.places(chunk_id) or self._places_after_another_look(chunk_id)
        if not places:
            raise Damaged(f"Chunk {chunk_id.hex()} is in no pack of this repository")
        return places[0]

    def fetch(self, chunk_id: bytes) -> bytes:
        """Return the content of a chunk. :raises Damaged: if no copy of it is whole."""
        tried: set[bytes] = set()
        failure = Damaged(f"Chunk {chunk_id.hex()} is in no pack of this repository")
        for look in (self.index.places, self._places_after_another_look):
            for place in look(chunk_id):
                if place.pack_id in tried:
                    continue
                tried.add(place.pack_id)
                try:
                    return bytes(self.codec.open(place.pack_id, place.entry, self._stored(place)))
                except Damaged as error:
                    failure = error
        raise failure

    def _stored(self, place: Place) -> bytes:
        """Return the stored bytes of a copy. :raises Damaged: if its pack is gone."""
        name = self.store.prefix + fmt.pack_name(place.pack_id)
        try:
            return self.store.target.get(name, offset=place.entry.offset, length=place.entry.stored_bytes)
        except ObjectMissing:
            raise Damaged(f"Pack {place.pack_id.hex()} is missing") from None

    def _places_after_another_look(self, chunk_id: bytes) -> list[Place]:
        """Return the copies that the target knows by now, or that no segment of the index names any more."""
        self.index.refresh()
        places = self.index.places(chunk_id)
        if not any(not place.is_bad for place in places):
            self.index.adopt()
            places = self.index.places(chunk_id)
        return places
