"""A run on disk: whole or not there, refused where it is another's, and gone on with to the last bit."""
import itertools
import os
import signal
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

import gdlib as gd
from gdlib import checkpoints

ROOT = os.path.dirname(os.path.dirname(__file__))
X, Y = np.random.default_rng(0).normal(size=(60, 4)), np.random.default_rng(1).integers(3, size=60)
MODEL = gd.SoftmaxRegression(X, Y, classes=3)
START = np.random.default_rng(2).normal(size=MODEL.dim)
RULES = {
    "gradient descent": gd.gradient_descent(0.1),
    "momentum": gd.momentum(gd.step_decay(0.1, 0.5, 4)),
    "nesterov": gd.nesterov(0.1, beta=lambda t: t / (t + 3)),
    "adagrad": gd.adagrad(gd.inverse_time(0.1, 0.01)),
    "rmsprop": gd.rmsprop(gd.exponential(0.01, 0.99)),
    "adam": gd.adam(gd.cosine(0.02, 20)),
    "amsgrad": gd.amsgrad(gd.warmup(gd.polynomial(0.02, 20), 5)),
    "adamw": gd.adamw(0.01),
    "lion": gd.lion(1e-3),
    "muon": gd.muon(0.02, gd.gradient_descent(0.1), MODEL.shapes),  # whose state holds None in a tuple
    "sweep": gd.adam(gd.per_run([0.01, 0.02, 0.04])),
}
ORACLES = {
    "its own": lambda: itertools.repeat(MODEL.grad),
    "batches": lambda: gd.minibatches(MODEL, 16, np.random.default_rng(3)),
    "drawn, in parts, clipped": lambda: gd.clipped(
        gd.accumulated(gd.minibatches(MODEL, 16, np.random.default_rng(3), replace=True), 2), norm=0.5),
}


def interrupted(oracle, before):
    """The stop button, before one of the steps."""
    for t, grad in enumerate(oracle, start=1):
        if t == before:
            raise KeyboardInterrupt
        yield grad


@pytest.mark.parametrize("oracle", ORACLES.values(), ids=ORACLES)
@pytest.mark.parametrize("opt", RULES.values(), ids=RULES)
def test_an_interrupted_run_goes_on_to_the_same_bits(opt, oracle, tmp_path):
    whole = gd.run(MODEL, opt, START, 20, oracle=oracle())
    options = dict(checkpoint=tmp_path, every_steps=5)
    with pytest.raises(KeyboardInterrupt):
        gd.run(MODEL, opt, START, 20, oracle=interrupted(oracle(), 13), **options)
    late = gd.run(MODEL, opt, START, 20, oracle=oracle(), **options)
    assert late.t.tolist() == list(range(10, 21))
    assert late.theta.tobytes() == whole.theta[10:].tobytes()
    done = gd.run(MODEL, opt, START, 20, oracle=oracle(), **options)
    assert done.t.tolist() == [20] and done.last.tobytes() == whole.last.tobytes()
    longer = gd.run(MODEL, opt, START, 24, oracle=oracle(), **options)
    assert longer.last.tobytes() == gd.run(MODEL, opt, START, 24, oracle=oracle()).last.tobytes()


def test_without_an_oracle_and_with_a_stop(tmp_path):
    options = dict(stop=lambda t, theta, loss, gradient: t >= 12, checkpoint=tmp_path, every_steps=5)
    run = gd.run(gd.rosenbrock, gd.adam(0.01), [-1.0, 1.0], 40, **options)
    again = gd.run(gd.rosenbrock, gd.adam(0.01), [-1.0, 1.0], 40, **options)
    assert run.stopped_at == again.stopped_at == 12 and again.t.tolist() == [12]
    assert run.last.tobytes() == again.last.tobytes()


def test_a_run_that_diverged_remembers_when(tmp_path):
    options = dict(checkpoint=tmp_path, every_steps=4)
    run = gd.run(gd.rosenbrock, gd.gradient_descent(0.1), [-1.0, 1.0], 8, **options)
    late = gd.run(gd.rosenbrock, gd.gradient_descent(0.1), [-1.0, 1.0], 12, **options)
    assert 0 < run.diverged_at == late.diverged_at < 8


KILLED = """
import sys, os, signal; sys.path.insert(0, {root!r})
from tests.test_checkpoints import *
def killing(oracle):
    for t, grad in enumerate(oracle, start=1):
        if t == 18:
            os.kill(os.getpid(), signal.SIGKILL)
        yield grad
gd.run(MODEL, RULES["adam"], START, 20, oracle=killing(ORACLES["batches"]()), checkpoint={folder!r}, every_steps=5)
"""


def test_a_killed_run_goes_on_to_the_same_bits(tmp_path):
    code = KILLED.format(root=ROOT, folder=str(tmp_path))
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    opt, oracle = RULES["adam"], ORACLES["batches"]
    late = gd.run(MODEL, opt, START, 20, oracle=oracle(), checkpoint=tmp_path, every_steps=5)
    assert late.t[0] == 15 and late.last.tobytes() == gd.run(MODEL, opt, START, 20, oracle=oracle()).last.tobytes()


def batches(seed=3):
    return gd.minibatches(MODEL, 16, np.random.default_rng(seed))


@pytest.mark.parametrize(("change", "sentence"), [
    (dict(opt=gd.adam(0.02)), r"the rule must be that of the run in step-00000020.npz, adam .*0.01.*; got adam .*0.02"),
    (dict(opt=gd.adam(gd.cosine(0.01, 50))), "the rule must be that of the run"),
    (dict(opt=gd.amsgrad(0.01)), "was made by adam, and amsgrad can't go on from its state"),
    (dict(theta0=START + 1), "theta0 must be that of the run"),
    (dict(oracle=None), "oracle must be that of the run in step-00000020.npz, an oracle; got none"),
    (dict(oracle=batches(4)), "oracle must give the gradients of the run in step-00000020.npz; got another one for st"),
    (dict(oracle=itertools.islice(batches(), 3, None)), "Make it anew before each call"),
    (dict(f=gd.SoftmaxRegression(X + 1, Y, classes=3),
          oracle=gd.minibatches(gd.SoftmaxRegression(X + 1, Y, classes=3), 16, np.random.default_rng(3))),
     "oracle must give the gradients of the run"),
    (dict(f=gd.SoftmaxRegression(X[:, :3], Y, classes=3), theta0=START[:12]), "must hold the 12 parameters of"),
    (dict(steps=10), "steps must be at least the 20 of the run"),
    (dict(every_steps=0), "every_steps must be a whole number of at least 1; got 0"),
    (dict(theta0=None, resume=gd.run(MODEL, gd.adam(0.01), START, 1)), "resume must be None with checkpoint"),
    (dict(opt=gd.adam(gd.per_run([0.01, 0.02])), stop=lambda *_: False), "checkpoint must be without stop where"),
])
def test_what_is_not_this_run_is_refused(change, sentence, tmp_path):
    given = dict(f=MODEL, opt=gd.adam(0.01), theta0=START, steps=20, checkpoint=tmp_path, every_steps=10)
    gd.run(**given, oracle=batches())
    with pytest.raises(ValueError, match=sentence):
        gd.run(**(given | dict(oracle=batches(), steps=30) | change))


@pytest.mark.parametrize("oracle", [
    lambda: gd.noisy(MODEL, 0.1, np.random.default_rng(0)), lambda: gd.delayed(MODEL, 2),
], ids=["noisy", "delayed"])
def test_an_oracle_that_cannot_be_rewound_is_refused(oracle, tmp_path):
    gd.run(MODEL, gd.adam(0.01), START, 20, oracle=oracle(), checkpoint=tmp_path)
    with pytest.raises(ValueError, match="gd.noisy and gd.delayed, .* cannot go on from a file"):
        gd.run(MODEL, gd.adam(0.01), START, 30, oracle=oracle(), checkpoint=tmp_path)


# -- files -------------------------------------------------------------------------------------------------------------


def at(*steps):
    """The same run after so many steps."""
    return [gd.run(MODEL, gd.adam(0.01), START, k) for k in steps]


def test_any_flipped_bit_means_the_file_before(tmp_path):
    early, late = at(4, 8)
    checkpoints.save(tmp_path, early)
    newest = checkpoints.save(tmp_path, late)
    whole = newest.read_bytes()
    rng = np.random.default_rng(0)
    for place in [*range(0, len(whole), 37), *range(len(whole) - 60, len(whole))]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.integers(8)
        newest.write_bytes(damaged)
        with pytest.warns(UserWarning, match="step-00000008.npz is damaged .* and the checkpoint before it is used"):
            assert checkpoints.load(tmp_path, MODEL, gd.adam(0.01)).t.tolist() == [4]
    newest.write_bytes(whole)
    assert checkpoints.load(tmp_path, MODEL, gd.adam(0.01)).last.tobytes() == late.last.tobytes()


def test_two_writers_do_not_hurt_each_other(tmp_path):
    [run], errors, go = at(4), [], threading.Barrier(4)

    def write():
        try:
            go.wait()
            for _ in range(25):
                checkpoints.save(tmp_path, run)
        except BaseException as error:
            errors.append(error)

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert not errors and [path.name for path in tmp_path.iterdir()] == ["step-00000004.npz"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert checkpoints.load(tmp_path, MODEL, gd.adam(0.01)).last.tobytes() == run.last.tobytes()


def test_a_save_of_an_earlier_step_stays(tmp_path):
    early, late, last = at(1, 2, 3)
    checkpoints.save(tmp_path, late)
    checkpoints.save(tmp_path, last)
    path = checkpoints.save(tmp_path, early)
    assert path.exists() and len(list(tmp_path.iterdir())) == 2


def test_step_numbers_of_any_length_sort(tmp_path):
    [run] = at(3)
    for step in (99_999_999, 100_000_000, 5):
        checkpoints.save(tmp_path, gd.run(MODEL, gd.adam(0.01), None, 0, resume=moved(run, step)), keep=5)
    assert checkpoints.load(tmp_path, MODEL, gd.adam(0.01)).t.tolist() == [100_000_000]


def moved(run, step):
    parts = {name: getattr(run, name) for name in ("f", "opt", "theta", "diverged_at", "stopped_at", "last", "state")}
    return type(run)(t=np.full_like(run.t, step), **parts)


def test_what_a_killed_writer_left_is_removed(tmp_path):
    [run] = at(3)
    old, new = tmp_path / "step-00000001.x.part", tmp_path / "step-00000002.y.part"
    for part in (old, new):
        part.write_bytes(b"half")
    os.utime(old, (0, 0))
    checkpoints.save(tmp_path, run)
    assert not old.exists() and new.exists()


def rule_with(state):
    return gd.Optimizer("mine", {}, lambda theta: state, lambda t, theta, grad, state: (theta, state))


def test_every_kind_of_state_comes_back(tmp_path):
    rng = np.random.default_rng(7)
    rng.normal(size=3)
    layout = np.moveaxis(np.arange(24.0).reshape(4, 2, 3), 0, -1)  # as a sweep of 2 × 3 runs lies in memory
    state = (None, 3, 2**100, 0.1, np.float64(0.1), "word", True, [np.array(5), (None, None)], {"a": layout, 3: ()},
             rng, np.random.Generator(np.random.MT19937(1)))
    opt = rule_with(state)
    checkpoints.save(tmp_path, gd.run(MODEL, opt, START, 2))
    back = checkpoints.load(tmp_path, MODEL, opt).state
    assert back[:7] == state[:7] and [type(part) for part in back] == [type(part) for part in state]
    assert back[7][0] == 5 and back[7][1] == (None, None) and back[8][3] == ()
    assert np.array_equal(back[8]["a"], layout) and back[8]["a"].strides == layout.strides
    for ours, theirs in zip(back[-2:], state[-2:], strict=True):
        assert ours.normal() == theirs.normal()


def test_a_state_that_cannot_be_kept_is_told(tmp_path):
    opt = rule_with((START, threading.Lock()))
    with pytest.raises(TypeError, match="the state must be made of arrays, .*; got a lock. Keep it as arrays"):
        checkpoints.save(tmp_path, gd.run(MODEL, opt, START, 0))
    assert not list(tmp_path.iterdir())
