"""Lesson 08: unequal shards, a worker that dies, a ring, an outer step, a job of one's own."""
from __future__ import annotations

from functools import cache

import numpy as np

import gdlib as gd
from gdlib.lessons.kit.diagnosis import kind
from gdlib.lessons.kit.exercise import Exercise
from gdlib.lessons.kit.prediction import Prediction
from gdlib.lessons.kit.project import Project

# --- average_shards ---------------------------------------------------------------------------------------------------


def average_shards(gradients, rows):
    """The gradient over all rows.

    gradients: each worker's, a mean over its rows; rows: how many it has.
    """
    total = sum(n * g for g, n in zip(gradients, rows, strict=True))
    return total / sum(rows)


def _inputs(rng):
    yield [np.array([1.0]), np.array([4.0])], [2, 1]
    yield [np.array([1.0, 0.0]), np.array([0.0, 1.0])], [3, 1]
    yield [np.array([2.0, -1.0])], [5]                                        # one worker
    yield [np.array([1.0, 2.0, 4.0]), np.array([3.0, 2.0, 0.0])], [4, 4]      # equal shards
    for rows in ([10, 20, 5], [1, 7, 3, 100]):
        yield list(rng.normal(size=(len(rows), 3))), rows


average_shards = Exercise(
    average_shards, inputs=_inputs,
    mistakes=[
        (lambda gradients, rows: sum(gradients) / len(gradients),
         "every worker has the same say, whatever its number of rows. "
         "A gradient over twice as many rows counts twice."),
        (lambda gradients, rows: sum(n * g for g, n in zip(gradients, rows, strict=True)) / len(rows),
         "you divide by the number of workers. The weighted sum is over all rows, so divide by sum(rows)."),
        (lambda gradients, rows: sum(n * g for g, n in zip(gradients, rows, strict=True)),
         "that is the sum over all rows. The loss is a mean, so divide by sum(rows)."),
        (lambda gradients, rows: sum(gradients) / sum(rows),
         "each gradient is a mean over its rows already. Multiply it by its number of rows before you add."),
        (lambda gradients, rows: sum(gradients),
         "that is the sum of the workers' gradients. A mean is wanted, weighted by the rows."),
        (lambda gradients, rows: sum(g / n for g, n in zip(gradients, rows, strict=True)) / sum(1 / n for n in rows),
         "the smaller shard counts for more. Multiply by the number of rows, don't divide."),
        (lambda gradients, rows: np.average(gradients, weights=rows, axis=0).mean(),
         "the mean ran over the parameters as well. One number for each parameter is wanted."),
        (lambda gradients, rows: gradients[int(np.argmax(rows))],
         "that is the largest shard's gradient alone. All of them count, by their rows."),
        (lambda gradients, rows: sum(n * g for g, n in zip(gradients, rows, strict=True)) // sum(rows),
         "// rounds down to a whole number. Divide with one slash: /."),
        (lambda gradients, rows: (np.array(gradients) * np.array(rows)).sum(axis=0) / sum(rows),
         "NumPy lays the row counts along the parameters, not along the workers. "
         "np.array(rows)[:, None] stands them upright; or add n * g over the workers."),
    ],
    hints=["A worker's gradient is the mean over its rows. What is the *sum* over its rows?",
           "Add these sums, n times g, over the workers, and divide by the number of all rows.",
           "`sum(n * g for g, n in zip(gradients, rows))`, divided by `sum(rows)`."],
    success="With these weights it makes no difference how the rows were shared out.")


# --- ask_everyone -----------------------------------------------------------------------------------------------------


def ask_everyone(pool, theta, t):
    """As ask_all; a worker that dies is made anew and asked again."""
    ranks, answers = range(pool.n), {}
    tickets = [pool.call(rank, "gradient", theta, t) for rank in ranks]
    while tickets:
        try:
            ticket, answer = pool.first(tickets)
        except gd.distributed.WorkerLost as lost:
            tickets.remove(lost.ticket)
            pool.restart(lost.rank)
            tickets.append(pool.call(lost.rank, "gradient", theta, t))
        else:
            tickets.remove(ticket)
            answers[ticket.rank] = answer
    parts = [answers[rank] for rank in ranks]
    return [g for g, _ in parts], [rows for _, rows in parts]


class PaperPool:
    """A pool on paper: worker r answers ((r + 1)·theta + t, 10(r + 1)), the last that was asked first.

    Parameters
    ----------
    n : int
        How many workers.
    deaths : dict
        rank -> how many of its calls kill it.
    """

    patience = 20  # so many calls and waits for each worker, then somebody asks for ever

    def __init__(self, n, deaths=()):
        self.n, self.deaths, self.dead, self.asked = n, dict(deaths), set(), 0

    def __repr__(self):
        dying = [f"worker {rank} dies {'once' if times == 1 else f'{times} times'}" for rank, times in
                 self.deaths.items() if times]
        return f"<pool of {self.n}; {', '.join(dying) or 'nobody dies'}>"

    def __eq__(self, other):  # that a pool was used is no change of an argument
        return isinstance(other, PaperPool)

    def call(self, rank, method, *args):
        """A ticket for one question to one worker."""
        self._count()
        if rank in self.dead:
            raise LookupError(f"worker {rank} is dead, and nobody has made it anew")
        ticket = gd.distributed.Ticket(rank, method, args)
        if self.deaths.get(rank):
            self.deaths[rank] -= 1
            self.dead.add(rank)
        ticket.lost = rank in self.dead
        return ticket

    def first(self, tickets):
        """The ticket that was begun last, with its answer; and last of all one whose worker is dead."""
        self._count()
        ticket = next((ticket for ticket in reversed(tickets) if not ticket.lost), tickets[0])
        if ticket.done:
            raise ValueError(f"the loss of {ticket} was told before")
        if ticket.lost:
            ticket.close()
            raise gd.distributed.WorkerLost(ticket)
        theta, t = ticket.args
        return ticket, ((ticket.rank + 1) * theta + t, 10 * (ticket.rank + 1))

    def restart(self, rank):
        """Make a worker anew."""
        self.dead.discard(rank)

    def _count(self):
        self.asked += 1
        if self.asked > self.patience * self.n:
            raise RuntimeError("nobody is left who could answer, and your loop still asks")


def _inputs(rng):
    theta = np.array([1.0, -2.0])
    yield PaperPool(2), theta, 1                                               # nobody dies
    yield PaperPool(1, {0: 1}), theta, 1
    yield PaperPool(3, {1: 1}), theta, 5
    yield PaperPool(3, {0: 2, 2: 1}), rng.normal(size=2).round(2), 9           # one dies again when it is asked again


def _asked(on_loss):
    """A wrong ask_everyone, which does something else where a worker is lost."""
    def ask(pool, theta, t):
        def call(rank):
            return pool.call(rank, "gradient", theta, t)

        tickets, answers = [call(rank) for rank in range(pool.n)], {}
        while tickets:
            try:
                ticket, answer = pool.first(tickets)
            except gd.distributed.WorkerLost as lost:
                on_loss(pool, tickets, lost, call)
            else:
                tickets.remove(ticket)
                answers[ticket.rank] = answer
        ranks = sorted(answers)
        return [answers[rank][0] for rank in ranks], [answers[rank][1] for rank in ranks]
    return ask


def _not_made_anew(pool, tickets, lost, call):
    tickets.remove(lost.ticket)
    tickets.append(call(lost.rank))


def _ticket_kept(pool, tickets, lost, call):
    pool.restart(lost.rank)
    tickets.append(call(lost.rank))


def _not_asked_again(pool, tickets, lost, call):
    tickets.remove(lost.ticket)
    pool.restart(lost.rank)


def _given_up(pool, tickets, lost, call):
    raise lost


def _all_asked_again(pool, tickets, lost, call):
    pool.restart(lost.rank)
    tickets[:] = [call(rank) for rank in range(pool.n)]


def _strict(ask):
    """The same, with a KeyError for a worker who did not answer: as where answers are read rank by rank."""
    def asked(pool, theta, t):
        gradients, rows = ask(pool, theta, t)
        missing = set(range(pool.n)) - {n // 10 - 1 for n in rows}
        if missing:
            raise KeyError(min(missing))
        return gradients, rows
    return asked


ask_everyone = Exercise(
    ask_everyone, inputs=_inputs, returns=("gradients", "rows"),
    mistakes=[
        (_asked(_not_made_anew),
         "a dead worker was asked, before anybody had made it anew. First `pool.restart(lost.rank)`, then ask."),
        (_asked(_ticket_kept),
         "the ticket of the dead worker is still in the list, and nobody will ever answer it. "
         "Take it out: `tickets.remove(lost.ticket)`."),
        (_strict(_asked(_not_asked_again)),
         "nobody asked the worker again, so its answer is missing. "
         "Make it anew, and put a new ticket into the list: `tickets.append(pool.call(lost.rank, …))`."),
        (_asked(_not_asked_again),
         "the answer of the worker that died is missing. Its rows must still count: ask it again."),
        (_asked(_all_asked_again),
         "you ask all workers again, and meanwhile another one has died. The other tickets are still good: "
         "ask only worker `lost.rank`."),
        (_asked(_given_up),
         "the loss of a worker ends it all. Every loss must be caught, as a worker may die again: "
         "`except gd.distributed.WorkerLost as lost:` around `pool.first(tickets)`, in the loop."),
    ],
    hints=["The question of a dead worker will never be answered. What must happen to its ticket, and to the worker?",
           "Three lines: take `lost.ticket` out of `tickets`, make worker `lost.rank` anew, ask it the same again.",
           "`tickets.remove(lost.ticket)`, `pool.restart(lost.rank)`, "
           "`tickets.append(pool.call(lost.rank, \"gradient\", theta, t))`."],
    success="Your loop goes on after every death.")


# --- reduce_scatter: the first half of the ring -----------------------------------------------------------------------


def reduce_scatter(pieces):
    """What each holds after n − 1 turns; pieces[r, p]: worker r's piece p."""
    n = len(pieces)
    held = pieces.copy()
    for turn in range(n - 1):
        for r in range(n):
            p = (r - turn) % n
            held[(r + 1) % n, p] += held[r, p]
    return held


def _inputs(rng):
    yield (np.array([[1.0, 2.0], [10.0, 20.0]]),)
    yield (np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0], [100.0, 200.0, 300.0]]),)
    yield (np.array([[7.0]]),)
    for n in (4, 5):
        yield (rng.normal(size=(n, n)).round(2),)


def _turned(which, around=True):
    """A wrong reduce_scatter that sends another piece; unless `around`, its number may run past the last one."""
    def go(pieces):
        n, held = len(pieces), pieces.copy()
        for turn in range(n - 1):
            for r in range(n):
                p = which(r, turn, n) % n if around else which(r, turn, n)
                held[(r + 1) % n, p] += held[r, p]
        return held
    return go


reduce_scatter = Exercise(
    reduce_scatter, inputs=_inputs,
    mistakes=[
        (_turned(lambda r, turn, n: r),
         "each worker sends its own piece r at every turn. "
         "From the second turn on it passes on the piece that it has just been given."),
        (_turned(lambda r, turn, n: turn),
         "all send the same piece at the same turn. Each begins with its own, piece r."),
        (_turned(lambda r, turn, n: r + turn),
         "the pieces run backwards. Worker r is given its piece by r − 1, so at each turn the number falls by one."),
        (_turned(lambda r, turn, n: r - turn - 1),
         "one place too far. At turn 0 worker r sends piece r."),
        (_turned(lambda r, turn, n: r - 1),
         "each worker sends piece r − 1 at every turn. That is the piece of turn 1 alone; turn is missing."),
        (_turned(lambda r, turn, n: r + 2 * turn),
         "with three workers r + 2·turn is right by chance: counting round, two on is one back. "
         "At each turn it is one piece back."),
        (_turned(lambda r, turn, n: r + turn, around=False),
         "the number runs past the last piece. Count round: `% n`. "
         "And at each turn it falls by one, as worker r is given its piece by r − 1."),
        (_turned(lambda r, turn, n: r + 1 - turn, around=False),
         "the number runs past the last piece. Count round: `% n`. And at turn 0 worker r sends piece r, not r + 1."),
        (_turned(lambda r, turn, n: r + 1 - turn),
         "you begin with piece r + 1. At turn 0 worker r sends piece r."),
        (lambda pieces: np.tile(pieces.sum(axis=0), (len(pieces), 1)),
         "you give everybody every sum. "
         "After these turns each worker has one finished piece; further turns bring the others."),
        (_turned(lambda r, turn, n: turn - r),
         "the sign is turned. At turn 0 worker r sends piece r, and the number falls by one at each turn."),
    ],
    hints=["At turn 0 worker r sends piece r to worker r + 1. Which piece has r just been given, when turn 1 comes?",
           "At turn 1 it passes on piece r − 1, at turn 2 piece r − 2; count round with `% n`.",
           "`p = (r - turn) % n`."],
    success="Now worker r holds the whole sum of piece r + 1. Further turns hand these on and add nothing, until all "
            "have all.")


# --- outer_step -------------------------------------------------------------------------------------------------------


def outer_step(theta, walked, v, lr, beta):
    """theta and v after an outer step; walked[i]: where worker i is now."""
    g = theta - np.mean(walked, axis=0)
    v = beta * v + g
    return theta - lr * (g + beta * v), v


def _inputs(rng):
    yield np.array([1.0]), np.array([[0.5], [0.7]]), np.array([0.0]), 1.0, 0.0         # plain averaging
    yield np.array([1.0, 2.0]), np.array([[0.5, 1.0]]), np.array([0.2, 0.0]), 0.5, 0.5  # one worker
    for n in (2, 4):
        theta = rng.normal(size=3).round(2)
        yield theta, theta + rng.normal(size=(n, 3)).round(2), rng.normal(size=3).round(2), 0.7, 0.9


def _lr_inside(theta, walked, v, lr, beta):
    g = theta - np.mean(walked, axis=0)
    v = beta * v + lr * g
    return theta - (lr * g + beta * v), v


def _old_v(theta, walked, v, lr, beta):
    return outer_step.solution_function(theta, walked, v, lr, beta)[0], v


def _outer(g=lambda theta, walked: theta - np.mean(walked, axis=0), velocity=lambda beta, v, g: beta * v + g,
           step=lambda g, beta, v: g + beta * v, sign=-1, swap=False):
    """A wrong outer_step in which one part is replaced."""
    def go(theta, walked, v, lr, beta):
        moved = g(theta, walked)
        new = velocity(beta, v, moved)
        there = theta + sign * lr * step(moved, beta, new)
        return (new, there) if swap else (there, new)
    return go


outer_step = Exercise(
    outer_step, inputs=_inputs, returns=("theta", "v"),
    mistakes=[
        (_outer(g=lambda theta, walked: np.mean(walked, axis=0) - theta),
         "the outer gradient points downhill here. A gradient points uphill: theta less the mean of where they are."),
        (_outer(g=lambda theta, walked: np.mean(walked, axis=0) - theta, sign=1),
         "theta is right, and v has the other sign: the outer gradient is theta less the mean, and is subtracted."),
        (_outer(step=lambda g, beta, v: v),
         "that is Polyak's momentum, a step along the new v (or along g + beta times the old one). "
         "Nesterov's steps along g + beta * v, with the new v."),
        (_outer(g=lambda theta, walked: theta - np.sum(walked, axis=0)),
         "the workers' places were added up. Their mean is wanted."),
        (_outer(g=lambda theta, walked: theta - np.mean(walked)),
         "the mean ran over the parameters as well. Over the workers alone: axis=0."),
        (_outer(g=lambda theta, walked: np.mean(walked, axis=0)),
         "you took the mean of the places for a gradient. The outer gradient is how far they went: theta less the "
         "mean."),
        (_outer(velocity=lambda beta, v, g: beta * v + (1 - beta) * g),
         "v is an average here, with 1 − beta before g. The course's v adds g whole: v = beta * v + g."),
        (_outer(velocity=lambda beta, v, g: g, step=lambda g, beta, v: g),
         "that is a step without a memory. v must be kept: v = beta * v + g."),
        (_outer(swap=True), "the two have changed places. theta comes first."),
        (_outer(sign=1), "the step goes uphill. It is subtracted: theta - lr * (g + beta * v)."),
        (_old_v, "theta is right, and v is still the old one. Return the new v."),
        (_lr_inside, "the learning rate is inside v. Here v adds g as it is, and lr multiplies the whole step."),
    ],
    hints=["How far did the workers get, on average? Take that for a gradient: theta less the mean of walked.",
           "Then Nesterov's momentum as PyTorch writes it: v = beta * v + g, and a step along g + beta * v.",
           "`g = theta - np.mean(walked, axis=0)`, `v = beta * v + g`, `return theta - lr * (g + beta * v), v`."],
    success="With lr = 1 and beta = 0 it is plain averaging: local SGD, or federated averaging.")


# --- the project ------------------------------------------------------------------------------------------------------


def my_worker(rank):
    """Worker `rank` of 3: gradient(theta, t) gives its gradient and rows."""
    X, y = gd.data.load("diabetes")
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    return gd.distributed.Shard(gd.LeastSquares(X[rank::3], y[rank::3]))


WORKERS, DIM = 3, 11


def _thetas():
    return np.random.default_rng(0).normal(size=(3, DIM))


@cache
def _whole():
    X, y = gd.data.load("diabetes")
    return gd.LeastSquares((X - X.mean(axis=0)) / X.std(axis=0), y)


NEARLY = {  # what a worker may answer, and how that would be mended
    "the sign is turned: a gradient points uphill.": lambda part: (-part[0], part[1]),
    "each gradient is half as long as it should be: the derivative of a square has a factor 2.":
        lambda part: (2 * part[0], part[1]),
    "each gradient is a sum over the worker's rows. A mean is wanted: divide by its number of rows.":
        lambda part: (part[0] / part[1], part[1]),
    "each gradient is divided by all 442 rows. Divide by the worker's own number of rows.":
        lambda part: (part[0] * _whole().n / part[1], part[1]),
}


def _workers(make):
    return [make(rank) for rank in range(WORKERS)]


def _can_be_asked(make):
    for rank, worker in enumerate(_workers(make)):
        if not callable(getattr(worker, "gradient", None)):
            return f"worker {rank} is {kind(worker)}, and has no method `gradient`."
        answer = worker.gradient(np.zeros(DIM), 1)
        if not (isinstance(answer, tuple) and len(answer) == 2):
            return (f"worker {rank} answered {kind(answer)}. Return two things, without brackets: the gradient, and "
                    "the number of rows.")
        shape = np.shape(answer[0])
        if not shape and np.shape(answer[1]) == (DIM,):
            return f"worker {rank} answered in the wrong order. The gradient comes first, then the number of rows."
        if shape != (DIM,):
            return f"the gradient of worker {rank} has shape {shape}. 10 weights and the intercept make ({DIM},)."
    return ""


def _have_all_rows(make):
    rows = [worker.gradient(np.zeros(DIM), 1)[1] for worker in _workers(make)]
    if sum(rows) != _whole().n:
        return f"the workers say that they have {rows} rows, {sum(rows)} in all. There are {_whole().n}."
    return ""


def _is_the_whole_gradient(make):
    workers = _workers(make)
    for theta in _thetas():
        answers = [worker.gradient(theta.copy(), 1) for worker in workers]
        shared = average_shards.solution_function(*zip(*answers, strict=True))
        expected = _whole().grad(theta)
        if np.allclose(shared, expected, rtol=1e-9):
            continue
        for words, mended in NEARLY.items():
            if np.allclose(average_shards.solution_function(*zip(*map(mended, answers), strict=True)), expected):
                return words
        ratio = shared / expected
        if np.allclose(ratio, ratio[0], rtol=1e-6):
            return f"together they give {ratio[0]:.3g} times the gradient of all rows."
        return ("together they do not give the gradient of all rows. Has every row one owner? Are the columns "
                "standardised by the mean and spread of *all* rows? Is the intercept the last parameter?")
    return ""


def _leaves_theta_alone(make):
    theta = np.ones(DIM)
    make(0).gradient(theta, 1)
    return "" if (theta == 1).all() else "the worker changed the theta that it was given. Work on a copy."


def _answers_alike(make):
    worker, anew, theta = make(1), make(1), _thetas()[0]
    first, again, third = worker.gradient(theta, 7), worker.gradient(theta, 7), anew.gradient(theta, 7)
    if not (np.array_equal(first[0], again[0]) and np.array_equal(first[0], third[0])):
        return ("asked the same twice, it gives two answers. If it draws rows, draw them by a seed that hangs on its "
                "rank and on t: np.random.default_rng([rank, t]).")
    return ""


def _bears_deaths(make):
    def trained(deaths):
        with gd.distributed.workers(make, n=WORKERS, engine="simulated", deaths=deaths) as pool:
            oracle = gd.distributed.synchronous(pool)
            return gd.run(_whole(), gd.gradient_descent(0.1), np.zeros(DIM), 40, oracle=oracle)

    calm, stormy = trained([]), trained([(5.5, 0), (12.5, 2)])
    if not np.array_equal(calm.theta, stormy.theta):
        return "with two deaths the walk is another one. Does a worker remember anything between two questions?"
    if calm.loss[-1] >= calm.loss[0]:
        return "40 steps at a learning rate of 0.1 did not lower the loss."
    return ""


my_worker = Project(
    my_worker,
    points=[
        ("each of three workers can be asked", _can_be_asked),
        ("they have 442 rows in all", _have_all_rows),
        ("together they give the gradient of all rows", _is_the_whole_gradient),
        ("a worker leaves theta as it was", _leaves_theta_alone),
        ("the same question gets the same answer, also from a worker made anew", _answers_alike),
        ("two deaths leave no trace in 40 steps", _bears_deaths),
    ],
    hints=["Standardise the columns by all rows first. Then give each worker rows of its own, such as every third.",
           "A class with __init__(self, X, y) and gradient(self, theta, t); with `predicted - y` as the error, the "
           "gradient of the mean square is 2/n times Xᵀ error, and for the intercept 2/n times its sum.",
           "Or let the course do it: `gd.distributed.Shard(gd.LeastSquares(X[rank::3], y[rank::3]))`."],
    success="A job of your own that outlives its workers.")


# --- predictions ------------------------------------------------------------------------------------------------------

fits = Prediction(
    "fits",
    "An accelerator has 80 GB. Numbers of 4 bytes; training with Adam (which keeps two further numbers for each "
    "parameter: lesson 06). Leave out the activations, which are what each layer hands on. About how many parameters "
    "can it train at most?",
    at_least={"20 billion": 15, "10 billion": 7, "5 billion": 3, "1 billion": 0},
    why="Each parameter comes with three companions of its own size: its gradient, and Adam's two running means.",
    replies={
        "20 billion": "80 GB of 4-byte numbers are 20 billion numbers. Does training need nothing but the parameters?",
        "10 billion": "That leaves each parameter one companion, its gradient. Adam remembers something, too.",
        "1 billion": "That would be 80 bytes for each parameter: twenty numbers. Activations can need as much, but "
                     "they were left out here.",
    })

killed = Prediction(
    "killed",
    "Three processes share the digits. Before step 50 of 100 one of them is killed. What are the parameters at the "
    "end, beside those of an undisturbed run?",
    equal_to={
        "there are none: the run is over": "over",
        "clearly different: a third of the rows was missing for a while": "different",
        "different in the last digits": "last digits",
        "the same to the last bit": "same bits",
    },
    why="A step waits for all three. The dead worker is made again, is given the same parameters and asked the same "
        "question; its rows are the same, so its answer is.",
    replies={
        "there are none: the run is over":
            "What was lost is one process. Its rows and the parameters still exist elsewhere.",
        "clearly different: a third of the rows was missing for a while":
            "It would be so if the others went on without it. Here the step waits.",
        "different in the last digits":
            "Sums in another order differ in the last digits. Here the order stays: worker 0, 1, 2.",
    })

ring_bytes = Prediction(
    "ring_bytes",
    "100 workers want the sum of their vectors, each of S bytes, and everybody may talk only to the next. How much "
    "must each of them send?",
    at_least={"about 100 · S": 50, "about 7 · S, the logarithm": 4, "about 2 · S": 1.5, "about S": 0},
    why="Each vector is cut into as many pieces as there are workers, and in each of 2(n − 1) turns each sends one "
        "piece. (Passing on whole vectors sends about as much. But then only one link is busy at a time.)",
    replies={
        "about 100 · S": "So much goes through a leader who answers everybody. Here nobody talks to more than one.",
        "about 7 · S, the logarithm": "That is a tree, in which each round sends whole vectors. Pieces will do.",
        "about S": "That is enough to bring every piece's sum to one place. Then everybody must still be told.",
    })

one_late = Prediction(
    "one_late",
    "On a bowl of curvature 1 the largest stable learning rate is 2. Now each gradient is one step old. What is the "
    "largest stable rate now?",
    at_least={"still 2": 1.9, "a little less, about 1.7": 1.4, "1": 0.8, "about 0.6": 0},
    why="The step corrects the place of one step ago, and by now the walk is elsewhere. The walk overshoots and comes "
        "back late, like a shower whose warm water takes its time.",
    replies={
        "still 2": "At rate 2 each step lands as far away on the other side. The late walk does not know yet that it "
                   "has crossed.",
        "a little less, about 1.7": "At rate 2, without a delay, the walk changes sides at every step. One step late "
                                    "is half a swing late.",
        "about 0.6": "That is the edge for a delay of two steps.",
    })
