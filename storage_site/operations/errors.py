"""Why a worker leaves an operation: for others (lease lost, shutdown) or for good (permanent failure)."""


class LeaseLost(Exception):
    """Somebody else holds the operation now; touch nothing more."""


class HandBack(Exception):
    """This process is ending; the operation goes back to be taken up elsewhere."""


class PermanentFailure(Exception):
    """The operation cannot succeed; `code` and `detail` say why and end on its row."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
