"""Descent on many workers: four verbs over an engine, and the strategies that are written in them.

    with gd.distributed.workers(make_worker, n=4) as pool:                 # processes of this machine
    with gd.distributed.workers(make_worker, n=4, engine="simulated"):     # in this process, on a clock of its own
    with gd.distributed.workers(make_worker, n=64, address="tcp://…"):     # any Dask cluster

    ticket = pool.call(rank, "gradient", theta, t)   start a method of that worker's own object
    ticket, value = pool.first(tickets)              the call that is done first
    pool.restart(rank)                               make_worker(rank) again, on a live machine
    pool.now()                                       seconds; in the simulation its own
    pool.resize(n)                                   more or fewer workers, by make_worker(rank, n)

The strategies: three oracles for `gd.run`, and one loop of its own.

    synchronous(pool)                                each step waits for all, or for the first so many
    compressed(pool, power_sgd(2, f.shapes))         the same with short messages
    local_steps(pool, 20, gd.adamw(1e-3))            20 steps alone, then a mean: FedAvg, DiLoCo, SCAFFOLD
    parameter_server(pool, opt, theta0, updates)     nobody waits: gradients are old when they arrive

A worker's object has one method, `gradient(theta, t) -> (gradient, rows)`; `Shard` is one. What a worker receives,
through `make_worker` or as an argument, is a copy, in the simulation too; so is what it answers. All engines compute
the same bits on processors of one kind; on another kind BLAS adds in another order. Averaging goes through the process
that asks: a star. `all_reduce` has the other ways, over counted messages; `cost` has what each takes on paper, and
`overlap` what is gained where gradients travel while the backward pass goes on.

What can go wrong, and what then happens. No wait is without an end, and every error that ends a descent carries
`.theta` and `.step`, and `.rank` where one worker is the cause.

    a worker dies                  WorkerLost; the strategies make it again and ask it again: the same bits
    it dies again and again        GaveUp, after `max_deaths` losses in a row
    it hangs                       TimeoutError after `timeout` seconds, or by on_hang="restart" a new process
    it is late                     gather and synchronous may go on without it: wait_for
    it raises                      the same exception, with the worker's traceback in a note
    something cannot be sent       TypeError, at once: which argument, or whose answer
    its gradient is not finite     ValueError where its rows are at fault; a descent that diverges is recorded
    the cluster is gone            ConnectionError
    the stop button                KeyboardInterrupt in the driver alone; the pool can still be used
    this process dies              gd.run(…, checkpoint=folder) goes on from the last file; parameter_server, too

What workers keep from step to step (residuals, PowerSGD's Q, Adam's moments, SCAFFOLD's controls) is copied to the
driver now and then. A worker that was lost gets its copy and computes the steps since then again: the same bits. Of the
parameter server the order of answers decides, and a loss changes it; everything that is kept is kept by the server.
"""
from collections.abc import Callable

from gdlib.distributed.all_reduce import Network, halving_doubling, naive, ring, tree, two_level
from gdlib.distributed.asking import gather
from gdlib.distributed.averaging import synchronous
from gdlib.distributed.buckets import Timeline, overlap
from gdlib.distributed.compression import eight_bits, power_sgd, random_k, signs, top_k
from gdlib.distributed.cost import (
    amdahl,
    best_seconds,
    gustafson,
    halving_doubling_seconds,
    ring_seconds,
    slowest,
    star_seconds,
    tree_seconds,
    two_level_seconds,
    uptime,
)
from gdlib.distributed.feedback import compressed
from gdlib.distributed.local import local_descent, local_steps
from gdlib.distributed.pool import GaveUp, Pause, Pool, Ticket, WorkerLost
from gdlib.distributed.server import parameter_server
from gdlib.distributed.shard import Shard

__all__ = [
    "GaveUp", "Network", "Pause", "Pool", "Shard", "Ticket", "Timeline", "WorkerLost", "amdahl", "best_seconds",
    "compressed", "eight_bits", "gather", "gustafson", "halving_doubling", "halving_doubling_seconds", "local_descent",
    "local_steps", "naive", "overlap", "parameter_server", "power_sgd", "random_k", "ring", "ring_seconds", "signs",
    "slowest", "star_seconds", "synchronous", "top_k", "tree", "tree_seconds", "two_level", "two_level_seconds",
    "uptime", "workers",
]


def workers(make_worker: Callable, n: int, engine: str = "processes", address: str | None = None, **options) -> Pool:
    """Make n workers, each with its own object make_worker(rank): to be used as `with workers(…) as pool`.

    Parameters
    ----------
    make_worker : callable
        From a rank, 0 … n − 1, the worker's object; or from (rank, n), for `pool.resize`. It may be defined in the
        notebook.
    n : int
        How many workers.
    engine : str
        "processes", or "simulated" for workers in this process on a virtual clock.
    address : str, optional
        Of a Dask scheduler, for workers on its cluster instead of on this machine.
    **options
        Of every engine: `timeout`, `max_deaths`, `on_hang`. Of processes: `connect_timeout`, `security`. Of the
        simulation: `seconds`, `deaths`, `restart_seconds`, `seed`. See `Processes` and `Simulated`.

    Raises
    ------
    ValueError, TypeError
        An argument is wrong: one sentence, before any process is started.
    ModuleNotFoundError
        Dask or cryptography is missing; the simulation needs neither.
    ConnectionError
        Nobody answers at the address, the certificates do not fit, or there are too few workers.
    GaveUp, TimeoutError
        make_worker ends its process, or does not return.
    Exception
        What make_worker raised: `.rank` says whose, a note has the worker's traceback.

    Examples
    --------
    >>> import gdlib as gd
    >>> bowl = gd.LeastSquares([[1.0], [2.0]], [1.0, 2.0])
    >>> with gd.distributed.workers(lambda rank: gd.distributed.Shard(bowl), n=2, engine="simulated") as pool:
    ...     run = gd.run(bowl, gd.momentum(0.1), [0.0, 0.0], 5, oracle=gd.distributed.synchronous(pool))
    >>> bool(run.loss[-1] < run.loss[0])
    True
    """
    if engine not in ("processes", "simulated"):
        raise ValueError(f"engine must be 'processes' or 'simulated'; got {engine!r}")
    if engine == "simulated":
        from gdlib.distributed.simulation import Simulated

        if address is not None:
            raise ValueError(f"address must be left out, as the simulation runs in this process; got {address!r}")
        return Simulated(make_worker, n, **options)
    from gdlib.distributed.processes import Processes

    return Processes(make_worker, n, address, **options)
