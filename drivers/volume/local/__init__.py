"""Volumes as qcow2 files in a directory of this host, exported by one qemu-storage-daemon each."""

from drivers.volume.local.driver import LocalDriver

__all__ = ["LocalDriver"]
