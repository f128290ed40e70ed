"""Descent on many workers: four verbs over an engine, and the strategies that are written in them.

    with gd.distributed.workers(make_worker, n=4) as pool:                 # processes of this machine
    with gd.distributed.workers(make_worker, n=4, engine="simulated"):     # in this process, on a clock of its own
    with gd.distributed.workers(make_worker, n=64, address="tcp://…"):     # any Dask cluster

    ticket = pool.call(rank, "gradient", theta, t)   start a method of that worker's own object
    ticket, value = pool.first(tickets)              the call that is done first
    pool.restart(rank)                               make_worker(rank) again, on a live machine
    pool.now()                                       seconds; in the simulation its own

A worker's object has the methods that the strategy calls, such as `gradient(theta, t) -> (gradient, rows)`; `Shard` is
one. What a worker receives, through `make_worker` or as an argument, is a copy, in the simulation too; so is what it
answers. All engines compute the same bits on processors of one kind; on another kind BLAS adds in another order.
Averaging goes through the process that asks: a star. Ring and tree are in `all_reduce`, over counted messages.
"""
from collections.abc import Callable

from gdlib.distributed.all_reduce import Network, naive, ring, tree
from gdlib.distributed.compression import compressed, eight_bits, signs, top_k
from gdlib.distributed.cost import amdahl, gustafson, ring_seconds, star_seconds, tree_seconds
from gdlib.distributed.pool import GaveUp, Pause, Pool, Ticket, WorkerLost
from gdlib.distributed.strategies import Shard, gather, local_descent, parameter_server, synchronous

__all__ = [
    "GaveUp", "Network", "Pause", "Pool", "Shard", "Ticket", "WorkerLost", "amdahl", "compressed", "eight_bits",
    "gather", "gustafson", "local_descent", "naive", "parameter_server", "ring", "ring_seconds", "signs",
    "star_seconds", "synchronous", "top_k", "tree", "tree_seconds", "workers",
]


def workers(make_worker: Callable, n: int, engine: str = "processes", address: str | None = None, **options) -> Pool:
    """n workers, each with its own object make_worker(rank): to be used as `with workers(…) as pool`.

    Parameters
    ----------
    make_worker : rank, 0 … n−1 -> the worker's object; it may be defined in the notebook
    n : how many workers
    engine : "processes", or "simulated" for workers in this process on a virtual clock
    address : of a Dask scheduler, for workers on its cluster instead of on this machine
    options : of the engine: `timeout`, `max_deaths`; `connect_timeout`, `security` (processes);
        `seconds`, `deaths`, `restart_seconds`, `seed` (simulated)

    Raises
    ------
    ConnectionError : nobody at the address, or too few workers there
    ValueError, TypeError : one sentence, before any process is started
    """
    if engine not in ("processes", "simulated"):
        raise ValueError(f"engine must be 'processes' or 'simulated'; got {engine!r}")
    if engine == "simulated":
        from gdlib.distributed.simulation import Simulated

        if address is not None:
            raise ValueError(f"the simulation runs in this process, and address came as {address!r}: leave one out")
        return Simulated(make_worker, n, **options)
    from gdlib.distributed.processes import Processes

    return Processes(make_worker, n, address, **options)
