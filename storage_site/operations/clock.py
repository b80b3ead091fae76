"""Time by the database's clock, which all processes share."""

from datetime import timedelta

from django.db.models import DateTimeField, ExpressionWrapper, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Now


def in_seconds(seconds: float) -> Combinable:
    """Return the moment `seconds` from now, as an expression the database evaluates."""
    moment: Combinable = Now() + Value(timedelta(seconds=seconds))
    return ExpressionWrapper(moment, output_field=DateTimeField())
