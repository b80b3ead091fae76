"""The backup engine: repositories of encrypted chunks on any target, without Django."""
