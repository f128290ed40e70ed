"""The way to Dask: a cluster on this machine or elsewhere, a client of our own, and no wait without an end."""
import asyncio
import logging
import re
import signal
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress

from gdlib.distributed.desk import Desk

NEEDS = "pip install distributed cryptography"

CAN_BE_DEAF = hasattr(signal, "pthread_sigmask")  # not on Windows, whose stop button reaches the driver alone

# How long processes on this machine may take to start, and to end, in seconds.
START, END = 60.0, 30.0


def bounded(function: Callable, seconds: float, undo: Callable = lambda result: None):
    """What function() gives, computed in a thread of its own; TimeoutError if it takes longer.

    What that thread starts, threads and processes, is deaf to Ctrl-C and to a notebook's stop button: those are the
    driver's alone.

    Parameters
    ----------
    function : callable
        Takes nothing.
    seconds : float
        How long it may take.
    undo : callable
        Takes the result when it comes after all, and nobody waits for it any more.
    """
    future, left = Future(), threading.Event()
    if CAN_BE_DEAF:
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # whoever starts it first is no longer deaf

    def go():
        if CAN_BE_DEAF:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)
        else:
            if left.is_set():
                undo(future.result())

    threading.Thread(target=go, daemon=True).start()
    try:
        return future.result(seconds)
    except BaseException:
        left.set()
        if future.done() and future.exception() is None:  # between the end of the wait and now
            undo(future.result())
        raise


class Link:
    """A client of a Dask cluster; without an address, of a cluster of n processes on this machine.

    Parameters
    ----------
    n : int
        How many workers are needed.
    address : str or None
        Of the scheduler.
    security : distributed.Security, bool or None
        Certificates; see `Processes`.
    patience : float
        Seconds that a scheduler or its workers may take to answer.
    """

    def __init__(self, n, address, security, patience):
        check_address(address)
        self.cluster = self.client = None
        self.patience, self.where = patience, address or "this machine"
        security = certificates(security, address)
        try:
            if address is None:
                self.cluster = bounded(lambda: _local_cluster(n, security), START, undo=_close)
            self.client = self._connected(address or self.cluster.scheduler_address, security)
            self._wait_for(n, START if address is None else patience)
        except TimeoutError:
            self.close()
            raise TimeoutError(
                f"{n} processes on this machine have not started within {START:g} s: is it very busy?"
            ) from None
        except BaseException:
            self.close()
            raise

    def _connected(self, address, security):
        from distributed import Client

        def connect():
            return Client(address, security=security, timeout=self.patience, direct_to_workers=True,
                          set_as_default=False)

        try:
            return bounded(connect, self.patience + 5, undo=_close)
        except Exception as error:
            reason = _why(error, address, self.patience)
        raise reason

    def _wait_for(self, n, seconds):
        end, there = time.perf_counter() + seconds, 0
        while there < n:
            there = len(self.machines())
            if there < n and time.perf_counter() > end:
                raise ConnectionError(
                    f"the cluster has {there} workers, and {n} were asked for: start more, or ask for fewer"
                )
            time.sleep(0.02 * (there < n))

    def grow(self, n: int):
        """Have processes for n workers: start them on this machine; elsewhere wait for them."""
        if self.cluster is not None and len(self.machines()) < n:
            with _settings():
                bounded(lambda: self.cluster.scale(n), START)
                self._wait_for(n, START)
        self._wait_for(n, self.patience)

    def run(self, coroutine) -> Future:
        """Start a coroutine on the client's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.client.loop.asyncio_loop)

    def look(self) -> Future:
        """Ask the scheduler for the addresses of its live workers."""
        return self.run(_workers(self.client))

    def machines(self) -> list[str]:
        """The addresses of the live workers, sorted."""
        look = self.look()
        wait([look], self.patience)
        return self.seen(look)

    def seen(self, look: Future) -> list[str]:
        """What a look has seen; ConnectionError where the scheduler did not answer."""
        with suppress(Exception):
            return look.result(0)
        look.cancel()
        raise ConnectionError(
            f"the scheduler at {self.where} does not answer any more: was it stopped, or is the network down?"
        )

    async def desk(self, machine: str):
        """A new Desk in the process at this address."""
        with self.client.as_current():  # Dask binds an actor to the client that is current when it arrives
            return await self.client.submit(Desk, actor=True, workers=[machine], pure=False)

    def replace(self, machines: list[str]):
        """Have the processes at these addresses killed and started again by their nannies, as far as they have any."""
        with suppress(Exception):
            bounded(lambda: self.client.restart_workers(machines, timeout=self.patience, raise_for_error=False),
                    self.patience + 1)

    def close(self):
        """Leave the cluster; the one on this machine ends. A part that does not end in time is left to itself."""
        for part in (self.client, self.cluster):
            if part is not None:
                with suppress(Exception):
                    bounded(part.close, END)


async def _workers(client):
    try:
        info = await client.scheduler.identity(n_workers=-1)
    except TypeError:  # before 2025 all workers were always told
        info = await client.scheduler.identity()
    return sorted(info["workers"])


RULES = ["gdlib.distributed.house_rules"]


def _settings():
    """Dask's settings while processes of this machine start."""
    import dask
    import distributed  # noqa: F401  # its own settings come with it

    # Dask has its processes give memory back to the system at once, so that a gradient of a few thousand rows fetches
    # all of it anew at each step: twice as slow.
    environ = dask.config.get("distributed.nanny.pre-spawn-environ")
    environ = {name: value for name, value in environ.items() if name != "MALLOC_TRIM_THRESHOLD_"}
    return dask.config.set({"logging.distributed": "critical", "distributed.nanny.pre-spawn-environ": environ})


def _local_cluster(n, security):
    from distributed import LocalCluster

    with _settings():
        return LocalCluster(
            n_workers=n, threads_per_worker=1, memory_limit=0, host="127.0.0.1", dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL, security=security,
            preload=RULES, scheduler_kwargs={"preload": RULES},
        )


def _close(part):
    part.close()


def check_address(address):
    """An address must be host:port, with tcp:// or tls:// before it."""
    if address is not None and not (isinstance(address, str) and re.fullmatch(r"(\w+://)?\S+:\d+", address)):
        raise ValueError(f"address must be that of a Dask scheduler, such as 'tcp://host:8786'; got {address!r}")


def certificates(security, address):
    """The Security of the connections: what was given; by default, on this machine, temporary certificates."""
    from distributed import Security

    if isinstance(security, Security):
        return security
    if address is not None and security is True:
        raise ValueError("security must be the distributed.Security of the cluster at that address; got True")
    if not (security is None or isinstance(security, bool)):
        raise TypeError(f"security must be a distributed.Security, True, False or None; got {security!r}")
    if address is not None or security is False:
        return None
    try:
        return Security.temporary()
    except ImportError:
        raise ModuleNotFoundError(
            f"workers in processes need certificates, so that nobody else on this machine can reach them: {NEEDS}; "
            f"security=False does without"
        ) from None


def _why(error, address, seconds):
    """The reason why nobody was reached, in a sentence."""
    chain = [error]
    while (error := error.__cause__ or error.__context__) is not None:
        chain.append(error)
    said = " ".join(map(str, chain))
    if any(isinstance(error, ssl.SSLError) for error in chain) or "SSLError" in said:
        reason = next((str(error) for error in chain if isinstance(error, ssl.SSLError)), said)
        return ConnectionError(
            f"the scheduler at {address} answered, and the certificates do not fit together: {reason}. Give those that "
            f"the cluster was started with, security=distributed.Security(…)."
        )
    if isinstance(chain[0], TypeError):
        return ValueError(f"security must be a distributed.Security with certificates for {address}; got none")
    if isinstance(chain[0], ValueError) or "reset by peer" in said:
        return ConnectionError(
            f"something answered at {address} and closed the connection: does it expect tls:// and security=…, or, of "
            f"a tls:// address, none?"
        )
    return ConnectionError(
        f"no scheduler answered at {address} within {seconds:g} s: is it running, and is this its address?"
    )
