"""The console's small pieces of HTML, for templates."""

from datetime import datetime

from django import template
from django.utils.safestring import SafeString

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
