"""This service's own user in a Keystone, for work that outlives the token of whoever asked for it.

As with `keystone`, nothing loads this module, nor the packages that it needs, unless CELINDER_IDENTITY is keystone.
"""

from django.conf import settings
from keystoneauth1.exceptions import ClientException
from keystoneauth1.identity import v3
from keystoneauth1.session import Session

from storage_site.errors import Unavailable


def token() -> str:
    """Return a token of our own user. :raises Unavailable: if the Keystone gives none now."""
    known = settings.KEYSTONE
    auth = v3.Password(
        auth_url=known["url"].rstrip("/").removesuffix("/v3") + "/v3",
        username=known["user"],
        password=known["password"],
        project_name=known["project"],
        user_domain_name=known["user_domain"],
        project_domain_name=known["project_domain"],
    )
    session = Session(auth=auth, verify=known["ca_file"] or True, timeout=known["timeout_s"])
    try:
        return str(session.get_token())
    except ClientException:
        raise Unavailable("The Keystone gives this service no token.") from None
