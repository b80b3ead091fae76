"""The benchmark of the API says how many times better the first service was, whichever way better points."""

from bench.api.report import table


def _figures(second: float, rate: float) -> dict[str, dict[str, float]]:
    return {"seconds": {"create": second}, "rates": {"list": rate}, "memory_mib": {}}


def test_less_seconds_and_more_a_second_are_better():
    text = table({"Celinder": _figures(0.5, 30.0), "peer": _figures(1.0, 10.0)})
    lines = {line.split()[0]: line.split() for line in text.splitlines() if line}
    assert lines["create"] == ["create", "0.500", "1.000", "2.00"]
    assert lines["list"] == ["list", "30.000", "10.000", "3.00"]


def test_one_service_alone_is_compared_with_nothing():
    text = table({"Celinder": _figures(0.5, 30.0)})
    assert "better" not in text
    assert "0.500" in text


def test_what_the_other_was_not_measured_for_has_no_ratio():
    text = table({"Celinder": _figures(0.5, 30.0), "peer": {"seconds": {}, "rates": {"list": 0.0}, "memory_mib": {}}})
    lines = {line.split()[0]: line.split() for line in text.splitlines() if line}
    assert lines["create"] == ["create", "0.500", "-"]
    assert lines["list"] == ["list", "30.000", "0.000"]
