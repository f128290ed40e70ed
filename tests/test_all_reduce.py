"""All-reduce: every way gives the sum to everybody, and its counts are the formulas of the cost model."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdlib import distributed as dist

WAYS = {
    dist.naive: dist.star_seconds,
    dist.tree: dist.tree_seconds,
    dist.ring: dist.ring_seconds,
    dist.halving_doubling: dist.halving_doubling_seconds,
}
ALPHA, BETA = 3e-5, 7e-10


def in_machines(group):
    """Two levels with so many workers in a machine, as one of the ways."""
    return lambda vectors, network: dist.two_level(vectors, network, group)


def all_ways(n):
    return [*WAYS, *(in_machines(group) for group in range(1, n + 1) if n % group == 0)]


@pytest.mark.parametrize("n", range(1, 34))
def test_everybody_gets_the_sum_of_floats(n):
    """Of vectors shorter than n, too, and without a number; the same bits for all workers."""
    for d in (0, 5, 2 * n + 3):
        vectors = list(np.random.default_rng(n).normal(size=(n, d)))
        before = np.array(vectors)
        for way in all_ways(n):
            sums = way(vectors, dist.Network(n))
            np.testing.assert_allclose(sums, np.broadcast_to(before.sum(axis=0), (n, d)), rtol=1e-12, atol=1e-12)
            assert len({s.tobytes() for s in sums}) == 1
            assert np.array_equal(vectors, before)


@settings(max_examples=40)
@given(machines=st.integers(1, 6), group=st.integers(1, 6), d=st.integers(1, 40), seed=st.integers(0, 1000))
def test_the_sum_of_whole_numbers_is_exact(machines, group, d, seed):
    n = machines * group
    vectors = list(np.random.default_rng(seed).integers(-9, 10, size=(n, d)))
    for way in [*WAYS, in_machines(group)]:
        assert (np.array(way(vectors, dist.Network(n))) == np.sum(vectors, axis=0)).all()


@pytest.mark.parametrize("n", range(1, 34))
def test_counts_are_the_formulas(n):
    """Where n divides the vector; else pieces differ by a number, and so may the bytes of each round."""
    for d, slack in ((4 * n, 0), (4 * n + 1, 8)):
        for way, formula in WAYS.items():
            network = dist.Network(n)
            way(list(np.ones((n, d))), network)
            assert network.seconds(1, 0) == network.latencies == formula(n, 8 * d, 1.0, 0.0)
            excess = network.seconds(0, 1) - formula(n, 8 * d, 0.0, 1.0)
            assert -1e-9 <= excess <= slack * network.latencies + 1e-9
            assert network.seconds(ALPHA, BETA) == pytest.approx(formula(n, 8 * d, ALPHA, BETA) + BETA * excess)


@pytest.mark.parametrize(("n", "group"), [(1, 1), (8, 8), (8, 1), (8, 2), (24, 4), (30, 3), (33, 11)])
def test_two_levels_are_their_formula_inside_and_among_the_machines(n, group):
    among, inside, both = dist.Network(n), dist.Network(n), dist.Network(n)
    vectors = list(np.ones((n, 2 * n)))
    dist.two_level(vectors, among, group, inside)
    dist.two_level(vectors, both, group)
    nbytes = vectors[0].nbytes
    fast = dict(inner_alpha=ALPHA / 10, inner_beta=BETA / 20)
    assert among.seconds(ALPHA, BETA) + inside.seconds(ALPHA / 10, BETA / 20) == pytest.approx(
        dist.two_level_seconds(n, nbytes, ALPHA, BETA, group, **fast))
    assert both.seconds(ALPHA, BETA) == pytest.approx(dist.two_level_seconds(n, nbytes, ALPHA, BETA, group))
    machine = np.arange(n) // group
    assert (machine[1:] == machine[:-1]).any() == bool(inside.messages) and (n > group) == bool(among.messages)


def test_a_worker_that_sends_and_receives_at_the_same_time_is_busy_once():
    both_ways, one_door = dist.Network(3), dist.Network(3)
    both_ways.exchange([(0, 1, np.ones(4)), (1, 0, np.ones(2))])
    assert (both_ways.busiest, both_ways.latencies, both_ways.messages, both_ways.rounds) == (32, 1, 2, 1)
    one_door.exchange([(1, 0, np.ones(4)), (2, 0, np.ones(2))])
    assert (one_door.busiest, one_door.latencies, one_door.messages, one_door.rounds) == (48, 2, 2, 1)
    assert one_door.exchange([]) == {} and one_door.rounds == 1


def test_halving_and_doubling_has_the_rounds_of_a_tree_and_the_bytes_of_a_ring():
    networks = {way: dist.Network(100) for way in WAYS}
    for way, network in networks.items():
        way(list(np.ones((100, 200))), network)
    best = networks[dist.halving_doubling]
    assert best.rounds == networks[dist.tree].rounds == 14
    assert (best.bytes_sent == networks[dist.ring].bytes_sent).all() and (best.bytes_sent == 2 * 99 * 16).all()
    assert networks[dist.naive].rounds == 2 and networks[dist.naive].latencies == 2 * 99


@given(n=st.integers(1, 5000), nbytes=st.floats(1, 1e10), alpha=st.floats(0, 1e-2), beta=st.floats(1e-12, 1e-6))
def test_the_best_is_no_slower_than_any_and_on_equal_links_it_halves_and_doubles(n, nbytes, alpha, beta):
    best = dist.best_seconds(n, nbytes, alpha, beta)
    times = [formula(n, nbytes, alpha, beta) for formula in WAYS.values()]
    assert best == min(times) and times[-1] == pytest.approx(best)


def test_fast_links_within_machines_make_two_levels_the_best():
    model = dict(nbytes=4e9, alpha=1e-5, beta=1 / 25e9)
    counts = np.array([8, 64, 100_000])
    inner = dict(group=8, inner_alpha=2e-6, inner_beta=1 / 450e9)
    best = dist.best_seconds(counts, **model, **inner)
    assert (best == dist.two_level_seconds(counts, **model, **inner)).all()
    assert (best < 0.4 * dist.halving_doubling_seconds(counts, **model)).all()


def test_a_hundred_thousand_workers_are_quicker_than_one():
    """A billion parameters in 4 bytes, 60 s of work, α = 10 µs, 25 GB a second: 187 times, and by a flat ring 26."""
    model = dict(n=100_000, nbytes=4e9, alpha=1e-5, beta=1 / 25e9)
    ring, best = dist.ring_seconds(**model), dist.best_seconds(**model)
    assert 60 / (60 / 1e5 + ring) == pytest.approx(25.9, abs=0.1)
    assert 60 / (60 / 1e5 + best) == pytest.approx(186.9, abs=0.1)


def test_the_cost_model_has_its_known_limits():
    assert dist.ring_seconds(10**6, 8e9, 0.0, 1e-9) == pytest.approx(16, rel=1e-5)
    assert dist.halving_doubling_seconds(2**20, 8.0, 1e-6, 0.0) == pytest.approx(4e-5)
    for formula in WAYS.values():
        assert formula(1, 1e9, 1e-5, 1e-9) == 0
    assert dist.amdahl(10**9, 0.05) == pytest.approx(20, rel=1e-6)
    assert dist.amdahl(1, 0.3) == dist.gustafson(1, 0.3) == 1
    assert dist.gustafson(np.array([10, 100]), 0.1) == pytest.approx([9.1, 90.1])
    assert dist.uptime(np.array([0, 10]), 100.0, 10.0) == pytest.approx([1, 0.5])
    assert dist.slowest(10**6) == pytest.approx(np.log(1e6) + np.euler_gamma, rel=1e-6)


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda: dist.ring([np.ones(2)], dist.Network(2)), "vectors must be one for .*; got 1"),
    (lambda: dist.halving_doubling([np.ones(2), np.ones(3)], dist.Network(2)), "vectors must all have one shape; got"),
    (lambda: dist.two_level(list(np.ones((6, 2))), dist.Network(6), 4), "group must be a divisor of n, .*; got 4 and"),
    (lambda: dist.two_level(list(np.ones((6, 2))), dist.Network(6), 0), "group must be a whole number of at least 1"),
    (lambda: dist.two_level_seconds(np.array([8, 12]), 1e9, 1e-5, 1e-9, 8), "group must be a divisor of n, .*; got 8"),
    (lambda: dist.Network(0), "n must be a whole number of at least 1; got 0"),
])
def test_bad_input_in_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
