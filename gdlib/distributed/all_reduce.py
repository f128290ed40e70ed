"""All-reduce: every worker has a vector, and all want the sum. Three ways, over a network that counts."""
from collections.abc import Sequence

import numpy as np

from gdlib.checks import check_whole


class Network:
    """Between n workers: counts what each sends, and in how many rounds (messages of one round go at the same time).

    Attributes
    ----------
    bytes_sent : (n,) the bytes that each worker sent
    messages : how many messages in all
    rounds : how many messages had to wait for one another
    busiest : the bytes that the busiest worker sent or received, summed over the rounds: what the time goes with
    """

    def __init__(self, n: int):
        check_whole(n, "n", 1)
        self.n, self.messages, self.rounds, self.busiest = n, 0, 0, 0
        self.bytes_sent = np.zeros(n, int)

    def exchange(self, sends: Sequence[tuple[int, int, np.ndarray]]) -> dict:
        """One round of (from, to, array): the arrays that each worker received, as {to: [array, …]}."""
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
    """Everyone sends to worker 0, which adds and sends the sum to everyone: two rounds, all through one door."""
    n = _check(vectors, network)
    arrived = network.exchange([(rank, 0, vectors[rank]) for rank in range(1, n)])
    total = sum(arrived.get(0, []), vectors[0])
    back = network.exchange([(0, rank, total) for rank in range(1, n)])
    return [total, *(back[rank][0] for rank in range(1, n))]


def tree(vectors: Sequence[np.ndarray], network: Network) -> list[np.ndarray]:
    """In pairs, then pairs of pairs, up to worker 0; and back the same way: 2⌈log₂ n⌉ rounds of whole vectors."""
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
    """Each vector is cut into n pieces, which go round and gather, then go round once more: 2(n − 1) rounds.

    Each worker sends 2(n − 1)/n of a vector, however many they are (Patarasuk and Yuan, 2009).
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
        raise ValueError(f"the network has {network.n} workers, and {len(vectors)} vectors came: one each")
    shapes = sorted({v.shape for v in vectors})
    if len(shapes) != 1:
        raise ValueError(f"all workers' vectors must have one shape; got {shapes}")
    return network.n
