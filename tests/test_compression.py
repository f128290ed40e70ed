"""Messages that say less: shortened where the worker is, the same bits whatever dies, and nothing lost for good."""
import os
import signal

import numpy as np
import pytest

import gdlib as gd
from gdlib import distributed as dist
from gdlib.distributed import compression, parcels, simulation
from tests.test_distributed import START, WHOLE, digest, shard

COMPRESSIONS = {"top 2": dist.top_k(2), "random 2": dist.random_k(2, unbiased=False), "signs": dist.signs,
                "8 bits": dist.eight_bits, "PowerSGD": dist.power_sgd(1, [(3, 2), (2, 1), (1,)]),
                "a function": lambda g: (np.round(g, 1), g.size)}
LIBRARY = [name for name in COMPRESSIONS if name != "a function"]
each = pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
library = pytest.mark.parametrize("name", LIBRARY)


def scheme(name, d):
    """The scheme of this name for gradients of d numbers; of PowerSGD, for the squarest matrix that holds them."""
    p = max(p for p in range(1, d) if d % p == 0 and p * p <= d)
    return dist.power_sgd(1, [(p, d // p)]) if name == "PowerSGD" else COMPRESSIONS[name]


def train(oracle, steps=60, opt=None, **more):
    return gd.run(WHOLE, opt or gd.momentum(0.01), START, steps, oracle=oracle, **more)


# -- one message -------------------------------------------------------------------------------------------------------


def test_of_equally_large_coordinates_the_first_are_kept():
    g = np.array([1.0, -2.0, 2.0, 2.0, -1.0, 2.0])
    assert dist.top_k(3)(g)[0].tolist() == [0, -2, 2, 2, 0, 0]
    assert dist.top_k(5)(g)[0].tolist() == [1, -2, 2, 2, 0, 2]
    assert dist.top_k(9)(g) [0].tolist() == g.tolist() and dist.top_k(9)(g)[1] == 12 * 6


@library
def test_each_run_of_a_sweep_is_compressed_by_itself(name):
    compress = scheme(name, 20)
    g = np.random.default_rng(0).normal(size=(3, 4, 20))
    g[0, 0] = 0
    said, nbytes = compress(g)
    for run in np.ndindex(3, 4):
        alone, bytes_alone = compress(g[run])
        np.testing.assert_allclose(said[run], alone, rtol=1e-12, atol=1e-14)
        assert nbytes == 12 * bytes_alone


@library
def test_what_travels_says_the_same(name):
    for g in (np.random.default_rng(0).normal(size=36), np.arange(8.0) % 3, np.zeros(12)):
        compress = scheme(name, len(g))
        message = parcels.own(compress.encode(g, compression.Occasion())[0])
        assert compress.decode(message).tobytes() == compress(g)[0].tobytes()


def test_signs_of_zeros_are_zero():
    assert dist.signs(np.array([0.0, 3.0, -3.0]))[0].tolist() == [0, 2, -2]


def said_at(scheme, g, rank, t):
    return scheme.decode(scheme.encode(g, compression.Occasion(rank, t))[0])


def test_random_k_is_right_on_average_and_keeps_what_a_slow_loop_keeps():
    g = np.random.default_rng(1).normal(size=12)
    draw = dist.random_k(3, seed=5)
    said = np.array([said_at(draw, g, rank, t) for rank in range(4) for t in range(1, 2001)])
    error = np.abs(said.mean(axis=0) - g)
    assert (error < 5 * np.sqrt(3) * np.abs(g) / np.sqrt(8000)).all()  # each is 4g or 0: spread √3 |g|
    assert ((said != 0).sum(axis=1) == 3).all() and draw(g)[1] == 24
    kept = dist.random_k(3, seed=5, unbiased=False)
    for rank, t in [(0, 1), (3, 7)]:
        expected = np.zeros(12)
        for place in np.random.default_rng([5, rank, t]).choice(12, 3, replace=False):
            expected[place] = g[place]
        assert said_at(kept, g, rank, t).tolist() == expected.tolist()
    assert dist.random_k(30)(g)[0].tolist() == g.tolist() and dist.random_k(30)(g)[1] == 96


def test_random_k_draws_anew_for_each_worker_and_step():
    draw, g = dist.random_k(5), np.ones(50)
    places = {tuple(np.nonzero(said_at(draw, g, rank, t))[0]) for rank in range(5) for t in range(1, 6)}
    assert len(places) == 25


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_power_sgd_comes_to_the_best_matrix_of_its_rank(rank):
    """From step to step, on one matrix, against a dense SVD."""
    p, q = 12, 10
    rng = np.random.default_rng(0)
    U, V = np.linalg.qr(rng.normal(size=(p, q)))[0], np.linalg.qr(rng.normal(size=(q, q)))[0]
    sizes = 2.0 ** -np.arange(q)
    M = U * sizes @ V.T
    scheme, memory, errors = dist.power_sgd(rank, [(p, q), (3,)]), None, []
    g = np.concatenate([M.ravel(), [7.0, 8.0, 9.0]])
    for _ in range(30):
        message, memory = scheme.encode(g, compression.Occasion(memory=memory))
        said = scheme.decode(message)
        assert said[-3:].tolist() == [7, 8, 9] and np.linalg.matrix_rank(said[:-3].reshape(p, q)) == rank
        errors.append(np.linalg.norm(said - g))
    best = np.sqrt((sizes[rank:] ** 2).sum())
    assert errors[0] > 1.01 * best and errors[-1] == pytest.approx(best, rel=1e-9)
    assert min(errors) >= best * (1 - 1e-12) and (np.diff(errors) <= 1e-12).all()
    assert scheme(g)[1] == 8 * ((p + q) * rank + 3)


def test_power_sgd_starts_again_after_a_gradient_of_zeros():
    scheme, M = dist.power_sgd(1, [(4, 5)]), np.outer(np.arange(1.0, 5), np.ones(5)).ravel()
    memory = scheme.encode(np.zeros(20), compression.Occasion())[1]
    for _ in range(2):
        message, memory = scheme.encode(M, compression.Occasion(memory=memory))
    np.testing.assert_allclose(scheme.decode(message), M)


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
    def oracle(pool):
        return dist.compressed(pool, COMPRESSIONS["PowerSGD"], compress_down=dist.eight_bits)

    with dist.workers(shard(2, 16), 2, "simulated") as pool:
        expected = digest(train(oracle(pool)))

    def killing(oracle, pool):
        for t, grad in enumerate(oracle, start=1):
            if t == 30:
                os.kill(pool.pids()[1], signal.SIGKILL)
            yield grad

    with dist.workers(shard(2, 16), 2) as pool:
        assert digest(train(killing(oracle(pool), pool))) == expected
        assert [pause.rank for pause in pool.pauses] == [1]


@pytest.mark.parametrize("make", [
    lambda pool: dist.compressed(pool, dist.signs),
    lambda pool: dist.compressed(pool, dist.signs, compress_down=dist.eight_bits),
    lambda pool: dist.local_steps(pool, 3, gd.momentum(0.01), scaffold=True),
], ids=["signs", "both ways", "local steps"])
def test_a_loop_that_changes_theta_in_place_gets_the_same_bits_after_a_death(make):
    def descend(deaths):
        theta = START.copy()
        with dist.workers(shard(3, 16), 3, "simulated", deaths=deaths) as pool:
            for _, grad in zip(range(30), make(pool), strict=False):
                theta -= 0.01 * grad(theta)
            assert len(pool.pauses) == len(deaths)
        return theta.tobytes()

    assert descend([]) == descend([(10.5, 1), (20.2, 2)])


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
def test_fewer_bytes_travel_and_both_ways_are_counted(name, monkeypatch):
    """Against what really comes to the worker's desk and leaves it, without its wrapping."""
    compress = scheme(name, 4000)
    d, steps, moved = 4000, 30, {"there": 0, "back": 0}
    plain = simulation.Desk.do

    def counted(desk, method, args):
        moved["there"] += nbytes([arg for arg in args if not callable(arg)])
        answer = plain(desk, method, args)
        moved["back"] += nbytes(answer)
        return answer

    monkeypatch.setattr(simulation.Desk, "do", counted)
    f = gd.quadratic(np.ones(d))
    with dist.workers(lambda rank: Slope(d), 2, "simulated") as pool:
        oracle = dist.compressed(pool, compress)
        gd.run(f, gd.gradient_descent(0.1), np.ones(d), steps, oracle=oracle)
    assert oracle.up == pytest.approx(moved["back"], rel=0.02, abs=2000)
    assert oracle.down == pytest.approx(moved["there"], rel=0.1)
    assert oracle.up < 2 * 8 * d * steps / 7 and oracle.down == 2 * 8 * d * steps
    assert oracle.nbytes == steps * compress.nbytes(d)


def nbytes(value):
    """Of arrays and numbers, however they are packed together."""
    if isinstance(value, tuple | list | dict):
        return sum(map(nbytes, value.values() if isinstance(value, dict) else value))
    return value.nbytes if isinstance(value, np.ndarray) else 8 * isinstance(value, int | float)


class Slope:
    """A worker's object whose gradients have no zeros."""

    def __init__(self, d):
        self.d = d

    def gradient(self, theta, t):
        return theta + np.random.default_rng(t).normal(size=self.d), 10


# -- the new schemes in a descent --------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda: dist.random_k(2, unbiased=False), lambda: COMPRESSIONS["PowerSGD"]],
                         ids=["random 2", "PowerSGD"])
def test_with_feedback_they_come_near_the_minimum_and_nothing_is_lost(make):
    with dist.workers(shard(4), 4, "simulated") as pool:
        run = train(dist.compressed(pool, make()), 1000, gd.gradient_descent(0.02))
        assert run.loss[-1] - WHOLE(WHOLE.solution()) < 1e-3
        oracle = dist.compressed(pool, make())
        said = sum(next(oracle)(START) for _ in range(50))
        kept = sum(shard(4)(r).model.n * oracle.residuals[r] for r in range(4)) / 1001
    np.testing.assert_allclose(said + kept, 50 * WHOLE.grad(START), rtol=1e-10)


def test_an_unbiased_scheme_would_grow_with_feedback_and_is_refused():
    with dist.workers(shard(4), 4, "simulated") as pool:
        with pytest.raises(ValueError, match="feedback must be False with an unbiased scheme, .*; got True. Write"):
            dist.compressed(pool, dist.random_k(2))
        grown = dist.compressed(pool, dist.random_k(2), feedback=False)
        grown.feedback = True  # past the check: why it is there
        grown.restore(grown.state())
        assert np.abs(train(grown, 300, gd.gradient_descent(0.02)).last).max() > 1e6
        without = train(dist.compressed(pool, dist.random_k(2), feedback=False), 300, gd.gradient_descent(0.02))
        assert without.loss[-1] < 1.1 * WHOLE(WHOLE.solution())


def test_the_way_down_is_shortened_and_counted():
    d, steps = 400, 300
    f = gd.quadratic(np.linspace(0.2, 1.0, d))

    class Bowl:
        def __init__(self, rank):
            self.noise = np.random.default_rng(rank).normal(size=d)

        def gradient(self, theta, t):
            return f.grad(theta) + self.noise, 1

    least = -sum(Bowl(rank).noise for rank in range(3)) / 3 / np.linspace(0.2, 1.0, d)
    with dist.workers(Bowl, 3, "simulated") as pool:
        both = dist.compressed(pool, dist.top_k(40), compress_down=dist.eight_bits)
        run = gd.run(f, gd.gradient_descent(0.1), np.zeros(d), steps, oracle=both)
        plain = dist.compressed(pool, dist.top_k(40))
        alone = gd.run(f, gd.gradient_descent(0.1), np.zeros(d), steps, oracle=plain)
    assert np.linalg.norm(run.last - least) < 1.02 * np.linalg.norm(alone.last - least) < 2.5
    assert plain.down == 3 * 8 * d * steps
    assert both.down == 3 * (8 * d + (steps - 1) * (d + 8))
    assert both.up == plain.up + 2 * 3 * 8 * d  # two backups of θ̂


def test_a_shortened_way_down_outlives_workers_and_the_driver(tmp_path):
    def oracle(pool):
        return dist.compressed(pool, dist.signs, compress_down=dist.random_k(4, unbiased=False), backup=7)

    opt = gd.gradient_descent(0.01)
    with dist.workers(shard(3, 16), 3, "simulated") as pool:
        whole = train(oracle(pool), opt=opt)
    with dist.workers(shard(3, 16), 3, "simulated", deaths=[(10.5, 1), (31.2, 0)]) as pool:
        assert digest(train(oracle(pool), opt=opt)) == digest(whole) and len(pool.pauses) == 2
        train(oracle(pool), 25, opt, checkpoint=tmp_path, every_steps=10)
    with dist.workers(shard(3, 16), 3, "simulated") as pool:
        late = train(oracle(pool), opt=opt, checkpoint=tmp_path, every_steps=10)
    assert late.t[0] == 25 and late.last.tobytes() == whole.last.tobytes()


@pytest.mark.parametrize(("arguments", "error", "sentence"), [
    (dict(compress=3), TypeError, "compress must be top_k.*; got 3"),
    (dict(compress=dist.signs, backup=0), ValueError, "backup must be a whole number of at least 1; got 0"),
    (dict(compress=dist.signs, start=-1), ValueError, "start must be a whole number of at least 0"),
    (dict(compress=dist.signs, compress_down=len), ValueError, "compress_down must be a scheme of gd.distributed"),
    (dict(compress=dist.signs, compress_down=dist.random_k(2)), ValueError, "compress_down must be a scheme .* top_k"),
])
def test_bad_input_in_one_sentence(arguments, error, sentence):
    with dist.workers(shard(2), 2, "simulated") as pool, pytest.raises(error, match=sentence):
        dist.compressed(pool, **arguments)


@pytest.mark.parametrize("other", [
    lambda pool: dist.compressed(pool, dist.top_k(3)), lambda pool: dist.compressed(pool, dist.signs, feedback=False),
    lambda pool: dist.local_steps(pool, 3, gd.momentum(0.01)),
    lambda pool: dist.compressed(pool, dist.signs, compress_down=dist.signs),
], ids=["scheme", "feedback", "oracle", "down"])
def test_the_state_of_another_oracle_is_refused(other, tmp_path):
    with dist.workers(shard(2), 2, "simulated") as pool:
        train(dist.compressed(pool, dist.signs), 5, checkpoint=tmp_path / "a")
        with pytest.raises(ValueError, match="the oracle must be that of its state, compressed, .*; got .*. Make"):
            train(other(pool), 9, checkpoint=tmp_path / "a")
        train(dist.synchronous(pool), 5, checkpoint=tmp_path / "b")
        with pytest.raises(ValueError, match="the oracle must be that of its state, another one; got .*. Make"):
            train(other(pool), 9, checkpoint=tmp_path / "b")


@pytest.mark.parametrize(("make", "sentence"), [
    (lambda: dist.random_k(0), "k must be a whole number of at least 1; got 0"),
    (lambda: dist.power_sgd(0, [(4, 4)]), "rank must be a whole number of at least 1; got 0"),
    (lambda: dist.power_sgd(2, [(4, 4), (3,)]), "shapes must hold a matrix that rank 2 shortens; got .*a lower"),
    (lambda: dist.power_sgd(1, 7), "shapes must be a list of tuples; got 7. Give model.shapes."),
    (lambda: dist.power_sgd(1, [(4, 4)])(np.ones(17)), "shapes must hold the 17 parameters of the gradient; got 16"),
])
def test_bad_schemes_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
