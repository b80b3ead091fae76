"""Time by the database's clock, which all processes share."""

from datetime import timedelta

from django.db.models import DateTimeField, ExpressionWrapper, F, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Now


def in_seconds(seconds: float) -> ExpressionWrapper:
    """Return the moment `seconds` from now, as an expression the database evaluates."""
    moment: Combinable = Now() + Value(timedelta(seconds=seconds))
    return ExpressionWrapper(moment, output_field=DateTimeField())


__all__ = ["F", "Now", "in_seconds"]
