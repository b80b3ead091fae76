"""Asking for volumes, snapshots, attachments and backups so that each is made once, whatever answers get lost."""

from collections.abc import Mapping
from typing import Any

from storage_site.fleet.chaos.client import Client, Ledger

_ONE = {"volumes": "volume", "snapshots": "snapshot", "backups": "backup", "attachments": "attachment"}


class Things:
    """What one story makes. Names are its own, so that what got no answer can be found by them."""

    def __init__(self, client: Client, ledger: Ledger, prefix: str) -> None:
        self._client, self._ledger, self._prefix = client, ledger, prefix

    def status(self, kind: str, ident: str) -> str | None:
        """Return the status of a thing, None when it has gone."""
        shown = self._client.get(f"/{kind}/{ident}")
        return str(shown[_ONE[kind]]["status"]) if shown is not None else None

    def create_volume(self, name: str, size_gib: int, **source: str) -> str:
        """Have a volume made, blank or from `source`; return its id."""
        return self._create("volumes", name, {"size": size_gib, **source})

    def create_snapshot(self, name: str, volume: str) -> str:
        """Have a snapshot taken of a volume that may be attached; return its id."""
        return self._create("snapshots", name, {"volume_id": volume, "force": True})

    def create_backup(
        self, volume: str, target: str, *, is_attached: bool = False, is_incremental: bool = False, snapshot: str = ""
    ) -> str:
        """Have a backup made of a volume, or of a snapshot of it; return its id."""
        body: dict[str, Any] = {"volume_id": volume, "container": target, "incremental": is_incremental}
        body |= {"snapshot_id": snapshot} if snapshot else {"force": is_attached}
        return self._create("backups", f"backup-{volume[:8]}-{len(self._ledger.accepted)}", body)

    def _create(self, kind: str, name: str, body: Mapping[str, Any]) -> str:
        full_name = f"{self._prefix}-{name}"
        one = _ONE[kind]
        made, is_found = self._client.ask(
            "POST", f"/{kind}", {one: {"name": full_name, **body}}, lambda: self._named(kind, full_name)
        )
        ident = made if is_found else made[one]["id"]
        self._ledger.accept(ident, "create", found_out=is_found)
        return str(ident)

    def _named(self, kind: str, name: str) -> str | None:
        shown = self._client.get(f"/{kind}/detail?name={name}")
        found = [one["id"] for one in (shown or {}).get(kind, []) if one["name"] == name]
        return found[0] if found else None

    def attach(self, volume: str, connector: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
        """Attach a volume; return the attachment's id and how to reach the volume."""
        body = {"attachment": {"volume_uuid": volume, "connector": dict(connector), "mode": "rw"}}
        made, is_found = self._client.ask("POST", "/attachments", body, lambda: self._attachment_of(volume))
        ident = made if is_found else made["attachment"]["id"]
        shown = self._connected(ident, connector) if is_found else made["attachment"]
        self._ledger.accept(ident, "connect", found_out=is_found)
        self._client.ask(
            "POST",
            f"/attachments/{ident}/action",
            {"os-complete": {}},
            lambda: self._has("attachments", ident, "attached"),
        )
        return ident, shown["connection_info"]

    def _attachment_of(self, volume: str) -> str | None:
        shown = self._client.get(f"/attachments?volume_id={volume}")
        found = [one["id"] for one in (shown or {}).get("attachments", []) if one["volume_id"] == volume]
        return found[0] if found else None

    def _connected(self, ident: str, connector: Mapping[str, str]) -> dict[str, Any]:
        """Ask anew for the connection of an attachment whose first answer was lost; what is going on is joined."""
        path, body = f"/attachments/{ident}", {"attachment": {"connector": dict(connector)}}

        def look() -> dict[str, Any] | None:
            shown = self._client.get(path)
            return shown if shown and shown["attachment"].get("connection_info") else None

        shown = look() or self._client.ask("PUT", path, body, look)[0]
        return dict(shown["attachment"])

    def detach(self, ident: str) -> None:
        """Detach; return when the host is shut out."""
        path = f"/attachments/{ident}"
        _, is_found = self._client.ask("DELETE", path, None, lambda: self._is_gone(path), may_be_refused=True)
        self._ledger.accept(ident, "disconnect", found_out=is_found)

    def restore_to(self, backup: str, volume: str) -> None:
        """Have a volume given what a backup holds."""

        def look() -> bool | None:
            return self._has("backups", backup, "restoring") or self._has("volumes", volume, "restoring-backup")

        body = {"restore": {"volume_id": volume}}
        _, is_found = self._client.ask("POST", f"/backups/{backup}/restore", body, look)
        self._ledger.accept(volume, "restore", found_out=is_found)

    def restore_to_new(self, backup: str, name: str) -> str:
        """Have a volume made that holds what a backup does; return its id."""
        full_name = f"{self._prefix}-{name}"
        path, body = f"/backups/{backup}/restore", {"restore": {"name": full_name}}
        made, is_found = self._client.ask("POST", path, body, lambda: self._named("volumes", full_name))
        ident = made if is_found else made["restore"]["volume_id"]
        self._ledger.accept(ident, "create", found_out=is_found)
        return str(ident)

    def delete(self, kind: str, ident: str) -> None:
        """Have a thing deleted, which is not the end of it yet."""
        path = f"/{kind}/{ident}"

        def look() -> bool | None:
            return self._is_gone(path) or self._has(kind, ident, "deleting")

        _, is_found = self._client.ask("DELETE", path, None, look, may_be_refused=True)
        self._ledger.accept(ident, "delete", found_out=is_found)

    def _has(self, kind: str, ident: str, status: str) -> bool | None:
        return True if self.status(kind, ident) == status else None

    def _is_gone(self, path: str) -> bool | None:
        return True if self._client.get(path) is None else None
