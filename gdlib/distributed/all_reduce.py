"""All-reduce: every worker has a vector, and all want the sum. Five ways, over a network that counts.

One convention counts them all: links carry both directions at once (full duplex), and a worker sends one message and
receives one message at a time. So a round lasts as long as its busiest worker: the larger of what it sends and what it
receives. `cost` has the same counts as formulas.
"""
from collections.abc import Iterable, Sequence

import numpy as np

from gdlib.checks import check_whole


class Network:
    """A network between n workers that counts what each sends, and in how many rounds.

    Messages of one round do not depend on one another.

    Parameters
    ----------
    n : int
        Number of workers.

    Attributes
    ----------
    bytes_sent : ndarray
        (n,), the bytes that each worker sent.
    messages : int
        Number of all messages.
    rounds : int
        Number of rounds; each waits for the one before it.
    latencies : int
        Messages of the busiest worker, the larger of sent and received, summed over the rounds.
    busiest : int
        Bytes of the busiest worker, the larger of sent and received, summed over the rounds.
    """

    def __init__(self, n: int):
        check_whole(n, "n", 1)
        self.n, self.messages, self.rounds, self.latencies, self.busiest = n, 0, 0, 0, 0
        self.bytes_sent = np.zeros(n, int)

    def exchange(self, sends: Iterable[tuple[int, int, np.ndarray]]) -> dict:
        """Send the messages of one round.

        Parameters
        ----------
        sends : iterable of (int, int, ndarray)
            From whom, to whom, what.

        Returns
        -------
        dict
            What each worker received: {to: [array, …]}.
        """
        arrived, out, into = {}, np.zeros((self.n, 2), int), np.zeros((self.n, 2), int)
        for source, target, array in sends:
            out[source] += 1, array.nbytes
            into[target] += 1, array.nbytes
            arrived.setdefault(target, []).append(array.copy())
        latencies, busiest = np.maximum(out, into).max(axis=0)
        self.bytes_sent += out[:, 1]
        self.messages += int(out[:, 0].sum())
        self.rounds += bool(arrived)
        self.latencies += int(latencies)
        self.busiest += int(busiest)
        return arrived

    def seconds(self, alpha: float, beta: float) -> float:
        """Seconds that all rounds take: α·latencies + β·busiest.

        Parameters
        ----------
        alpha : float
            Latency α, the seconds of a message however short it is.
        beta : float
            Seconds β of each byte.
        """
        return alpha * self.latencies + beta * self.busiest


def naive(vectors: Sequence[np.ndarray], network: Network) -> list[np.ndarray]:
    """All-reduce by a star: everyone sends to worker 0, which adds and sends the sum back, in two rounds.

    Parameters
    ----------
    vectors : sequence of ndarray
        One for each worker, all of one shape.
    network : Network
        It counts the messages.

    Returns
    -------
    list of ndarray
        What each worker holds at the end: the sum.

    Raises
    ------
    ValueError
        Not one vector for each worker of the network, or not of one shape.
    """
    n = _check(vectors, network)
    arrived = network.exchange([(rank, 0, vectors[rank]) for rank in range(1, n)])
    total = sum(arrived.get(0, []), vectors[0])
    back = network.exchange([(0, rank, total) for rank in range(1, n)])
    return [total, *(back[rank][0] for rank in range(1, n))]


def tree(vectors: Sequence[np.ndarray], network: Network) -> list[np.ndarray]:
    """All-reduce by a tree: in pairs, then pairs of pairs, up to worker 0, and back: 2⌈log₂ n⌉ rounds of whole vectors.

    Parameters
    ----------
    vectors, network : sequence of ndarray, Network
        As for `naive`, which also says what is returned and raised.
    """
    n = _check(vectors, network)
    sums, reach = list(vectors), 1
    while reach < n:
        pairs = [(rank + reach, rank) for rank in range(0, n - reach, 2 * reach)]
        arrived = network.exchange([(high, low, sums[high]) for high, low in pairs])
        for _, low in pairs:
            sums[low] = sums[low] + arrived[low][0]
        reach *= 2
    while reach > 1:
        reach //= 2
        pairs = [(rank, rank + reach) for rank in range(0, n - reach, 2 * reach)]
        arrived = network.exchange([(low, high, sums[low]) for low, high in pairs])
        for _, high in pairs:
            sums[high] = arrived[high][0]
    return sums


def ring(vectors: Sequence[np.ndarray], network: Network) -> list[np.ndarray]:
    """All-reduce by a ring: n pieces of each vector go round and gather, then go round once more: 2(n − 1) rounds.

    Each worker sends 2(n − 1)/n of a vector, however many they are.

    Parameters
    ----------
    vectors, network : sequence of ndarray, Network
        As for `naive`, which also says what is returned and raised.

    References
    ----------
    Patarasuk and Yuan (2009), Bandwidth optimal all-reduce algorithms for clusters of workstations.
    """
    n = _check(vectors, network)
    pieces, everyone = [np.array_split(v, n) for v in vectors], [range(n)]
    _ring_scatter(pieces, everyone, network)
    _ring_gather(pieces, everyone, network)
    return [np.concatenate(p) for p in pieces]


def halving_doubling(vectors: Sequence[np.ndarray], network: Network) -> list[np.ndarray]:
    """All-reduce by recursive halving and doubling: as few bytes as a ring, as few rounds as a tree, for every n.

    First half of a vector goes over a distance of ⌈n/2⌉ workers, then a quarter over ⌈n/4⌉, … until each worker has the
    sum of one piece. The same way back gives all of them to everybody. In all 2⌈log₂ n⌉ rounds and 2(n − 1)/n vectors.

    Parameters
    ----------
    vectors, network : sequence of ndarray, Network
        As for `naive`, which also says what is returned and raised.

    Notes
    -----
    Rabenseifner's workers exchange in pairs, so n must be a power of two; for other n he first adds the vectors of the
    surplus workers to others', at the price of two more whole vectors. Träff's distances need no power of two.

    References
    ----------
    Rabenseifner (2004), Optimization of collective reduction operations.
    Träff (2024), Optimal, non-pipelined reduce-scatter and allreduce algorithms.
    """
    n = _check(vectors, network)
    pieces = [np.array_split(v, n) for v in vectors]
    _halve_and_double(pieces, [range(n)], network)
    return [np.concatenate(p) for p in pieces]


def two_level(
    vectors: Sequence[np.ndarray], network: Network, group: int, inside: Network | None = None
) -> list[np.ndarray]:
    """All-reduce of machines with `group` workers each: a ring within each machine, halving and doubling among them.

    Each worker of a machine first has the machine's sum of one piece. The workers that have the same piece then sum it
    over all machines, all pieces at the same time; and a ring in each machine gives all pieces to all its workers.

    Parameters
    ----------
    vectors : sequence of ndarray
        One for each worker, all of one shape; those of a machine follow one another.
    network : Network
        It counts the messages among machines.
    group : int
        Number of workers in a machine, a divisor of n.
    inside : Network, optional
        It counts the messages within the machines; by default `network` counts those as well.

    Returns
    -------
    list of ndarray
        What each worker holds at the end: the sum.

    Raises
    ------
    ValueError
        As for `naive`; or `group` does not divide n.
    """
    n = _check(vectors, network)
    check_group(n, group)
    inside = inside or network
    machines = [range(first, first + group) for first in range(0, n, group)]
    pieces = [np.array_split(v, group) for v in vectors]
    _ring_scatter(pieces, machines, inside)
    _among_machines(pieces, group, network)
    _ring_gather(pieces, machines, inside)
    return [np.concatenate(p) for p in pieces]


def check_group(n: int | np.ndarray, group: int):
    """Refuse a `group` that is not a whole number that divides n.

    Parameters
    ----------
    n : int or ndarray
        Number of workers.
    group : int
        Number of workers in a machine.

    Raises
    ------
    ValueError
        It is not.
    """
    check_whole(group, "group", 1)
    if np.any(np.asarray(n) % group):
        raise ValueError(f"group must be a divisor of n, the number of workers; got {group} and n = {n}. "
                         f"Give every machine equally many workers.")


def _ring_scatter(pieces, teams, network):
    """In each team a ring: afterwards its member i has the whole sum of piece i + 1."""
    m = len(teams[0])
    for turn in range(m - 1):
        arrived = network.exchange([(team[i], team[(i + 1) % m], pieces[team[i]][(i - turn) % m])
                                    for team in teams for i in range(m)])
        for team in teams:
            for i in range(m):
                p = (i - 1 - turn) % m
                pieces[team[i]][p] = pieces[team[i]][p] + arrived[team[i]][0]


def _ring_gather(pieces, teams, network):
    """In each team a ring hands on the whole sums, piece i + 1 of member i first."""
    m = len(teams[0])
    for turn in range(m - 1):
        arrived = network.exchange([(team[i], team[(i + 1) % m], pieces[team[i]][(i + 1 - turn) % m])
                                    for team in teams for i in range(m)])
        for team in teams:
            for i in range(m):
                pieces[team[i]][(i - turn) % m] = arrived[team[i]][0]


def _among_machines(pieces, group, network):
    """Halving and doubling over all machines, for each piece among the workers that have its sum."""
    n = len(pieces)
    teams = [range(i, n, group) for i in range(group)]
    parts = [np.array_split(pieces[rank][(rank + 1) % group], n // group) for rank in range(n)]
    _halve_and_double(parts, teams, network)
    for rank in range(n):
        pieces[rank][(rank + 1) % group] = np.concatenate(parts[rank])


def _halve_and_double(pieces, teams, network):
    """In each team the sum of all pieces, for all its members.

    Before a round of the first half, member i still cares for the pieces i … i + kept − 1, modulo the team's size.
    """
    m = len(teams[0])
    halves = [m]
    while halves[-1] > 1:
        halves.append((halves[-1] + 1) // 2)
    for kept, half in zip(halves, halves[1:], strict=False):
        for mine, p, array in _moved(pieces, teams, network, range(half, kept), half):
            mine[p] = mine[p] + array
    for half, kept in zip(halves[:0:-1], halves[-2::-1], strict=False):
        for mine, p, array in _moved(pieces, teams, network, range(kept - half), -half):
            mine[p] = array


def _moved(pieces, teams, network, which, distance):
    """A round: member i sends its pieces i + k, k in `which`, so far ahead; (receiver's pieces, p, array) of each."""
    m = len(teams[0])
    arrived = network.exchange([(team[i], team[(i + distance) % m],
                                 np.concatenate([pieces[team[i]][(i + k) % m] for k in which]))
                                for team in teams for i in range(m)])
    for team in teams:
        for i in range(m):
            mine, numbers = pieces[team[i]], [(i - distance + k) % m for k in which]
            ends = np.cumsum([len(mine[p]) for p in numbers])[:-1]
            for p, array in zip(numbers, np.split(arrived[team[i]][0], ends), strict=True):
                yield mine, p, array


def _check(vectors, network):
    vectors = list(vectors)
    if len(vectors) != network.n:
        raise ValueError(f"vectors must be one for each of the network's {network.n} workers; got {len(vectors)}")
    shapes = sorted({v.shape for v in vectors})
    if len(shapes) != 1:
        raise ValueError(f"vectors must all have one shape; got {shapes}")
    return network.n
