"""Workers in processes of their own, of this machine or of a cluster: Dask's actors behind the verbs.

Each computes on one thread, as the simulation does: how many share a sum decides about its last bit.
"""
import asyncio
import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, wait

from threadpoolctl import threadpool_limits

from gdlib.distributed.parcels import own, pack, unpack
from gdlib.distributed.pool import Pool, WorkerLost, check_pool, late

# How often, while waiting, it is asked whether the workers are still there, in seconds.
LOOK = 0.5


class Processes(Pool):
    """n workers, each an actor of Dask in a process of its own.

    Parameters
    ----------
    make_worker : rank -> the worker's object; it and its class may be defined in the notebook
    n : how many
    address : of a Dask scheduler ("tcp://host:8786", "tls://…"); None starts processes on this machine, whose ports
        are open to this machine alone
    security : a `distributed.Security` with the certificates for TLS; True makes some for this machine
    timeout : seconds that a wait may last where no other time is told
    connect_timeout : seconds that the scheduler and its workers may take to answer
    max_deaths : a worker that dies more often than this without an answer in between is given up
    """

    def __init__(
        self,
        make_worker: Callable,
        n: int,
        address: str | None = None,
        security=None,
        timeout: float = 60.0,
        connect_timeout: float = 8.0,
        max_deaths: int = 3,
    ):
        check_pool(make_worker, n, timeout, max_deaths)  # before any process is started
        super().__init__(make_worker, n, timeout, max_deaths)
        self._parcel = pack(make_worker)
        self._cluster = self._client = None
        self._actors, self._connect_timeout, self._begun = [None] * n, connect_timeout, time.perf_counter()
        try:
            self._connect(address, security)
            machines = sorted(self._machines())
            futures = [self._make(rank, machines[rank % len(machines)]) for rank in range(n)]
            self._actors = [future.result(timeout) for future in futures]
        except BaseException:
            self.close()
            raise

    def now(self):
        return time.perf_counter() - self._begun

    def close(self):
        for part in (self._client, self._cluster):
            if part is not None:
                part.close()
        self._client = self._cluster = None

    def pids(self) -> list[int]:
        """The process of each worker, in order of rank."""
        pids = self._client.run(os.getpid)
        return [pids[actor._address] for actor in self._actors]

    def _connect(self, address, security):
        try:
            import dask
            from distributed import Client, LocalCluster
        except ModuleNotFoundError:
            raise ModuleNotFoundError(
                "workers in processes need Dask: pip install distributed; engine=\"simulated\" does without"
            ) from None
        if address is None:
            # What goes wrong is told by our own sentences. And Dask has its processes give memory back to the system at
            # once, so that a gradient of a few thousand rows fetches all of it anew at each step: twice as slow.
            environ = dask.config.get("distributed.nanny.pre-spawn-environ")
            environ = {name: value for name, value in environ.items() if name != "MALLOC_TRIM_THRESHOLD_"}
            own = {"logging.distributed": "critical", "distributed.nanny.pre-spawn-environ": environ}
            with dask.config.set(own):
                self._cluster = LocalCluster(
                    n_workers=self.n, threads_per_worker=1, memory_limit=0, host="127.0.0.1",
                    dashboard_address="127.0.0.1:0", worker_dashboard_address="127.0.0.1:0",
                    silence_logs=logging.CRITICAL, security=security,
                )
        try:
            self._client = Client(
                address or self._cluster, security=security, timeout=self._connect_timeout, direct_to_workers=True
            )
        except (OSError, TimeoutError):
            raise ConnectionError(
                f"no scheduler answered at {address} within {self._connect_timeout:g} s: is it running, and is this "
                f"its address?"
            ) from None
        try:
            self._client.wait_for_workers(self.n, timeout=self._connect_timeout if address else self.timeout)
        except TimeoutError:
            raise ConnectionError(
                f"the cluster has {len(self._machines())} workers, and {self.n} were asked for: start more, or ask for "
                f"fewer"
            ) from None

    def _machines(self):
        return self._client.scheduler_info(n_workers=-1)["workers"]

    def _make(self, rank, machine):
        import dask

        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GiB"}):  # it may carry data
            return self._client.submit(_Desk, self._parcel, rank, actor=True, workers=[machine], pure=False)

    def _call(self, ticket):
        actor = self._actors[ticket.rank]
        ticket.address = getattr(actor, "_address", None)
        ticket.future = asyncio.run_coroutine_threadsafe(_answer(actor, ticket), self._client.loop.asyncio_loop)
        return ticket

    def _first(self, tickets, timeout):
        end, futures = time.perf_counter() + timeout, {ticket.future: ticket for ticket in tickets}
        while True:
            done = wait(futures, max(0, min(LOOK, end - time.perf_counter())), FIRST_COMPLETED).done
            if done:
                ticket = next(ticket for ticket in tickets if ticket.future in done)
                return ticket, own(ticket.future.result())
            alive = self._machines()
            for ticket in tickets:
                if ticket.address not in alive:
                    raise WorkerLost(ticket)
            if time.perf_counter() >= end:
                raise late(tickets, timeout)

    def _restart(self, rank, hangs):
        """On a machine that holds nobody, if one comes in time (Dask starts a dead process again); else shared."""
        lost, self._actors[rank] = self._actors[rank]._address, None
        if hangs and self._cluster is not None:
            self._client.restart_workers([lost], timeout=self._connect_timeout, raise_for_error=False)
        used = [actor._address for actor in self._actors if actor is not None]
        end = time.perf_counter() + self._connect_timeout
        while True:
            machines = sorted(set(self._machines()) - {lost}, key=used.count)
            if machines and (machines[0] not in used or time.perf_counter() > end):
                break
            if time.perf_counter() > end + self.timeout:
                raise ConnectionError(f"worker {rank} is lost, and the cluster has no other machine for it")
            time.sleep(0.02)
        self._actors[rank] = self._make(rank, machines[0]).result(self.timeout)


class _Desk:
    """Where calls arrive in a worker's process, and the worker's object behind it."""

    def __init__(self, parcel, rank):
        threadpool_limits(1, "blas")
        bytearray(2**24)  # glibc keeps freed memory for the next step once it has seen a large block freed
        self.worker = unpack(parcel)(rank)

    def answer(self, method, args):
        return getattr(self.worker, method)(*own(args))


async def _answer(actor, ticket):
    """What the worker answers; awaited on Dask's loop, as its as_completed does not tell an actor's calls in order."""
    try:
        return await actor.answer(ticket.method, ticket.args)
    except (OSError, RuntimeError) as error:
        if "Actor" in str(error):  # "Unable to contact Actor's worker", "Worker holding Actor was lost"
            raise WorkerLost(ticket) from None
        raise
