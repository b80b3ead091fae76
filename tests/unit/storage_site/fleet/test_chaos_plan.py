from storage_site.fleet.chaos.plan import moments, planned


def test_a_seed_always_plans_the_same_kills_and_another_one_others():
    assert planned(5, "local") == planned(5, "local")
    assert planned(5, "local") != planned(6, "local")


def test_twenty_seeds_plan_every_moment_that_there_is_and_each_seed_none_twice():
    plans = [[kill.moment for kill in planned(seed, "local")] for seed in range(1, 21)]
    assert {moment for plan in plans for moment in plan} == set(moments("local"))
    assert all(len(set(plan)) == len(plan) for plan in plans)
