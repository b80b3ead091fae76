"""Where a token's catalog has a service."""

import pytest

from storage_site.identity.catalog import url_in

CATALOG = [
    {"type": "identity", "endpoints": [{"interface": "internal", "region_id": "R", "url": "http://identity"}]},
    {
        "type": "compute",
        "endpoints": [
            {"interface": "public", "region_id": "R", "url": "http://public"},
            {"interface": "internal", "region_id": "Q", "url": "http://other-region"},
            {"interface": "internal", "region": "R", "url": "http://compute"},
        ],
    },
]


@pytest.mark.parametrize(
    ("interface", "region", "url"),
    [
        ("internal", "R", "http://compute"),
        ("public", "R", "http://public"),
        ("internal", "", "http://other-region"),
        ("admin", "R", ""),
        ("internal", "S", ""),
    ],
)
def test_the_endpoint_of_the_interface_and_region_is_found(interface, region, url):
    assert url_in(CATALOG, "compute", interface, region) == url


def test_a_service_that_is_not_there_is_nowhere():
    assert url_in(CATALOG, "image", "internal", "") == ""
    assert url_in([], "compute", "internal", "") == ""
