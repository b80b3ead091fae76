"""The rows of the authorisation table that are about groups."""

from storage_site.api.authorisation import Rules, admin, reader

TYPES = "group:group_types"
SPECS = "group:group_types:specs"

RULES: Rules = {
    "group-types": {"GET": reader(f"{TYPES}:get"), "POST": admin(f"{TYPES}:create")},
    "group-type-default": {"GET": reader(f"{TYPES}:get")},
    "group-type": {
        "GET": reader(f"{TYPES}:get"),
        "PUT": admin(f"{TYPES}:update"),
        "DELETE": admin(f"{TYPES}:delete"),
    },
    "group-type-specs": {"GET": admin(f"{SPECS}:get_all"), "POST": admin(f"{SPECS}:create")},
    "group-type-spec": {
        "GET": admin(f"{SPECS}:get"),
        "PUT": admin(f"{SPECS}:update"),
        "DELETE": admin(f"{SPECS}:delete"),
    },
}
