"""The connection information of the local back-end's exports."""

from pathlib import Path
from urllib.parse import quote

from drivers.types import ConnectionInfo, ExportRequest


def connection_info(volume_id: str, request: ExportRequest, socket: Path, *, snapshot_id: str = "") -> ConnectionInfo:
    """Return what a client on this host needs, and nothing else."""
    members = {
        "transport": "unix",
        "path": str(socket),
        "export": request.attachment_id,
        "uri": f"nbd+unix:///{request.attachment_id}?socket={quote(str(socket))}",
        "volume_id": volume_id,
        "access_mode": request.mode,
    }
    return ConnectionInfo("nbd", members | {"snapshot_id": snapshot_id} if snapshot_id else members)
