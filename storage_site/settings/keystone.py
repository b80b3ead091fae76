"""Which Keystone says whose a token is, where CELINDER_IDENTITY is keystone."""

from typing import Any

from storage_site.settings import environment as env


def of_environment() -> dict[str, Any]:
    """Return what the variables say. :raises ValueError: naming the one that cannot be understood."""
    url = env.text("CELINDER_KEYSTONE_URL")
    return {
        "url": url,
        # What clients are told that have to log in: the address that they reach.
        "public_url": env.text("CELINDER_KEYSTONE_PUBLIC_URL", url),
        # The user that this service has there: it asks about tokens, so it holds role service in its project.
        "user": env.text("CELINDER_KEYSTONE_USER", "celinder"),
        "password": env.secret("CELINDER_KEYSTONE_PASSWORD"),
        "project": env.text("CELINDER_KEYSTONE_PROJECT", "service"),
        "user_domain": env.text("CELINDER_KEYSTONE_USER_DOMAIN", "Default"),
        "project_domain": env.text("CELINDER_KEYSTONE_PROJECT_DOMAIN", "Default"),
        "region": env.text("CELINDER_KEYSTONE_REGION"),  # "" = whichever its catalog has
        "interface": env.text("CELINDER_KEYSTONE_INTERFACE", "internal"),
        "ca_file": env.text("CELINDER_KEYSTONE_CA_FILE"),
        "timeout_s": env.number("CELINDER_KEYSTONE_TIMEOUT_S", 10),
        # How long an answer counts: a token revoked there is refused here by then.
        "cache_s": env.number("CELINDER_KEYSTONE_CACHE_S", 60),
        # What this service is in the catalog: access rules of application credentials say it.
        "service_type": env.text("CELINDER_KEYSTONE_SERVICE_TYPE", "block-storage"),
    }
