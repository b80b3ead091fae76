"""The algorithm is what the settings name, and the check names what they name wrongly."""

import pytest
from django.core import checks
from pools import asks, pool

from scheduling import algorithm
from scheduling.filters import FILTERS
from scheduling.placement import place
from scheduling.weighers import WEIGHERS, highest_first, lottery

HERE = "test_algorithm"


@pytest.fixture(autouse=True)
def _afresh():
    algorithm.configured.cache_clear()
    yield
    algorithm.configured.cache_clear()


def only_even_sizes(request, pool):
    return None if request.size_gib % 2 == 0 else "odd sizes are not wanted"


class Alphabetical:
    def __call__(self, request, pools, multiplier):
        return [-float(ord(pool.backend[0])) for pool in pools]


class Broken:
    def __init__(self):
        raise RuntimeError("no licence")


not_callable = "text"


def found(settings, **changes):
    for name, value in changes.items():
        setattr(settings, name, value)
    return [(error.id, error.msg) for error in checks.run_checks() if error.id == "scheduling.E001"]


def test_the_settings_as_delivered_are_sound(settings):
    assert found(settings) == []
    chosen = algorithm.configured()
    assert chosen.filters == tuple(
        FILTERS[name] for name in ("AvailabilityZoneFilter", "CapacityFilter", "CapabilitiesFilter")
    )
    assert [(weigher.name, weigher.multiplier) for weigher in chosen.weighers] == [("CapacityWeigher", 1.0)]
    assert chosen.ranking is highest_first


def test_all_filters_and_weighers_can_be_named(settings):
    assert found(settings, SCHEDULER_FILTERS=list(FILTERS), SCHEDULER_WEIGHERS=list(WEIGHERS)) == []
    assert [weigher.multiplier for weigher in algorithm.configured().weighers] == [1.0, -1.0, 1.0, 1.0, -1.0]


def test_a_multiplier_can_be_set(settings):
    settings.SCHEDULER_WEIGHT_MULTIPLIERS = {"CapacityWeigher": -2}
    assert algorithm.configured().weighers[0].multiplier == -2


def test_the_lottery_can_be_asked_for(settings):
    assert found(settings, SCHEDULER_WEIGHT_HANDLER="StochasticHostWeightHandler") == []
    assert algorithm.configured().ranking is lottery


def test_anybodys_functions_and_classes_can_take_part(settings):
    settings.SCHEDULER_FILTERS = [f"{HERE}.only_even_sizes"]
    settings.SCHEDULER_WEIGHERS = [f"{HERE}.Alphabetical"]
    assert found(settings) == []
    chosen = algorithm.configured()
    pools = [pool("b"), pool("a")]
    decision = place(asks(2), pools, chosen.filters, chosen.weighers, chosen.ranking)
    assert [candidate.backend for candidate in decision.candidates] == ["a", "b"]
    decision = place(asks(3), pools, chosen.filters, chosen.weighers, chosen.ranking)
    assert set(decision.refused.values()) == {"odd sizes are not wanted"}


@pytest.mark.parametrize(
    ("setting", "value", "saying"),
    [
        ("SCHEDULER_FILTERS", ["CapacitiesFilter"], "there is no filter 'CapacitiesFilter'; known: Av"),
        ("SCHEDULER_FILTERS", ["InstanceLocalityFilter"], "there is no filter 'InstanceLocalityFil"),
        ("SCHEDULER_WEIGHERS", [""], "there is no weigher ''; known: CapacityWeigher, Alloc"),
        ("SCHEDULER_WEIGHERS", ["nowhere.at.all"], "the weigher 'nowhere.at.all' cannot be loaded"),
        ("SCHEDULER_FILTERS", [f"{HERE}.missing"], f"the filter '{HERE}.missing' cannot be loaded"),
        ("SCHEDULER_FILTERS", [f"{HERE}.Broken"], f"the filter '{HERE}.Broken' cannot be loaded (Ru"),
        ("SCHEDULER_FILTERS", [f"{HERE}.not_callable"], f"the filter '{HERE}.not_callable' cannot be"),
        ("SCHEDULER_WEIGHT_HANDLER", "Best", "there is no weight handler 'Best'; known: Ordered"),
        ("SCHEDULER_WEIGHT_MULTIPLIERS", {"CapacityWeigher": "2"}, "CapacityWeigher has to"),
        ("SCHEDULER_WEIGHT_MULTIPLIERS", {"ChanceWeigher": 2}, "'ChanceWeigher' is not in"),
        ("SCHEDULER_MAX_OVER_SUBSCRIPTION_RATIO", "0.5", "has to be auto or a num"),
        ("SCHEDULER_MAX_OVER_SUBSCRIPTION_RATIO", "much", "has to be auto or a nu"),
        ("SCHEDULER_MAX_ATTEMPTS", 0, "has to be at least 1, not 0"),
    ],
)  # fmt: skip
def test_the_check_names_the_bad_entry(settings, setting, value, saying):
    ((_, message),) = found(settings, **{setting: value})
    assert message.startswith(setting)
    assert saying in message
