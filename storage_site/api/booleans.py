"""Truth values in query parameters."""

from storage_site.api.fields import FALSE_WORDS, TRUE_WORDS
from storage_site.errors import InvalidRequest

TRUE = frozenset(word.lower() for word in TRUE_WORDS)
FALSE = frozenset(word.lower() for word in FALSE_WORDS)


def truth_of(name: str, text: str) -> bool:
    """Return the truth value that parameter `name` gives. :raises InvalidRequest: if it is none."""
    word = text.strip().lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    message = f"Value '{text}' for '{name}' is not a boolean."
    raise InvalidRequest(message)
