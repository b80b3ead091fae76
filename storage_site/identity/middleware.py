"""What surrounds the pages with a log-in form: the limit on failures, told as HTTP tells it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from storage_site.identity.errors import TooManyAttempts


class LoginLimitMiddleware:
    """Answers 429 where a log-in form was refused; the API's own views answer for themselves."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:  # noqa: ARG002
        """Return the refusal, if that is what went wrong."""
        if not isinstance(exception, TooManyAttempts):
            return None
        headers = {"Retry-After": str(exception.retry_after_s)}
        return HttpResponse(exception.message, content_type="text/plain", status=exception.http_status, headers=headers)
