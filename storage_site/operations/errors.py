"""Why a worker leaves an operation: for others (lease lost, shutdown) or for good (permanent failure)."""


class LeaseLost(Exception):  # noqa: N818 - a fact, not a fault
    """Somebody else holds the operation now; touch nothing more."""


class HandBack(Exception):  # noqa: N818 - a fact, not a fault
    """This process is ending; the operation goes back to be taken up elsewhere."""


class PermanentFailure(Exception):  # noqa: N818 - the word of the field
    """The operation cannot succeed; `code` and `detail` say why and end on its row."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
