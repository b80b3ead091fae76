"""What is left in the backup repositories of a fleet, as one who can read their storage sees it."""

from pathlib import Path

from storage_site.fleet.s3_server import S3Server

# What a repository keeps for ever, or long after: its name, projects' keys, the collector's count, revoked marks.
_KEPT = ("/repository", "/keys/", "/gc/epoch", "/writers/")


def remains(folder: Path, server: S3Server | None) -> list[str]:
    """Return the objects in a directory, and on a server, that only backups need."""
    names = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    names += server.names() if server is not None else []
    return [name for name in names if not any(kept in f"/{name}" for kept in _KEPT)]
