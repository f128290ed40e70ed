"""Lesson 08: what learners write, and what its text says about the shards and the model of the ring."""
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import gdlib as gd
from gdlib.lessons.distributed import exercises as ex
from gdlib.lessons.distributed import explorers


def asking(on_loss):
    """An ask_everyone that calls on_loss(pool, tickets, lost, ask) where a worker is lost."""
    def ask_everyone(pool, theta, t):
        def ask(rank):
            return pool.call(rank, "gradient", theta, t)

        tickets, answers = [ask(rank) for rank in range(pool.n)], {}
        while tickets:
            try:
                ticket, answer = pool.first(tickets)
            except gd.distributed.WorkerLost as lost:
                on_loss(pool, tickets, lost, ask)
            else:
                tickets.remove(ticket)
                answers[ticket.rank] = answer
        return [answers[r][0] for r in range(pool.n)], [answers[r][1] for r in range(pool.n)]
    return ask_everyone


def all_again(pool, tickets, lost, ask):
    pool.restart(lost.rank)
    tickets[:] = [ask(rank) for rank in range(pool.n)]


def replaced(pool, tickets, lost, ask):
    pool.restart(lost.rank)
    tickets[tickets.index(lost.ticket)] = ask(lost.rank)


def outer(theta, walked, v, lr, beta, sign=-1, old=False, inside=False):
    g = theta - np.mean(walked, axis=0)
    new = beta * v + (lr * g if inside else g)
    step = lr * g + beta * new if inside else lr * (g + beta * new)
    return theta + sign * step, v if old else new


def backwards(pieces):
    n, held = len(pieces), pieces.copy()
    for turn in range(n - 1):
        for r in range(n):
            p = (turn - r) % n
            held[(r + 1) % n, p] += held[r, p]
    return held


@pytest.mark.parametrize("exercise, wrong, words", [
    (ex.average_shards, lambda g, rows: sum(a * n for a, n in zip(g, rows, strict=True)) // sum(rows), "rounds down"),
    (ex.ask_everyone, asking(all_again), "ask only worker"),
    (ex.reduce_scatter, backwards, "sign is turned"),
    (ex.outer_step, lambda *args: outer(*args, sign=1), "goes uphill"),
    (ex.outer_step, lambda *args: outer(*args, old=True), "still the old one"),
    (ex.outer_step, lambda *args: outer(*args, inside=True), "inside v"),
])
def test_a_wrong_answer_is_told_what_is_wrong_with_it(exercise, wrong, words):
    found = exercise.diagnose(wrong)
    assert not found.passed and words in found.text, found.text


@pytest.mark.parametrize("exercise, right", [
    (ex.average_shards, lambda g, rows: np.average(g, axis=0, weights=rows)),
    (ex.average_shards, lambda g, rows: np.tensordot(np.divide(rows, np.sum(rows)), np.stack(g), 1)),
    (ex.ask_everyone, asking(replaced)),
    (ex.outer_step, outer),
])
def test_a_right_answer_in_another_form_passes(exercise, right):
    found = exercise.diagnose(right)
    assert found.passed, found.text


class Shared:
    def __init__(self, rank, answer):
        X, y = gd.data.load("diabetes")
        X = (X - X.mean(axis=0)) / X.std(axis=0)
        self.shard, self.answer = gd.distributed.Shard(gd.LeastSquares(X[rank::3], y[rank::3])), answer

    def gradient(self, theta, t):
        return self.answer(*self.shard.gradient(theta, t))


@pytest.mark.parametrize("answer, words", [
    (lambda g, rows: (rows, g), "wrong order"),
    (lambda g, rows: [g, rows], "without brackets"),
])
def test_the_project_tells_how_a_worker_answers(answer, words):
    def my_worker(rank):
        return Shared(rank, answer)

    found = ex.my_worker.diagnose(my_worker)
    assert not found.passed and words in found.text, found.text


def test_passing_ask_everyone_does_not_answer_the_prediction_below_it():
    said = ex.ask_everyone.diagnose(ex.ask_everyone.solution_function).text
    assert "costs time" not in said and "same" not in said


def test_by_digit_each_worker_knows_three_or_four_digits():
    _, digit = gd.data.load("digits")
    known = [len(np.unique(digit[part])) for part in np.array_split(np.argsort(digit, kind="stable"), 4)]
    assert set(known) == {3, 4}


@pytest.mark.parametrize("n", [2, 3, 8, 100])
def test_a_rings_load_stays_below_two_vectors(n):
    wire, vectors = gd.distributed.Network(n), [np.ones(6400)] * n
    gd.distributed.ring(vectors, wire)
    assert wire.busiest < 2 * vectors[0].nbytes and wire.rounds == 2 * (n - 1)


def test_strong_scaling_follows_n_for_some_tens_of_workers():
    n = np.array([20, 30, 100])
    times = 60 / (60 / n + gd.distributed.ring_seconds(n, nbytes=4e9, alpha=1e-5, beta=1 / 25e9)) / n
    assert times[0] > 0.9 and times[1] > 0.85 and times[2] < 0.7


@pytest.mark.parametrize("wait_for, words", [(8, "s; theory says 1.86 s"), (6, "all began each step together, theory")])
def test_stragglers_say_theory_beside_what_was_measured(wait_for, words):
    assert words in explorers.stragglers(workers=8, wait_for=wait_for).sentence


def cell(words, **names):
    """The names that a cell of the notebook makes: the one whose source has these words."""
    notebook = json.loads((Path(__file__).parents[2] / "notebooks/08_distributed.ipynb").read_text(encoding="utf-8"))
    source, = [s for s in ("".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code") if words in s]
    exec(source, names)
    return names


def listed(*answers):
    return [list(answer) for answer in answers]


def test_the_lesson_goes_on_with_answers_that_are_lists():
    """The checks accept them: their numbers are right."""
    average, outer_step = ex.average_shards.solution_function, ex.outer_step.solution_function
    train = cell("def train(", np=np, softmax=SimpleNamespace(dim=2))["train"]

    def trained(average):
        pool = ex.PaperPool(2)
        pool.patience = 1_000
        return train(pool, average)

    assert np.array_equal(trained(lambda *args: list(average(*args))), trained(average))
    in_rounds = cell("def in_rounds(", np=np, ex=ex, outer_step=outer_step)
    worker = gd.distributed.Shard(gd.SoftmaxRegression(*(part[:9] for part in gd.data.load("digits")), classes=10))
    walks = []
    for step in (outer_step, lambda *args: listed(*outer_step(*args))):
        in_rounds["outer_step"] = step
        walks.append(in_rounds["in_rounds"]([worker], 2, 0.5, 0.7, 0.9, steps=6))
    assert np.array_equal(*walks)
