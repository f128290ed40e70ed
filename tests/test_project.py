"""A project: each point that a learner's own piece of work must keep, and what is said where it does not."""
import numpy as np
import pytest

import gdlib as gd
from gdlib.lessons.distributed import exercises as distributed

X, Y = gd.data.load("diabetes")
X = (X - X.mean(axis=0)) / X.std(axis=0)


class Mine:
    """A worker by hand: mean squared error of a line with an intercept."""

    def __init__(self, rank, X=X, y=Y):
        self.X, self.y = X[rank::3], y[rank::3]

    def error(self, theta):
        return self.X @ theta[:-1] + theta[-1] - self.y

    def gradient(self, theta, t):
        error = self.error(theta)
        return 2 / len(error) * np.append(self.X.T @ error, error.sum()), len(error)


class Overlapping(Mine):
    def __init__(self, rank):
        super().__init__(rank)
        self.X, self.y = X[:148], Y[:148]


class ByItsOwnScale(Mine):
    def __init__(self, rank):
        raw = gd.data.load("diabetes")[0]
        super().__init__(0, raw[rank::3], Y[rank::3])
        self.X, self.y = raw[rank::3], Y[rank::3]
        self.X = (self.X - self.X.mean(axis=0)) / self.X.std(axis=0)


class Halved(Mine):
    def gradient(self, theta, t):
        g, rows = super().gradient(theta, t)
        return g / 2, rows


class Negated(Mine):
    def gradient(self, theta, t):
        g, rows = super().gradient(theta, t)
        return -g, rows


class Summed(Mine):
    def gradient(self, theta, t):
        g, rows = super().gradient(theta, t)
        return g * rows, rows


class ByAll(Mine):
    def gradient(self, theta, t):
        g, rows = super().gradient(theta, t)
        return g * rows / 442, rows


class Tripled(Mine):
    def gradient(self, theta, t):
        g, rows = super().gradient(theta, t)
        return 3 * g, rows


class InPlace(Mine):
    def gradient(self, theta, t):
        answer = super().gradient(theta, t)
        theta *= 2
        return answer


class Remembering(Mine):
    """Right when asked at once, another after ten questions: only a run shows it."""

    asked = 0

    def gradient(self, theta, t):
        self.asked += 1
        g, rows = super().gradient(theta, t)
        return g * (1 if self.asked < 10 else 0.5), rows


class Bare(Mine):
    def gradient(self, theta, t):
        return super().gradient(theta, t)[0]


class NoIntercept(Mine):
    def gradient(self, theta, t):
        g, rows = super().gradient(theta, t)
        return g[:-1], rows


@pytest.mark.parametrize(("worker", "kept", "words"), [
    (lambda rank: 5, 0, "has no method `gradient`"),
    (Bare, 0, "Return two things"),
    (NoIntercept, 0, "has shape (10,)"),
    (lambda rank: Mine(rank, X[:441], Y[:441]), 1, "441 in all. There are 442"),
    (Overlapping, 1, "[148, 148, 148] rows"),
    (ByItsOwnScale, 2, "spread of *all* rows"),
    (Halved, 2, "has a factor 2"),
    (Negated, 2, "points uphill"),
    (Summed, 2, "divide by its number of rows"),
    (ByAll, 2, "own number of rows"),
    (Tripled, 2, "they give 3 times the gradient"),
    (InPlace, 3, "changed the theta"),
    (Remembering, 5, "remember anything between two questions"),
])
def test_each_point_is_looked_at_and_named(worker, kept, words):
    def my_worker(rank):
        return worker(rank)

    found = distributed.my_worker.diagnose(my_worker)
    assert not found.passed and found.attempted
    assert words in found.text
    assert found.text.count("✓") == kept


def test_a_worker_by_hand_passes():
    found = distributed.my_worker.diagnose(Mine)
    assert found.passed, found.text
    assert found.text.count("✓") == 1 + len(distributed.my_worker.points)


def test_what_the_learners_code_raises_is_told_with_its_line(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("def my_worker(rank):\n    return missing\n")
    monkeypatch.syspath_prepend(tmp_path)
    from mine import my_worker

    assert "NameError: name 'missing' is not defined, in the line `return missing`" in \
        distributed.my_worker.diagnose(my_worker).text


def test_something_that_is_no_function():
    found = distributed.my_worker.diagnose(Mine(0))
    assert not found.passed
    assert "I expected your function" in found.text


@pytest.mark.parametrize(("on_loss", "words"), [
    (lambda pool, tickets, lost, ask: None, "still in the list"),
    (lambda pool, tickets, lost, ask: pool.restart(lost.rank), "still in the list"),
    (lambda pool, tickets, lost, ask: tickets.remove(lost.ticket), "nobody asked the worker again"),
    (lambda pool, tickets, lost, ask: (tickets.remove(lost.ticket), tickets.append(ask(0)), pool.restart(lost.rank)),
     "a dead worker was asked"),
    (lambda pool, tickets, lost, ask: (pool.restart(lost.rank), tickets.__setitem__(lost.rank, ask(0))), "IndexError"),
    (lambda pool, tickets, lost, ask: (pool.restart(lost.rank), tickets.remove(lost.ticket), tickets.append(ask(1))),
     "I expected gradients"),
])
def test_what_goes_amiss_when_a_worker_is_lost_is_told_as_it_is(on_loss, words):
    def ask_everyone(pool, theta, t):
        tickets, answers = [pool.call(rank, "gradient", theta, t) for rank in range(pool.n)], {}
        while tickets:
            try:
                ticket, answer = pool.first(tickets)
            except gd.distributed.WorkerLost as error:
                rank = error.rank
                on_loss(pool, tickets, error, lambda late, rank=rank: pool.call(rank, "gradient", theta, t + late))
                continue
            tickets.remove(ticket)
            answers[ticket.rank] = answer
        return [answers[r][0] for r in range(pool.n)], [answers[r][1] for r in range(pool.n)]

    found = distributed.ask_everyone.diagnose(ask_everyone)
    assert not found.passed
    assert words in found.text


@pytest.mark.parametrize("order", [["remove", "restart", "call"], ["restart", "call", "remove"]])
def test_a_lost_worker_may_be_treated_in_any_order(order):
    """The check of ask_everyone is on what comes back, not on the order of its three lines."""

    def ask_everyone(pool, theta, t):
        tickets, answers = [pool.call(rank, "gradient", theta, t) for rank in range(pool.n)], {}
        while tickets:
            try:
                ticket, answer = pool.first(tickets)
            except gd.distributed.WorkerLost as error:
                for name in order:
                    if name == "remove":
                        tickets.remove(error.ticket)
                    elif name == "restart":
                        pool.restart(error.rank)
                    else:
                        tickets.append(pool.call(error.rank, "gradient", theta, t))
                continue
            tickets.remove(ticket)
            answers[ticket.rank] = answer
        return [answers[r][0] for r in range(pool.n)], [answers[r][1] for r in range(pool.n)]

    assert distributed.ask_everyone.diagnose(ask_everyone).passed


def test_the_exercises_answer_works_in_a_real_pool():
    """What passes on paper also bears two deaths in the simulation."""
    calm = gd.distributed.workers(Mine, n=3, engine="simulated")
    stormy = gd.distributed.workers(Mine, n=3, engine="simulated", deaths=[(0.5, 1), (1.5, 0)])
    with calm, stormy:
        ask = distributed.ask_everyone.solution_function
        for _ in range(3):
            one, other = (ask(pool, np.ones(11), 1) for pool in (calm, stormy))
            assert all(np.array_equal(a, b) for a, b in zip(one[0], other[0], strict=True)) and one[1] == other[1]
        assert len(stormy.pauses) == 2
