"""What can go wrong with who somebody is, as exceptions with Keystone's codes."""

from storage_site.errors import StorageError


class Unauthenticated(StorageError):
    """The request you have made requires authentication."""

    code, http_status = "unauthenticated", 401


class TooManyAttempts(StorageError):
    """Too many log-ins failed; wait before the next one."""

    code, http_status = "too-many-attempts", 429

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"Too many log-ins failed; try again in {retry_after_s} seconds.")
        self.retry_after_s = retry_after_s
