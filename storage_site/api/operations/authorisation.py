"""The rows of the authorisation table that are about operations."""

from storage_site.api.authorisation import Rules, member, reader

RULES: Rules = {
    "operations": {"GET": reader("operation:get_all")},
    "operation": {"GET": reader("operation:get"), "DELETE": member("operation:call_off")},
}
