"""The lessons' films: each is within its budgets, and what it shows is what was computed."""
import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

import gdlib as gd
from gdlib import film
from gdlib.lessons.adam import pictures as of_adam
from gdlib.lessons.batch_sgd_minibatch import pictures as of_batches
from gdlib.lessons.distributed import pictures as of_workers
from gdlib.lessons.gradients import pictures as of_gradients
from gdlib.lessons.learning_rate import pictures as of_rates
from gdlib.lessons.saddle_points import pictures as of_saddles
from tools.notebooks import lessons, load

RNG = np.random.default_rng(0)
PIECES = np.repeat([[1], [10], [100], [1000]], 4, axis=1)


def secants():
    h = 2.0 ** np.arange(-50, -3)
    theory = {"bend": h, "less bend": h**2, "rounding": 1e-16 / h}
    return of_gradients.secants(lambda x: 1 / x, 1.5, -1 / 2.25, h, {"forward": h, "central": h**2}, theory)


def weights():
    paths = {size: RNG.normal(size=(k, 650)) for size, k in [(100, 5), (1, 300)]}
    return of_batches.weights(paths, {size: np.linspace(2, 0.1, len(path)) for size, path in paths.items()}, epochs=4)


def trembling():
    single = RNG.normal(size=(50, 8)) + 0.2
    return of_batches.trembling(single, [1, 32, 50], np.random.default_rng(0), {1: 8.0, 10: 0.7}, lambda size: 8 / size)


def bowls():
    walks = {lr: (1 - 3 * lr) ** np.arange(21.0) for lr in [0.03, 0.3, 0.6]}
    return of_rates.bowls(walks, 3, ["creeps", "glides in", "swings"])


def leaving():
    starts = [1e-2, 1e-12]
    walks = {y0: gd.run(gd.saddle, gd.gradient_descent(0.05), [1.0, y0], 350).theta for y0 in starts}
    return of_saddles.leaving(gd.saddle, walks)


def race():
    f, start = gd.quadratic([1, 100], angle=0.5), [1.4, -0.4]
    rules = {"descent": gd.gradient_descent(0.015), "momentum": gd.momentum(0.006), "Adam": gd.adam(0.001)}
    return of_adam.race(f, {name: gd.run(f, rule, start, 160).theta for name, rule in rules.items()}, 1e-4)


def carried():
    wire = of_workers.Noted(4)
    gd.distributed.ring(list(PIECES), wire)
    return wire.carried


def buckets():
    return of_workers.buckets(PIECES, carried())


def strips():
    calls = {"waiting": [(0, 0.0, 5.0), (1, 0.0, 1.0)], "not waiting": [(0, 0.0, 5.0), (1, 0.0, 1.0), (1, 1.0, 2.0)]}
    stories = {(4, True): (np.arange(3.0), np.ones(3), None)}
    return of_workers.strips(calls, np.array([0, 1, 2]), stories)


ALL = [secants, weights, trembling, bowls, leaving, race, buckets, strips]


@pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)
def test_a_film_moves_within_its_budgets(make):
    fig, draw, frames = make()
    frames = list(frames)
    assert len(frames) <= film.MOST
    assert 2 <= len(frames) * film.STEP / 1000 <= 5
    moving, still = film.drawn(fig, draw, frames)
    plt.close(fig)
    assert len(moving) < 300e3 and len(still) < 100e3
    assert Image.open(io.BytesIO(moving)).n_frames >= 20


@pytest.mark.parametrize("path", [path for path in lessons() if path.stem[:2] != "00"], ids=lambda path: path.stem)
def test_a_lesson_stores_films_within_their_budgets(path):
    outputs = [out for cell in load(path).cells for out in cell.get("outputs", [])]
    bundles = [out.data.get("text/html", "") for out in outputs if "data" in out]
    films = [data for html in bundles for data in re.findall(r'src="data:image/gif;base64,([^"]+)"', html)]
    assert films
    for data in map(base64.b64decode, films):
        assert len(data) < 300e3 and Image.open(io.BytesIO(data)).n_frames <= film.MOST


@pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)
def test_whatever_moves_is_marked_so_that_the_rest_is_drawn_once(make):
    fig, draw, frames = make()
    draw(frames[0])
    fig.canvas.draw()
    fig.stale = False
    for frame in frames[1:]:
        draw(frame)
    assert not fig.stale
    plt.close(fig)


def test_the_buckets_of_the_ring_are_those_of_the_exercise_halfway_and_all_full_at_the_end():
    states, _ = of_workers._rounds(PIECES, carried())
    held = PIECES.copy()
    for turn in range(3):
        for r in range(4):
            held[(r + 1) % 4, (r - turn) % 4] += held[r, (r - turn) % 4]
    assert np.array_equal(states[3], held)
    assert np.sum(states[3] == 1111) == 4 and (states[-1] == 1111).all()


def test_watched_calls_are_those_of_the_simulation():
    """Worker 0 takes 5 s and worker 1 takes 1 s: who waits begins every 5 s, who doesn't at once."""
    model = gd.quadratic([1.0])

    class Worker:
        def gradient(self, theta, t):
            return model.grad(theta), 1

    def pool():
        seconds = {0: 5.0, 1: 1.0}
        return gd.distributed.workers(lambda rank: Worker(), n=2, engine="simulated", seconds=lambda r, rng: seconds[r])

    with pool() as waiting:
        calls = of_workers.watch(waiting)
        gd.run(model, gd.gradient_descent(0.1), [1.0], 2, oracle=gd.distributed.synchronous(waiting))
    assert calls == [(0, 0, 5), (1, 0, 1), (0, 5, 10), (1, 5, 6)]
    with pool() as impatient:
        calls = of_workers.watch(impatient)
        gd.distributed.parameter_server(impatient, gd.gradient_descent(0.1), [1.0], 3)
    assert calls == [(0, 0, 5), (1, 0, 1), (1, 1, 2), (1, 2, 3)]


def test_a_method_that_does_not_arrive_in_the_race_is_not_given_a_step():
    fig, _, _ = race()
    said = [text.get_text() for text in fig.axes[1].texts]
    assert said[-1] == "Adam: later"
    assert all("step" in words for words in said[:-1])
    plt.close(fig)
