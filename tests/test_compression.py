"""Messages that say less: shortened where the worker is, the same bits whatever dies, and nothing lost for good."""
import os
import signal

import numpy as np
import pytest

import gdlib as gd
from gdlib import distributed as dist
from gdlib.distributed import parcels, simulation
from tests.test_distributed import START, WHOLE, digest, shard

COMPRESSIONS = {"top 2": dist.top_k(2), "signs": dist.signs, "8 bits": dist.eight_bits,
                "a function": lambda g: (np.round(g, 1), g.size)}
each = pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
library = pytest.mark.parametrize("compress", list(COMPRESSIONS.values())[:3], ids=list(COMPRESSIONS)[:3])


def train(oracle, steps=60, opt=None, **more):
    return gd.run(WHOLE, opt or gd.momentum(0.01), START, steps, oracle=oracle, **more)


# -- one message -------------------------------------------------------------------------------------------------------


def test_of_equally_large_coordinates_the_first_are_kept():
    g = np.array([1.0, -2.0, 2.0, 2.0, -1.0, 2.0])
    assert dist.top_k(3)(g)[0].tolist() == [0, -2, 2, 2, 0, 0]
    assert dist.top_k(5)(g)[0].tolist() == [1, -2, 2, 2, 0, 2]
    assert dist.top_k(9)(g) [0].tolist() == g.tolist() and dist.top_k(9)(g)[1] == 12 * 6


@library
def test_each_run_of_a_sweep_is_compressed_by_itself(compress):
    g = np.random.default_rng(0).normal(size=(3, 4, 20))
    g[0, 0] = 0
    said, nbytes = compress(g)
    for run in np.ndindex(3, 4):
        alone, bytes_alone = compress(g[run])
        assert said[run].tobytes() == alone.tobytes() and nbytes == 12 * bytes_alone


@library
def test_what_travels_says_the_same(compress):
    for g in (np.random.default_rng(0).normal(size=37), np.array([0.0, 1.0, 0.0, -3.0]), np.zeros(9)):
        message = parcels.own(compress.encode(g))
        assert compress.decode(message).tobytes() == compress(g)[0].tobytes()


def test_signs_of_zeros_are_zero():
    assert dist.signs(np.array([0.0, 3.0, -3.0]))[0].tolist() == [0, 2, -2]


# -- descents ----------------------------------------------------------------------------------------------------------


@each
def test_a_sweep_is_its_single_runs(compress):
    rates = [0.005, 0.01, 0.02]
    with dist.workers(shard(3), 3, "simulated") as pool:
        together = train(dist.compressed(pool, compress), opt=gd.gradient_descent(gd.per_run(rates)))
        for k, lr in enumerate(rates):
            alone = train(dist.compressed(pool, compress), opt=gd.gradient_descent(lr))
            np.testing.assert_allclose(together.theta[:, k], alone.theta, rtol=1e-9, atol=1e-12)


@each
@pytest.mark.parametrize("backup", [7, 100])
def test_a_worker_that_dies_takes_no_residual_with_it(compress, backup):
    with dist.workers(shard(3, 16), 3, "simulated") as pool:
        undisturbed = train(dist.compressed(pool, compress, backup=backup))
    deaths = [(10.5, 1), (10.6, 2), (31.2, 1), (47.0, 0)]
    with dist.workers(shard(3, 16), 3, "simulated", deaths=deaths) as pool:
        assert digest(train(dist.compressed(pool, compress, backup=backup))) == digest(undisturbed)
    assert len(pool.pauses) == 4


def test_in_processes_one_of_which_is_killed():
    with dist.workers(shard(2, 16), 2, "simulated") as pool:
        expected = digest(train(dist.compressed(pool, dist.signs)))

    def killing(oracle, pool):
        for t, grad in enumerate(oracle, start=1):
            if t == 30:
                os.kill(pool.pids()[1], signal.SIGKILL)
            yield grad

    with dist.workers(shard(2, 16), 2) as pool:
        assert digest(train(killing(dist.compressed(pool, dist.signs), pool))) == expected
        assert [pause.rank for pause in pool.pauses] == [1]


@each
def test_a_descent_goes_on_with_its_residuals(compress, tmp_path):
    with dist.workers(shard(3, 16), 3, "simulated") as pool:
        whole = train(dist.compressed(pool, compress))
        oracle = dist.compressed(pool, compress)
        first = train(oracle, 25)
        state = oracle.state()
    with dist.workers(shard(3, 16), 3, "simulated") as pool:
        rest = dist.compressed(pool, compress, state=state)
        late = gd.run(WHOLE, gd.momentum(0.01), None, 35, resume=first, oracle=rest)
        assert late.last.tobytes() == whole.last.tobytes()
        train(dist.compressed(pool, compress), 25, checkpoint=tmp_path, every_steps=10)
    with dist.workers(shard(3, 16), 3, "simulated") as pool:
        late = train(dist.compressed(pool, compress), checkpoint=tmp_path, every_steps=10)
        assert late.t[0] == 25 and late.last.tobytes() == whole.last.tobytes()
    with dist.workers(shard(2, 16), 2, "simulated") as pool:
        with pytest.raises(ValueError, match="state must hold the residuals of 2 workers; got 3"):
            dist.compressed(pool, compress, state=state)


def test_a_synchronous_descent_goes_on_from_a_file(tmp_path):
    with dist.workers(shard(3, 16), 3, "simulated") as pool:
        whole = train(dist.synchronous(pool))
        train(dist.synchronous(pool), 25, checkpoint=tmp_path, every_steps=10)
        late = train(dist.synchronous(pool), checkpoint=tmp_path, every_steps=10)
    assert late.t[0] == 25 and late.last.tobytes() == whole.last.tobytes()


def test_a_message_that_was_asked_for_twice_is_counted_once():
    """A worker hangs once; its late answer and the new one begin at the same residual."""
    def train_with(seconds, **options):
        with dist.workers(shard(2, 16), 2, "simulated", seconds=seconds, **options) as pool:
            oracle = dist.compressed(pool, dist.signs)
            theta = START
            for _ in range(10):
                grad = next(oracle)
                try:
                    step = grad(theta)
                except TimeoutError:
                    step = grad(theta)
                theta = theta - 0.01 * step
            return theta

    calls = iter(range(10**6))
    late_once = lambda rank, rng: 50.0 if next(calls) == 9 else 1.0  # noqa: E731
    expected = train_with(lambda rank, rng: 1.0)
    assert train_with(late_once, timeout=30.0).tobytes() == expected.tobytes()


@library
def test_fewer_bytes_travel_and_both_ways_are_counted(compress, monkeypatch):
    """Against what really is copied from worker to driver and back, arrays without their wrapping."""
    d, steps, moved = 4000, 30, {"argument": 0, "the answer": 0}
    plain = simulation.copied

    def counted(value, name):
        kind = next((kind for kind in moved if name.startswith(kind)), None)
        if kind and not callable(value):
            moved[kind] += sum(a.nbytes for a in arrays(value))
        return plain(value, name)

    monkeypatch.setattr(simulation, "copied", counted)
    f = gd.quadratic(np.ones(d))
    with dist.workers(lambda rank: Slope(d), 2, "simulated") as pool:
        oracle = dist.compressed(pool, compress)
        gd.run(f, gd.gradient_descent(0.1), np.ones(d), steps, oracle=oracle)
    assert oracle.up == pytest.approx(moved["the answer"], rel=0.02, abs=2000)
    assert oracle.down == pytest.approx(moved["argument"], rel=0.1)
    assert oracle.up < 2 * 8 * d * steps / 7 and oracle.down == 2 * 8 * d * steps
    assert oracle.nbytes == steps * compress.nbytes(d)


def arrays(value):
    if isinstance(value, np.ndarray):
        return [value]
    return [array for part in value for array in arrays(part)] if isinstance(value, tuple | list) else []


class Slope:
    """A worker's object whose gradients have no zeros."""

    def __init__(self, d):
        self.d = d

    def gradient(self, theta, t):
        return theta + np.random.default_rng(t).normal(size=self.d), 10


@pytest.mark.parametrize(("arguments", "error", "sentence"), [
    (dict(compress=3), TypeError, "compress must be top_k.*; got 3"),
    (dict(compress=dist.signs, backup=0), ValueError, "backup must be a whole number of at least 1; got 0"),
    (dict(compress=dist.signs, start=-1), ValueError, "start must be a whole number of at least 0"),
])
def test_bad_input_in_one_sentence(arguments, error, sentence):
    with dist.workers(shard(2), 2, "simulated") as pool, pytest.raises(error, match=sentence):
        dist.compressed(pool, **arguments)
