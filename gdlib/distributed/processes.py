"""Workers in processes of their own, of this machine or of a cluster: Dask's actors behind the verbs.

Each computes on one thread, as the simulation does: how many share a sum decides about its last bit.
"""
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, wait

from gdlib.distributed.desk import ERROR, NOBODY, error_of
from gdlib.distributed.link import NEEDS, START, Link
from gdlib.distributed.parcels import pack, received, sendable
from gdlib.distributed.pool import Hiring, Pool, WorkerLost

# How often, while waiting, it is asked whether the workers are still there, in seconds.
LOOK = 0.5

# How long a call that nobody waits for any more may go on in a cluster's process before that is replaced, in seconds.
GRACE = 2.0


class Processes(Pool):
    """n workers, each an actor of Dask in a process of its own.

    Parameters
    ----------
    make_worker : callable
        rank, or (rank, n), -> the worker's object; it and its class may be defined in the notebook.
    n : int
        How many workers.
    address : str, optional
        Of a Dask scheduler ("tcp://host:8786", "tls://…"). By default processes start on this machine, and their ports
        are open to this machine alone.
    security : distributed.Security or bool, optional
        With an address: the certificates for TLS. Without: by default temporary certificates are made, so that nobody
        else on this machine can reach the workers; False does without, and saves time with long messages.
    timeout : float
        Seconds that a wait may last where no other time is given.
    connect_timeout : float
        Seconds that the scheduler and its workers may take to answer. A lost worker waits so long for an idle machine,
        then shares one; without any it is given up after the longer of the two times, on this machine after a minute.
    max_deaths : int
        A worker is abandoned after more than this many consecutive losses.
    on_hang : str
        What happens to a worker that does not answer within `timeout`: "raise" a TimeoutError; or "restart" it, in a
        new process where it has a nanny, and ask it again.
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
        on_hang: str = "raise",
    ):
        super().__init__(make_worker, n, timeout, max_deaths, on_hang)
        self._parcel, self._begun = pack(self._maker(), "make_worker"), time.perf_counter()
        self._desks, self._machines, self._pids = [None] * n, [None] * n, [None] * n
        self._link, self._patience, self._connect_timeout = None, min(connect_timeout, timeout), connect_timeout
        try:
            import distributed  # noqa: F401
        except ModuleNotFoundError:
            raise ModuleNotFoundError(
                f'workers in processes need Dask: {NEEDS}; engine="simulated" does without'
            ) from None
        try:
            self._link = Link(n, address, security, connect_timeout)
            self._link.patience = self._patience
            self._hire_all(self._link.machines())
        except BaseException:
            self.close()
            raise

    def now(self):
        return time.perf_counter() - self._begun

    def close(self):
        super().close()
        link, self._link = self._link, None
        if link is None:
            return
        running = {ticket.future: ticket.machine for ticket in self._unanswered if not ticket.done}
        if link.cluster is None and running:  # what hangs in a process of the cluster must not stay there
            late = wait(running, GRACE).not_done
            if late:
                link.replace(sorted({running[future] for future in late}))
        link.close()

    def pids(self) -> list[int]:
        """The process of each worker, in order of rank."""
        return list(self._pids)

    def _hire_all(self, machines):
        """Make worker k on machine k; on fewer machines than workers, several share one."""
        tickets = [self._hire(rank, machines[rank % len(machines)]) for rank in range(self.n)]
        while tickets:
            try:
                tickets.remove(self.first(tickets)[0])
            except WorkerLost as lost:
                tickets.remove(lost.ticket)
                self.restart(lost.rank)

    def _hire(self, rank, machine):
        """Start make_worker(rank) in the process at this address."""
        ticket, self._machines[rank] = Hiring(rank, "make_worker"), machine

        async def hire():
            try:
                ticket.desk = await self._link.desk(machine)
                return await ticket.desk.make(self._parcel, rank)
            except Exception:  # Dask's: what make_worker raises is in the reply
                return NOBODY, None

        ticket.machine, ticket.future = machine, self._link.run(hire())
        self._unanswered[ticket] = True
        return ticket

    def _call(self, ticket):
        desk, ticket.machine = self._desks[ticket.rank], self._machines[ticket.rank]
        if desk is None:  # lost, and not restarted
            ticket.close(error=WorkerLost(ticket))
            return
        method = sendable(ticket.method, repr(ticket.name))
        args = tuple(sendable(arg, f"argument {i} of {ticket.name!r}") for i, arg in enumerate(ticket.args, start=1))
        ticket.future = self._link.run(_answer(desk, method, args))

    def _first(self, tickets, timeout):
        """The ticket that is done first: with what was answered or raised, or with WorkerLost; None if none is."""
        if done := next((ticket for ticket in tickets if ticket.done), None):
            return done
        end, look, looking_since = time.perf_counter() + timeout, None, 0.0
        futures = {ticket.future: ticket for ticket in tickets}
        while True:
            left = max(0.01, min(LOOK, end - time.perf_counter()))
            done = wait([*futures, look] if look else futures, left, FIRST_COMPLETED).done
            if ticket := next((ticket for ticket in tickets if ticket.future in done), None):
                return self._settled(ticket)
            now = time.perf_counter()
            if look is None:
                look, looking_since = self._link.look(), now
            elif look.done() or now > max(looking_since + LOOK, min(end, looking_since + self._patience)):
                machines, look = self._link.seen(look), None  # raises where the scheduler does not answer
                if lost := next((ticket for ticket in tickets if ticket.machine not in machines), None):
                    self._desks[lost.rank] = None
                    lost.close(error=WorkerLost(lost))
                    return lost
            if now >= end and look is None:
                return None

    def _settled(self, ticket):
        kind, said = ticket.future.result()
        if kind == NOBODY:
            self._desks[ticket.rank] = None
            ticket.close(error=WorkerLost(ticket))
        elif kind == ERROR:
            ticket.close(error=error_of(said, ticket))
        else:
            ticket.close(received(said))
            if isinstance(ticket, Hiring):
                self._desks[ticket.rank], self._pids[ticket.rank] = ticket.desk, ticket.value
        return ticket

    def _restart(self, rank, hangs):
        lost, self._desks[rank] = self._machines[rank], None
        if hangs:
            self._end(rank)
        self.first([self._hire(rank, self._free_machine(rank, lost))])

    def _resize(self):
        self._link.grow(self.n)
        live, self._parcel = self._link.machines(), pack(self._maker(), "make_worker")
        stay = [machine for machine in dict.fromkeys(self._machines) if machine in live][: self.n]
        self._desks, self._machines, self._pids = [None] * self.n, [None] * self.n, [None] * self.n
        self._hire_all(stay + [machine for machine in live if machine not in stay])

    def _end(self, rank):
        """End a process that hangs: Dask starts another in its place."""
        import psutil

        children = {child.pid: child for child in psutil.Process().children()}
        if self._pids[rank] in children:  # on this machine Dask itself would first wait for it
            children[self._pids[rank]].kill()
        else:
            self._link.replace([self._machines[rank]])

    def _free_machine(self, rank, lost):
        """Prefer an idle machine (Dask starts a dead process again); share one when that takes too long."""
        used = [machine for other, machine in enumerate(self._machines) if other != rank]
        begun = time.perf_counter()
        limit = START if self._link.cluster is not None else max(self.timeout, self._connect_timeout)
        while True:
            waited = time.perf_counter() - begun
            patient = waited < self._connect_timeout
            found = [machine for machine in self._link.machines() if not (patient and machine == lost)]
            found.sort(key=lambda machine: (machine == lost, used.count(machine)))
            if found and (found[0] not in used or not patient):
                return found[0]
            if waited > limit:
                raise ConnectionError(
                    f"worker {rank} is lost, and for {limit:g} s the cluster had no machine for it: start one"
                )
            time.sleep(0.02)


async def _answer(desk, method, args):
    """The reply of a desk; NOBODY where it cannot be reached: whatever the worker's own code raises is in the reply."""
    try:
        return await desk.answer(method, args)
    except Exception:
        return NOBODY, None
