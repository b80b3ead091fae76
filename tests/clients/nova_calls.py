"""Calls what Nova calls when it uses volumes: `nova.volume.cinder.API`, unmodified, in an environment of its own.

Runs in the virtual environment of requirements-nova.txt and knows nothing of ours. The first line of its standard input
tells how to log in; each further one names a method of the API with its arguments, and is answered with what that
returned, or with the class and text of what it raised, as one JSON object per line.
"""

import json
import sys

from keystoneauth1 import loading
from nova import conf as nova_conf
from nova import context as nova_context
from nova import exception as nova_exception
from nova.volume import cinder


def main() -> None:
    """Answer until nobody asks any more."""
    told = json.loads(sys.stdin.readline())
    _configure(told["service"])
    caller = nova_context.RequestContext(**told["caller"])
    api = cinder.API()
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(_answer(api, caller, **asked), default=str), flush=True)  # noqa: T201


def _configure(service: dict[str, str]) -> None:
    """Have Nova's own user beside the caller's token in every request, as a deployment does."""
    conf = nova_conf.CONF
    conf([], project="nova", default_config_files=[])
    loading.register_auth_conf_options(conf, "service_user")
    conf.register_opts(loading.get_auth_plugin_conf_options("password"), group="service_user")
    conf.set_override("send_service_user_token", True, group="service_user")
    conf.set_override("auth_type", "password", group="service_user")
    for name, value in service.items():
        conf.set_override(name, value, group="service_user")


def _answer(api, caller, method, args, more):
    try:
        if method == "is_microversion_supported":
            return {"returned": cinder.is_microversion_supported(caller, *args)}
        return {"returned": getattr(api, method)(caller, *args, **more)}
    except nova_exception.NovaException as error:
        return {"raised": type(error).__name__, "text": str(error)}
    except Exception as error:  # noqa: BLE001 - what Nova lets through is an answer as well
        return {"raised": type(error).__name__, "text": str(error)}


if __name__ == "__main__":
    main()
