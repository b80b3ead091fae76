"""Encryption types (contract 05, section 1.3)."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api.answers import HTML, Empty
from volumes.errors import EncryptionMissing
from volumes.models import EncryptionType
from volumes.serializers import encryption as shapes
from volumes.services import encryption as services
from volumes.views.types import TypeView


class TypeEncryption(TypeView):
    """How volumes of a type are encrypted."""

    reads = {"POST": shapes.EncryptionCreate}

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show it; an empty object where they are not."""
        found = EncryptionType.objects.filter(volume_type=self.get_object()).first()
        return Response(self.written(shapes.EncryptionAnswer, found) if found else {})

    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Say it."""
        values = self.values()
        made = services.create_encryption(volume_type=self.get_object(), **values)
        named = {"volume_type_id": str(made.volume_type_id), "encryption_id": str(made.pk)}
        return Response({"encryption": {**values, **named}})


class TypeEncryptionItem(TypeView):
    """One member of how volumes of a type are encrypted; to change it, the last word of the path is not looked at."""

    reads = {"PUT": shapes.EncryptionUpdate}
    answers = {"DELETE": 202}

    def get(self, _request: Request, key: str, **_kwargs: Any) -> Response:
        """Show the member. :raises EncryptionMissing: if there is none of this name."""
        found = EncryptionType.objects.filter(volume_type=self.get_object()).first()
        members = self.written(shapes.EncryptionAnswer, found) if found else {}
        if key not in members:
            raise EncryptionMissing(self.get_object().pk)
        return Response({key: members[key]})

    def put(self, request: Request, **_kwargs: Any) -> Response:
        """Change it."""
        services.update_encryption(volume_type=self.get_object(), **self.values())
        return Response(request.data)

    def delete(self, _request: Request, **_kwargs: Any) -> Empty:
        """Have them not encrypted any more."""
        services.delete_encryption(volume_type=self.get_object())
        return Empty(202, HTML)
