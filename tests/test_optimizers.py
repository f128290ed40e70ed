"""Every rule: against the library that its docstring names, its closed forms, and every rule on every problem.

A new rule is found by itself (tests/rules.py); it is one row in LIBRARY, or in ALONE if no library has it.
"""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gdlib as gd
from gdlib.rules.after_adam import orthogonalized
from tests.rules import MAKERS

RECORD = gd.data.recorded()
RATE, START, GRADIENTS = RECORD["rate"], RECORD["start"], RECORD["gradients"]


def dropping(t):
    return RATE * (0.1 if t > RECORD["drop_at"] else 1.0)


def walk(opt, read=lambda theta, state: theta):
    """The rule's points on the recorded gradients, which do not depend on where it stands."""
    grads = ((lambda theta, g=g: g) for g in GRADIENTS)
    return np.array([read(theta, state) for _, theta, state in gd.iterate(opt, START, grads)])


RULES = {name: make(RATE) for name, make in MAKERS.items()}
LIBRARY = [  # (rule, what it equals)
    (RULES["gradient_descent"], "torch: SGD"),
    (RULES["momentum"], "torch: SGD momentum=0.9"),
    (RULES["momentum"], "optax: sgd momentum=0.9"),
    (RULES["momentum"], "keras: SGD momentum=0.9"),
    (gd.momentum(dropping, 0.9), "torch: SGD momentum=0.9, rate drops"),
    (RULES["adagrad"], "torch: Adagrad"),
    (RULES["rmsprop"], "torch: RMSprop alpha=0.9"),
    (RULES["adam"], "torch: Adam"),
    (RULES["adam"], "optax: adam"),
    (RULES["amsgrad"], "torch: Adam amsgrad"),
    (gd.adamw(RATE, weight_decay=0.1), "torch: AdamW weight_decay=0.1"),
    (gd.adamw(RATE, weight_decay=0.1), "optax: adamw weight_decay=0.1"),
    (gd.lion(RATE, weight_decay=0.1), "optax: lion weight_decay=0.1"),
    (gd.lion(RATE), "keras: Lion weight_decay=0"),
]
ELSEWHERE = [  # (rule, what it differs from: the variants that the docstrings name)
    (RULES["adagrad"], "optax: adagrad"),
    (RULES["rmsprop"], "optax: rmsprop decay=0.9"),
    (gd.adam(RATE, eps=1e-3), "keras: Adam epsilon=1e-3"),
    (gd.adamw(RATE, weight_decay=0.1), "torch: Adam weight_decay=0.1"),
    (RULES["nesterov"], "torch: SGD momentum=0.9, nesterov"),
]
ALONE = {"nesterov"}  # in this form; its look-ahead points are PyTorch's, see below


def test_every_rule_is_held_against_a_library_or_known_to_stand_alone():
    assert {opt.name for opt, _ in LIBRARY} | ALONE == set(MAKERS)


@pytest.mark.parametrize(("opt", "name"), LIBRARY, ids=lambda x: x if isinstance(x, str) else x.name)
def test_the_rule_is_the_librarys(opt, name):
    np.testing.assert_allclose(walk(opt), RECORD["paths"][name], rtol=1e-12, atol=1e-12)


def test_nesterov_is_pytorchs_at_its_look_ahead_points():
    """Sutskever's form keeps θ; the libraries keep θ − ηβv, where the next slope is felt."""
    ahead = walk(RULES["nesterov"], read=lambda theta, v: theta - RATE * 0.9 * v)
    np.testing.assert_allclose(ahead, RECORD["paths"]["torch: SGD momentum=0.9, nesterov"], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("opt", "name"), ELSEWHERE, ids=lambda x: x if isinstance(x, str) else x.name)
def test_where_libraries_differ_it_shows(opt, name):
    assert np.abs(walk(opt) - RECORD["paths"][name]).max() > 1e-9


def muon_walk(opt):
    grads = ((lambda theta, g=g: g) for g in RECORD["matrix_gradients"])
    return np.array([theta for _, theta, _ in gd.iterate(opt, RECORD["matrix_start"], grads)])


def test_muon_is_pytorchs_and_nearly_optaxs():
    """PyTorch's, recorded in 64 bits. optax also divides by 1 − βᵗ, with another t for g: a bias correction."""
    walk = muon_walk(gd.muon(RATE, gd.adam(RATE), [RECORD["matrix"]]))
    np.testing.assert_allclose(walk, RECORD["paths"]["torch: Muon in 64 bits"], rtol=1e-12, atol=1e-12)
    assert 1e-3 < np.abs(walk - RECORD["paths"]["optax: muon"]).max() < 10 * RATE


def test_what_muon_makes_of_a_matrix_is_optaxs():
    """Without Nesterov's look-ahead the corrections are factors, and these are divided out."""
    M, theta, path = np.zeros(RECORD["matrix"]), RECORD["matrix_start"], []
    for g in RECORD["matrix_gradients"].reshape(-1, *RECORD["matrix"]):
        M = 0.95 * M + 0.05 * g
        theta = theta - RATE * 1.5**0.5 * orthogonalized(M).ravel()
        path.append(theta)
    np.testing.assert_allclose(path, RECORD["paths"]["optax: muon nesterov=False"][1:], rtol=1e-12, atol=1e-12)


@given(seed=st.integers(0, 10**6), shape=st.tuples(st.integers(1, 9), st.integers(1, 9)), scale=st.floats(1e-4, 1e4))
def test_an_orthogonalized_matrix_keeps_its_directions_and_evens_their_lengths(seed, shape, scale):
    G = scale * np.random.default_rng(seed).normal(size=shape)
    U, sizes, Vt = np.linalg.svd(G, full_matrices=False)
    inner = U.T @ orthogonalized(G) @ Vt.T
    np.testing.assert_allclose(inner, np.diag(np.diag(inner)), atol=1e-6)
    large = sizes / np.linalg.norm(sizes) > 0.01
    assert ((np.diag(inner)[large] > 0.68) & (np.diag(inner)[large] < 1.14)).all()


def test_muon_gives_all_that_is_no_matrix_to_the_other_rule():
    f = gd.MLP(np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2, (4,))
    start = f.init(np.random.default_rng(1))
    both = gd.run(f, gd.muon(0.02, gd.adam(0.1), f.shapes), start, 1).theta[-1]
    adam = gd.run(f, gd.adam(0.1), start, 1).theta[-1]
    for ours, others in zip(f.blocks(both), f.blocks(adam), strict=True):
        assert np.array_equal(ours, others) == (ours.ndim == 1)


def test_muon_learns_the_digits_and_sweeps():
    X, y = gd.data.load("digits")
    f = gd.MLP(X[:300], y[:300], (16,))
    start = f.init(np.random.default_rng(0))
    alone = [gd.run(f, gd.muon(lr, gd.adam(lr), f.shapes), start, 40, every=40) for lr in (0.01, 0.05)]
    sweep = gd.run(f, gd.muon(rates := gd.per_run([0.01, 0.05]), gd.adam(rates), f.shapes), start, 40, every=40)
    np.testing.assert_allclose(sweep.theta[-1], [run.theta[-1] for run in alone], rtol=1e-9)
    assert f.accuracy(sweep.theta[-1, 1], X[:300], y[:300]) > 0.9


PROBLEMS = {
    "bowl": (gd.quadratic([1.0, 10.0]), [1.0, 1.0], 0.05),
    "turned bowl": (gd.quadratic([1.0, 10.0], angle=0.5), [1.0, -1.0], 0.05),
    "himmelblau": (gd.himmelblau, [0.0, 0.0], 0.01),
    "double well": (gd.double_well, [0.5, 1.0], 0.05),
}


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_gets_down_on_every_problem(rule, problem):
    f, start, rate = PROBLEMS[problem]
    if rule == "adagrad":
        rate *= 20  # its rates only shrink
    make = getattr(gd, rule)
    run = gd.run(f, make(rate, **({"weight_decay": 1e-4} if rule == "adamw" else {})), start, 2000)
    last_steps = 2 * rate if rule in ("rmsprop", "lion") else 0  # these step on by about the rate for ever
    assert run.distance[-1] < max(0.05 * run.distance[0], last_steps)
    assert run.diverged_at == -1


# -- closed forms ------------------------------------------------------------------------------------------------------


@given(lam=st.floats(0.5, 5), beta=st.floats(0.3, 0.95))
def test_momentum_shrinks_by_the_root_of_beta_where_it_swings(lam, beta):
    eta = (1 + beta) / lam  # the middle of the range in which the roots are complex
    x = gd.run(gd.quadratic([lam]), gd.momentum(eta, beta), [1.0], 12).theta[:, 0]
    casorati = x[:-2] * x[2:] - x[1:-1] ** 2  # of a two-term recurrence: shrinks by the product of its roots, β
    np.testing.assert_allclose(casorati[1:] / casorati[:-1], beta, rtol=1e-6)


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9])
def test_momentum_is_stable_below_two_plus_two_beta(beta):
    edge = 2 + 2 * beta
    inside, outside = gd.run(
        gd.quadratic([1.0]), gd.momentum(gd.per_run([0.99 * edge, 1.01 * edge]), beta), [1.0], 4000, every=100
    ).distance.T
    assert inside[-1] < 1e-6
    assert not outside[-1] < 1e6


def test_the_best_heavy_ball_at_condition_number_100():
    alpha, beta = (2 / (10 + 1)) ** 2, (9 / 11) ** 2
    run = gd.run(gd.quadratic([1.0, 100.0]), gd.momentum(alpha, beta), [1.0, 1.0], 400)
    rate = gd.analysis.measured_rate(run, 200, 400) / 2 ** (1 / 200)  # the double root brings a factor k
    assert rate == pytest.approx(9 / 11, abs=2e-4)


@given(scale=st.floats(1e-3, 1e3), signs=st.lists(st.sampled_from([-1.0, 1.0]), min_size=1, max_size=5))
def test_adams_first_step_is_the_rate_times_the_sign(scale, signs):
    g = scale * np.array(signs)
    theta, _ = gd.adam(0.01).update(1, np.zeros(len(signs)), lambda _: g, gd.adam(0.01).init(np.zeros(len(signs))))
    np.testing.assert_allclose(theta, -0.01 * np.sign(g), rtol=2e-5)


def test_adam_does_not_see_the_scale_of_the_loss():
    """But for ε. (From (0, 0), where one slope is 0, or with a loss made far smaller, ε would show.)"""
    f, start = gd.rosenbrock, [-1.2, 1.0]
    large = gd.Objective("10⁶ × Rosenbrock", lambda t: 1e6 * f(t), lambda t: 1e6 * f.grad(t), minima=f.minima)
    paths = [gd.run(J, gd.adam(0.01), start, 1000).theta for J in (f, large)]
    np.testing.assert_allclose(*paths, rtol=0, atol=1e-6)


def projected_end(make, beta2, steps=5000):
    """Reddi, Kale and Kumar's problem: slopes 3, −1, −1, … on [−1, 1], where −1 is best. The mean of the last 300."""
    rule = make(lambda t: 0.5 / np.sqrt(t), beta1=0.0, beta2=gd.per_run(beta2))
    x, places = np.zeros((len(beta2), 1)), []
    state = rule.init(x)
    for t in range(1, steps + 1):
        slope = np.full(x.shape, 3.0 if t % 3 == 1 else -1.0)
        x, state = rule.update(t, x, lambda _, slope=slope: slope, state)
        x = np.clip(x, -1, 1)
        places.append(x[:, 0])
    return np.mean(places[-300:], axis=0)


def test_adam_with_a_short_memory_ends_at_the_worst_point_and_amsgrad_at_the_best():
    short, long = [0.05, 0.1, 0.3, 0.4], [0.51, 0.9, 0.999]
    assert (projected_end(gd.adam, short) > 0.99).all()
    assert (projected_end(gd.adam, long) < -0.99).all()
    assert (projected_end(gd.amsgrad, short + long) < -0.99).all()


@pytest.mark.parametrize(("kappa", "least"), [(1e2, 0.9), (1e3, 4), (1e4, 15)])
def test_a_turn_by_45_degrees_costs_adam_more_the_worse_the_condition_and_descent_nothing(kappa, least):
    turn = np.array([[1, -1], [1, 1]]) / 2**0.5
    start, rates = np.array([1.0, 0.4]), gd.per_run(np.geomspace(1e-3, 10, 31))
    best, ends = [], []
    for f, begin in ((gd.quadratic([1, kappa]), start), (gd.quadratic([1, kappa], angle=np.pi / 4), turn @ start)):
        steps = gd.analysis.steps_to(gd.run(f, gd.adam(rates), begin, 4000), 0.01)
        best.append(steps[steps >= 0].min())
        ends.append(gd.run(f, gd.gradient_descent(2 / (1 + kappa)), begin, 200).theta)
    assert best[1] > least * best[0]
    np.testing.assert_allclose(ends[1] @ turn, ends[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("g", [1e-3, 1.0, 1e3])
def test_first_steps_of_adam_and_rmsprop_at_slopes_of_every_size(g):
    for opt, length, tolerance in ((gd.adam(0.01), 0.01, 2e-5), (gd.rmsprop(0.01, 0.99), 0.1, 2e-4)):
        theta, _ = opt.update(1, np.zeros(1), lambda _: np.array([g]), opt.init(np.zeros(1)))
        np.testing.assert_allclose(theta, -length, rtol=tolerance)


@given(rho=st.floats(0, 0.999), g=st.floats(1e-2, 1e3))
def test_rmsprops_first_step_is_the_rate_over_the_root_of_one_minus_rho(rho, g):
    opt = gd.rmsprop(0.01, rho)
    theta, _ = opt.update(1, np.zeros(1), lambda _: np.array([g]), opt.init(np.zeros(1)))
    np.testing.assert_allclose(theta, -0.01 / np.sqrt(1 - rho), rtol=1e-4)


def test_adagrad_under_a_constant_gradient_steps_by_the_rate_over_root_t():
    path = np.array([t for _, t, _ in gd.iterate(gd.adagrad(0.1), [0.0], [lambda _: np.array([7.0])] * 50)])[:, 0]
    np.testing.assert_allclose(-np.diff(path), 0.1 / np.sqrt(np.arange(1, 51)), rtol=1e-9)


def test_amsgrads_denominator_never_falls():
    """After one huge gradient, Adam's step recovers; AMSGrad's stays small."""
    gradients = [lambda _: np.array([1000.0])] + [lambda _: np.array([1.0])] * 3000
    adam, ams = (np.array([t for _, t, _ in gd.iterate(make(0.1, beta2=0.99), [0.0], iter(gradients))])[:, 0]
                 for make in (gd.adam, gd.amsgrad))
    assert abs(adam[-1] - adam[-2]) > 10 * abs(ams[-1] - ams[-2])


def test_adamw_without_a_gradient_is_pure_decay():
    path = np.array([t for _, t, _ in gd.iterate(gd.adamw(0.1, weight_decay=0.5), [1.0], [np.zeros_like] * 10)])
    np.testing.assert_allclose(path[:, 0], 0.95 ** np.arange(11), rtol=1e-12)


def test_nesterovs_beta_may_follow_a_schedule():
    beta = lambda t: (t - 1) / (t + 2)  # noqa: E731
    run = gd.run(gd.quadratic([1.0, 100.0]), gd.nesterov(0.009, beta), [1.0, 1.0], 200)
    by_hand, v = np.ones(2), np.zeros(2)
    for t in range(1, 201):
        v = beta(t) * v + np.array([1.0, 100.0]) * (by_hand - 0.009 * beta(t) * v)
        by_hand = by_hand - 0.009 * v
    np.testing.assert_allclose(run.theta[-1], by_hand, rtol=1e-12)


# -- refused -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: gd.adam(eps=0), "eps must be a finite number above 0; got 0"),
        (lambda: gd.adam(beta1=1.0), "beta1 must be a finite number of at least 0 and below 1; got 1"),
        (lambda: gd.adam(beta2=-0.1), "beta2 must be .*; got -0.1"),
        (lambda: gd.rmsprop(0.1, rho=1.0), "rho must be a finite number of at least 0 and below 1; got 1"),
        (lambda: gd.adamw(weight_decay=-1), "weight_decay must be a finite number of at least 0; got -1"),
        (lambda: gd.adagrad("fast"), "lr must be a number; got 'fast'"),
        (lambda: gd.momentum(0.1, beta=lambda t: 0.9), "beta must be a number; got <function"),
        (lambda: gd.nesterov(0.1, beta=lambda t: 1.0), r"beta\(1\), what the schedule gives for step 1, must be"),
        (lambda: gd.lion(weight_decay=-1), "weight_decay must be a finite number of at least 0; got -1"),
        (lambda: gd.muon(0.1, gd.adam(), [(3,)]), r"shapes must hold at least one matrix; got \[\(3,\)\]"),
        (lambda: gd.muon(0.1, gd.adam(), 7), "shapes must be a list of tuples; got 7. Give"),
        (lambda: gd.muon(0.1, gd.adam(), [(2, 2)], beta=1), "beta must be .* below 1; got 1"),
        (lambda: gd.muon(0.1, gd.adam(), [(2, 2)]).init(np.zeros(3)), "theta0 must have the 4 parameters .*; got 3"),
        (lambda: gd.adam(np.array([0.1, 0.2])), r"lr must be a number; got an array of shape \(2,\)"),
    ],
)
def test_bad_hyper_parameters(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def test_muon_wants_another_rule_for_the_rest():
    with pytest.raises(TypeError, match="others must be a rule for non-matrix parameters; got 0.1. Take gd.adam"):
        gd.muon(0.1, 0.1, [(2, 2)])


def test_the_repr_is_what_was_called():
    assert repr(gd.adamw(0.1, weight_decay=0.5)) == "adamw(lr=0.1, beta1=0.9, beta2=0.999, eps=1e-08, weight_decay=0.5)"
    assert repr(gd.adam(gd.cosine(0.1, 10))) == "adam(lr=schedule, beta1=0.9, beta2=0.999, eps=1e-08)"
    assert repr(gd.momentum(gd.per_run([0.1, 0.2]))) == "momentum(lr=per_run, beta=0.9)"


def resting():
    """A rule that leaves theta where it is, and gives it back itself; its state is where it was."""
    return gd.Optimizer("resting", {}, lambda theta: theta, lambda t, theta, grad, last: (theta, theta))


def test_muon_writes_into_nobodys_arrays():
    """Another rule's θ and state may be the very arrays that it was given."""
    opt, start = gd.muon(0.1, resting(), [(2, 2), (1,)]), np.arange(5.0)
    f = gd.Objective("bowl", lambda theta: (theta**2).sum(axis=-1), lambda theta: 2 * theta)
    walk = [(theta, state[1]) for _, theta, state in gd.iterate(opt, start, [f.grad] * 3)]
    kept = gd.run(f, opt, start, 3).theta
    assert np.array_equal([theta for theta, _ in walk], kept)
    assert len({point.tobytes() for point in kept}) == 4
    assert np.array_equal([before for _, before in walk[1:]], kept[:-1])


def test_muon_tells_of_the_other_rule():
    opt = gd.muon(0.1, gd.adam(gd.cosine(0.2, 9)), [(2, 2)])
    assert repr(opt) == (
        "muon(lr=0.1, beta=0.95, others=adam(lr=schedule, beta1=0.9, beta2=0.999, eps=1e-08))"
    )
    assert "others.beta2" in opt.values()


def test_the_schedule_of_muons_other_rule_is_checked_before_and_on_the_way():
    f = gd.Objective("bowl", lambda theta: (theta**2).sum(axis=-1), lambda theta: 2 * theta)
    with pytest.raises(ValueError, match=r"lr\(8\), .*; got -0.1"):
        gd.run(f, gd.muon(0.1, gd.adam(lambda t: 0.7 - t / 10), [(2, 2)]), np.ones(4), 8)
    with pytest.raises(ValueError, match=r"lr\(5\), .*; got -1") as raised:
        gd.run(f, gd.muon(0.1, gd.adam(lambda t: -1.0 if t == 5 else 0.1), [(2, 2)]), np.ones(4), 8)
    assert raised.value.run.t[-1] == 4


def test_rates_per_run_of_muons_other_rule_spread_the_runs():
    f = gd.MLP(np.ones((4, 2)), np.arange(4) % 2, (2,))
    start, rates = f.init(np.random.default_rng(0)), [0.01, 0.1]
    sweep = gd.run(f, gd.muon(0.1, gd.adam(gd.per_run(rates)), f.shapes), start, 5)
    for i, lr in enumerate(rates):
        np.testing.assert_allclose(sweep.theta[:, i], gd.run(f, gd.muon(0.1, gd.adam(lr), f.shapes), start, 5).theta)


def test_muons_other_rule_may_not_look_ahead():
    f = gd.Objective("bowl", lambda theta: (theta**2).sum(axis=-1), lambda theta: 2 * theta)
    with pytest.raises(ValueError, match="others must be a rule that asks for the gradient at theta; got nesterov"):
        gd.run(f, gd.muon(0.1, gd.nesterov(0.1), [(2, 2)]), np.ones(4), 8)
