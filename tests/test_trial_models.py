"""What the trials of lessons 01, 03, 04 and 08 measure with."""
import numpy as np
import pytest

import gdlib as gd
from gdlib.lessons.distributed import trials as distributed
from gdlib.lessons.gradients import trials as gradients
from gdlib.lessons.kit import small_models, trial
from gdlib.lessons.learning_rate import trials as learning_rate

TRIALS = trial.load()
RNG = np.random.default_rng


def case_of(claim, **changes):
    """The first case of a claim's sample, with changes."""
    return TRIALS[claim].case(**(vars(TRIALS[claim].sample()[0]) | changes))


@pytest.mark.parametrize("model", small_models.MODELS)
def test_a_small_model_has_the_gradient_of_its_loss(model):
    X, y = small_models.table(model, 20, 5, 10.0, 0.3, RNG(0))
    for seed in range(3):
        theta = RNG(seed).standard_normal(small_models.dim(model, 5))
        assert gd.analysis.check_gradient(lambda t: small_models.loss(model, t, X, y),
                                          lambda t: small_models.slopes(model, t, X, y), theta)


@pytest.mark.parametrize("model, same", [("least squares", gd.LeastSquares), ("logistic", gd.LogisticRegression)])
def test_the_linear_ones_are_the_packages_own(model, same):
    X, y = small_models.table(model, 20, 5, 10.0, 0.3, RNG(0))
    theta, own = RNG(1).standard_normal((4, 5)), same(X, y.astype(int) if model == "logistic" else y, intercept=False)
    assert small_models.loss(model, theta, X, y) == pytest.approx(own(theta))
    assert small_models.slopes(model, theta, X, y) == pytest.approx(own.grad(theta))


@pytest.mark.parametrize("model", small_models.MODELS)
def test_each_run_may_have_rows_of_its_own(model):
    X, y = small_models.table(model, 20, 5, 10.0, 0.3, RNG(0))
    rows, theta = RNG(1).integers(20, size=(3, 4)), RNG(2).standard_normal((3, 2, small_models.dim(model, 5)))
    together = small_models.slopes(model, theta, X[rows][:, None], y[rows][:, None])
    for i, j in np.ndindex(3, 2):
        assert together[i, j] == pytest.approx(small_models.slopes(model, theta[i, j], X[rows[i]], y[rows[i]]))


def test_the_squares_of_a_tables_columns_shrink_to_one_over_kappa():
    X, _ = small_models.table("least squares", 20_000, 3, 100.0, 0.0, RNG(0))
    assert (X**2).mean(axis=0) == pytest.approx([1, 0.1, 0.01], rel=0.05)


def test_the_articles_program_gives_four_of_the_printed_rows_at_other_iterations():
    as_written = {"rate": 0.001, "loss": "mean", "updates": "together", "bits": 64}
    fits = {labels: TRIALS["article-table"].run(case_of("article-table", labels=labels, **as_written), None).effect
            for labels in ("as printed", "counted from 0", "any iteration")}
    assert fits == {"as printed": 0, "counted from 0": 2, "any iteration": 4}
    walked = gradients.parabola_fit(case_of("article-table", labels="as printed", **as_written))
    points, y = gd.data.load("parabola")
    model = gd.LeastSquares(points ** [0, 1, 2], y, intercept=False)
    assert walked == pytest.approx(gd.run(model, gd.gradient_descent(0.001), np.zeros(3), 200).theta)


def test_a_power_of_the_step_is_so_many_steps():
    case = case_of("article-converges", points=5, degree=2, places="−1 to 1", times=0.4)
    X = gradients.polynomial_columns(case, RNG(0))
    model = gd.LeastSquares(X, X @ [1.0, -2, 3], intercept=False)
    curvatures = np.linalg.eigvalsh(model.hess())
    lr = 0.8 / curvatures[-1]
    steps = int(np.ceil(5 / (1 - np.abs(1 - lr * curvatures).max())))
    off = RNG(0).standard_normal((3, 16))
    walk = gd.run(model, gd.gradient_descent(lr), off.T + [1, -2, 3], steps, every=steps)
    left = np.linalg.norm(walk.theta[-1] - [1, -2, 3], axis=-1) / np.linalg.norm(off, axis=0)
    assert TRIALS["article-converges"].run(case, RNG(0)).effect == pytest.approx(-np.log(left.max()))


def test_as_printed_the_program_stops_at_a_name_and_with_it_at_a_shape():
    x, y = RNG(0).standard_normal((10, 2)), np.ones(10)
    with pytest.raises(NameError, match="y_pred"):
        gradients._train(x, y, 0.1, gradients.UPDATES["nothing"])
    with pytest.raises(ValueError, match="shapes"):
        gradients._train(x, y, 0.1, gradients.UPDATES["the names"])


def test_the_first_step_at_which_something_is_so():
    there = np.array([[False, False, True], [False, True, False], [False, True, False]])
    assert list(gradients._first(there)) == [2, 1, 0]


@pytest.mark.parametrize("ground", learning_rate.GROUNDS)
def test_a_ground_has_the_gradient_that_it_says(ground):
    case = case_of("small-steps-find", ground=ground, d=2, steepness=20.0, waves=4.0)
    f, edge, starts = learning_rate._ground(case, RNG(0))
    assert f(starts).shape == (24, 16) and edge > 0
    v = RNG(1).standard_normal(starts.shape)
    change = (f(starts + 1e-5 * v) - f(starts - 1e-5 * v)) / 2e-5
    assert (f.grad(starts) * v).sum(axis=-1) == pytest.approx(change, rel=1e-4, abs=1e-6)


def test_power_iteration_finds_the_sharpness_of_each_start():
    net = learning_rate._digits_net(24, 6, "tanh", "squared", False, RNG(0))
    theta = np.array([net.init(RNG(seed)) for seed in range(3)])
    value, _ = learning_rate._sharpnesses(net, theta, RNG(1).standard_normal(theta.shape), 200)
    assert value == pytest.approx([np.linalg.eigvalsh(net.hess(point))[-1] for point in theta], rel=1e-3)


def test_the_largest_rate_that_trains():
    trains = np.zeros((3, 12), bool)
    trains[0, [2, 5]] = trains[1, 11] = True
    octave = np.log2(1000) / 11
    assert learning_rate._log_largest(trains) == pytest.approx([5 * octave, 11 * octave, 0])


def test_one_worker_is_never_stale_and_more_are_as_stale_as_they_are_many():
    case = case_of("parameter-server", server=0.0, slow="one, five times")
    seconds, stale = distributed.timetable(1, case, RNG(0))
    assert set(stale) == {0} and np.diff(seconds).min() > 0.8 and np.diff(seconds).max() < 1.2
    seconds, stale = distributed.timetable(4, case, RNG(0))
    assert np.mean(stale[50:]) == pytest.approx(3, abs=0.1) and max(stale) > 10  # a slow one's are old
    assert len(seconds) / seconds[-1] == pytest.approx(3.2, rel=0.05)


def test_a_server_that_is_busy_all_the_time_sets_the_pace():
    seconds, _ = distributed.timetable(16, case_of("parameter-server", server=0.2, slow="none"), RNG(0))
    assert np.diff(seconds)[20:] == pytest.approx(0.2)


def test_the_cost_model_is_the_closed_form_where_nothing_is_late():
    case = case_of("parallel-speeds-up", work=1.0, megabytes=100, link="1 GB/s, 50 µs", exchange="ring", workers=4,
                   hold="the batch", unshared=0.0, late=0.0)
    messages = gd.distributed.ring_seconds(4, 1e8, 5e-5, 1e-9)
    assert TRIALS["parallel-speeds-up"].run(case, RNG(0)).effect == pytest.approx(-np.log2(0.25 + messages))
    growing = case_of("parallel-speeds-up", work=1.0, megabytes=1e-6, link="25 GB/s, 5 µs", exchange="ring", workers=4,
                      hold="a worker's batch", critical=9, unshared=0.0, late=0.0)
    fewer_steps = 10 / (1 + 9 / 4)
    assert TRIALS["parallel-speeds-up"].run(growing, RNG(0)).effect == pytest.approx(np.log2(fewer_steps), abs=1e-3)
