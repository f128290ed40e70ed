"""Local descent: workers walk alone for many steps, and only then their parameters are averaged."""
from collections.abc import Sequence
from functools import partial
from itertools import islice

import numpy as np

from gdlib.checks import check_whole
from gdlib.distributed.asking import check_part, reached
from gdlib.distributed.averaging import Gradients, mean_gradient
from gdlib.distributed.keeping import Keeping, KeepingOracle, check_state, nbytes, shared_out
from gdlib.distributed.pool import Pool
from gdlib.rules.momentum import gradient_descent
from gdlib.rules.rule import Optimizer
from gdlib.schedules import Rate


class local_steps(KeepingOracle):
    """An oracle for `gd.run`: the outer gradient θ − Σ nᵢ θᵢ / Σ nᵢ, with θᵢ where worker i comes to in H steps alone.

    A step of `gd.run` is then a round: one message of d numbers each way. Its rule is the outer optimiser.

    - `gd.gradient_descent(1.0)` puts θ at the mean of the θᵢ: local SGD, or FedAvg where the workers are phones.
    - `gd.nesterov(0.7, 0.9)` outside and `gd.adamw` inside is DiLoCo.

    Parameters
    ----------
    pool : Pool
        Workers with `gradient(theta, t) -> (gradient, rows)`, which must give the same for the same theta and t. The
        weight nᵢ is the worker's attribute `n_rows`, as a `Shard` has it, or else the rows of its gradients.
    steps : int
        H, how many steps each takes alone in a round.
    opt : Optimizer
        The inner rule, such as `gd.gradient_descent(0.1)`. Its steps, for schedules, are counted on from round to
        round, and each worker keeps its state, such as Adam's moments.
    scaffold : bool
        True corrects client drift: on its own rows each worker walks towards its own minimum, and the mean stops
        elsewhere than at the minimum of all. SCAFFOLD adds c − cᵢ to each gradient: cᵢ is the mean of the worker's own
        gradients in the round before, and c the mean of all cᵢ. Messages are twice as long.
    start : int
        The round after which this begins.
    backup : int
        How often a copy of what the workers keep comes to the driver. A worker that was lost computes the rounds since
        then again: its bits do not change.

    Attributes
    ----------
    up, down : int
        The bytes that all workers together have sent and received.

    Raises
    ------
    ValueError, GaveUp, TimeoutError, ConnectionError
        As for `synchronous`; `.step` counts rounds.

    References
    ----------
    McMahan, Moore, Ramage, Hampson, Agüera y Arcas (2017), Communication-efficient learning of deep networks from
    decentralized data. Stich (2019), Local SGD converges fast and communicates little. Karimireddy, Kale, Mohri, Reddi,
    Stich, Suresh (2020), SCAFFOLD: stochastic controlled averaging for federated learning. Douillard et al. (2023),
    DiLoCo: distributed low-communication training of language models.

    Examples
    --------
    >>> import gdlib as gd
    >>> bowl = gd.LeastSquares([[1.0], [2.0]], [1.0, 2.0])
    >>> with gd.distributed.workers(lambda rank: gd.distributed.Shard(bowl), n=2, engine="simulated") as pool:
    ...     oracle = gd.distributed.local_steps(pool, 10, gd.gradient_descent(0.1))
    ...     run = gd.run(bowl, gd.gradient_descent(1.0), [0.0, 0.0], 5, oracle=oracle)
    >>> bool(np.allclose(run.last, gd.run(bowl, gd.gradient_descent(0.1), [0.0, 0.0], 50).last))
    True
    """

    def __init__(self, pool: Pool, steps: int, opt: Optimizer, *, scaffold: bool = False, start: int = 0,
                 backup: int = 10):
        check_whole(steps, "steps", 1)
        check_whole(start, "start", 0)
        check_whole(backup, "backup", 1)
        if not isinstance(opt, Optimizer):
            raise TypeError(f"opt must be a rule such as gd.gradient_descent(lr=0.1); got {opt!r}")
        self.pool, self.steps, self.opt, self.scaffold, self.backup = pool, steps, opt, scaffold, backup
        self.down = 0
        self._checks = Gradients(pool)
        self._name = f"local_steps of {steps} with {opt}" + (" and scaffold" if scaffold else "")
        self.restore({"oracle": self._name, "t": start, "kept": [None] * pool.n, "rows": [1] * pool.n, "control": 0.0})

    def state(self) -> dict:
        """Where this oracle stands: for `gd.run(…, checkpoint=…)`, and for `restore` after `pool.resize`."""
        return {"oracle": self._name, "t": self._t, "kept": self._keeping.kept, "rows": self._rows,
                "control": self._control}

    def restore(self, state: dict):
        """Go on from where `state()` was taken; more or fewer workers all begin with the mean of what was kept.

        Parameters
        ----------
        state : dict
            What it gave.
        """
        check_state(state, self._name)
        self._t, self._control, self._rows = state["t"], state["control"], [1] * self.pool.n
        kept = shared_out(state["kept"], state["rows"], self.pool.n)
        self._keeping = Keeping(self.pool, partial(_walk, self.opt, self.steps), kept, self.backup, self._came)

    def _gradient(self, theta, t):
        with reached(theta, t - 1):
            control = self._control if self.scaffold else None
            parts = self._keeping(np.array(theta), 1 + (t - 1) * self.steps, control)
            self.up += nbytes(parts)
            self.down += self.pool.n * (nbytes(theta) + nbytes(control))
            ends = {rank: (end, rows) for rank, (end, rows, _) in enumerate(parts)}
            self._checks.checked(ends, theta, t)
            self._rows = [rows for _, rows in ends.values()]
            if self.scaffold:
                self._control = mean_gradient({rank: (own, rows) for rank, (_, rows, own) in enumerate(parts)})
            return theta - mean_gradient(ends)


def _walk(opt, steps, worker, rank, kept, theta, t, control):
    """Beside a worker: ((θ after its steps, its rows, its own control), (the rule's state, the control))."""
    state, own = (opt.init(theta), 0.0) if kept is None else kept
    gradients = _Own(worker, rank, None if control is None else control - own)
    for k in range(t, t + steps):
        theta, state = opt.update(k, theta, partial(gradients, k), state)
    own = None if control is None else gradients.total / gradients.count
    return (theta, getattr(worker, "n_rows", gradients.rows), own), (state, own)


class _Own:
    """A worker's gradients, to which the correction is added; their sum is without it."""

    def __init__(self, worker, rank, correction):
        self.worker, self.rank, self.correction = worker, rank, correction
        self.total, self.count, self.rows = 0.0, 0, None

    def __call__(self, t, theta):
        part = self.worker.gradient(theta, t)
        check_part(part, theta, self.rank, t)
        g, self.rows = part
        if self.correction is None:
            return g
        self.total, self.count = self.total + g, self.count + 1
        return g + self.correction


def local_descent(pool: Pool, theta0: Sequence | np.ndarray, rounds: int, steps: int, lr: Rate) -> np.ndarray:
    """Local SGD in one call: the points after each round of `local_steps`, plain descent inside, the mean outside.

    Parameters
    ----------
    pool : Pool
        As for `local_steps`.
    theta0 : array_like
        The start, (d,).
    rounds : int
        How often the workers are averaged.
    steps : int
        H, how many steps each takes in between.
    lr : float or schedule
        Learning rate of each step, η; a schedule counts the steps of all rounds.

    Returns
    -------
    ndarray
        (rounds + 1, d), the start and the mean after each round.

    Raises
    ------
    ValueError, GaveUp, TimeoutError, ConnectionError
        As for `local_steps`.
    """
    check_whole(rounds, "rounds", 1)
    points = [np.array(theta0, float)]
    for outer_gradient in islice(local_steps(pool, steps, gradient_descent(lr)), rounds):
        points.append(points[-1] - outer_gradient(points[-1]))
    return np.array(points)
