"""All-reduce: every worker has a vector, and all want the sum. Three ways, over a network that counts."""
from collections.abc import Sequence

import numpy as np

from gdlib.checks import check_whole


class Network:
    """A network between n workers that counts what each sends, and in how many rounds.

    Messages of one round go at the same time.

    Parameters
    ----------
    n : int
        Number of workers.

    Attributes
    ----------
    bytes_sent : ndarray
        (n,), the bytes that each worker sent.
    messages : int
        How many messages in all.
    rounds : int
        How many messages had to wait for one another.
    busiest : int
        The bytes that the busiest worker sent or received, summed over the rounds: the time is proportional to it.
    """

    def __init__(self, n: int):
        check_whole(n, "n", 1)
        self.n, self.messages, self.rounds, self.busiest = n, 0, 0, 0
        self.bytes_sent = np.zeros(n, int)

    def exchange(self, sends: Sequence[tuple[int, int, np.ndarray]]) -> dict:
        """Send the messages of one round.

        Parameters
        ----------
        sends : sequence of (int, int, ndarray)
            From whom, to whom, what.

        Returns
        -------
        dict
            What each worker received: {to: [array, …]}.
        """
        arrived, out, into = {}, np.zeros(self.n, int), np.zeros(self.n, int)
        for source, target, array in sends:
            out[source] += array.nbytes
            into[target] += array.nbytes
            arrived.setdefault(target, []).append(array.copy())
        self.bytes_sent += out
        self.messages += len(sends)
        self.rounds += bool(sends)
        self.busiest += int(max(out.max(), into.max()))
        return arrived


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
    pieces = [np.array_split(v, n) for v in vectors]
    for turn in range(n - 1):  # after this, worker r has the whole sum of piece r + 1
        arrived = network.exchange([(r, (r + 1) % n, pieces[r][(r - turn) % n]) for r in range(n)])
        for r in range(n):
            pieces[r][(r - 1 - turn) % n] = pieces[r][(r - 1 - turn) % n] + arrived[r][0]
    for turn in range(n - 1):
        arrived = network.exchange([(r, (r + 1) % n, pieces[r][(r + 1 - turn) % n]) for r in range(n)])
        for r in range(n):
            pieces[r][(r - turn) % n] = arrived[r][0]
    return [np.concatenate(p) for p in pieces]


def _check(vectors, network):
    vectors = list(vectors)
    if len(vectors) != network.n:
        raise ValueError(f"vectors must be one for each of the network's {network.n} workers; got {len(vectors)}")
    shapes = sorted({v.shape for v in vectors})
    if len(shapes) != 1:
        raise ValueError(f"vectors must all have one shape; got {shapes}")
    return network.n
