"""Answers without a body, whose media type the contract prescribes all the same."""

from rest_framework.response import Response

from storage_site.api.renderers import JSON, XML

HTML = "text/html; charset=UTF-8"


class Empty(Response):
    """An answer without a body; people with a browser get a page that shows its status."""

    def __init__(self, status: int, media_type: str = JSON) -> None:
        super().__init__(status=status)
        self.empty_media_type = media_type

    @property
    def rendered_content(self) -> bytes:
        """Return nothing, labelled as the contract has it, or the page."""
        if getattr(self.accepted_renderer, "is_for_people", False):
            return super().rendered_content
        is_xml = self.accepted_media_type == XML and self.empty_media_type == JSON
        self["Content-Type"] = XML if is_xml else self.empty_media_type
        return b""
