"""The console's small pieces of HTML, for templates."""

from datetime import datetime

from django import template
from django.utils.safestring import SafeString

from storage_site.operations import live
from storage_site.operations.models import Operation
from storage_site.pages import words

register = template.Library()


@register.simple_tag
def ago(moment: datetime | None) -> SafeString | str:
    """Write how long ago it was."""
    return words.ago(moment or None)


@register.simple_tag
def status(word: str) -> SafeString:
    """Write a resource's status as a badge."""
    return words.badge(word, words.tone_of_status(word))


@register.simple_tag
def state(operation: Operation) -> SafeString:
    """Write how the operation stands, renewed while it is looked at."""
    return live.badge(operation)


@register.simple_tag
def progress(operation: Operation) -> SafeString:
    """Write how far the operation is, renewed while it is looked at."""
    return live.bar(operation)


@register.simple_tag
def reason(operation: Operation) -> SafeString:
    """Write why the operation stands as it does, renewed while it is looked at."""
    return live.reason(operation)
