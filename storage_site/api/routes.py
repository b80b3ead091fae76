"""The paths of the API: each with and without the project's id, each with or without `.json`."""

import re
from typing import Any

from django.urls import URLPattern, re_path

PROJECT = r"(?:(?P<project_id>[0-9a-f-]+)/)?"
SUFFIX = r"(?:\.json)?"
PLACEHOLDER = re.compile(r"\{(\w+)(\*?)\}")


def resource(path: str, view: type[Any], name: str) -> URLPattern:
    """Return the pattern for `path` below /v3.

    `{word}` in it stands for one segment, `{word*}` for the rest of the path (keys may contain slashes).
    """
    pattern = PLACEHOLDER.sub(lambda match: f"(?P<{match[1]}>{'.+?' if match[2] else '[^/]+?'})", path)
    return re_path(f"^v3/{PROJECT}{pattern}{SUFFIX}$", view.as_view(), name=name)
