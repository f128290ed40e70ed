"""Workers whose rows lie in memory in every way, and where their descents go: to be run as a script, a module, a cell.

All layouts hold the same numbers, so for each model there is one walk, whatever the layout, the engine, and the place
where model and worker are defined. It keeps to one indentation level, as tests/test_same_bits.py also runs it as the
body of a function.
"""
import hashlib
import json
import os
import signal

import numpy as np

import gdlib as gd

images, digit = gd.data.load("digits")
images, digit = images[:500], digit[:500]
table = np.column_stack([np.repeat(images, 2, axis=1), digit])  # the images in every second column, the digits last
fortran, single = np.asfortranarray(images), images.astype(np.float32)

MODELS = {
    "least squares": gd.LeastSquares,
    "softmax": lambda X, y: gd.SoftmaxRegression(X, y, classes=10),
    "tanh": lambda X, y: gd.MLP(X, y, (16,), classes=10),
}
LAYOUTS = {
    "view": lambda rank: (images[rank::2], digit[rank::2]),
    "index": lambda rank: (images[np.arange(rank, 500, 2)], digit[np.arange(rank, 500, 2)]),
    "columns": lambda rank: (table[rank::2, :-1:2], table[rank::2, -1].astype(int)),
    "fortran": lambda rank: (fortran[rank::2], digit[rank::2].astype(np.int32)),
    "single": lambda rank: (single[rank::2], digit[rank::2].astype(np.uint8)),
}
whole = {name: model(images, digit) for name, model in MODELS.items()}
taken = [{name: model.take(slice(rank, None, 2)) for name, model in whole.items()} for rank in (0, 1)]


class Worker:
    """Every model over every layout of its rows; those that came with it; and a formula over the bare arrays."""

    def __init__(self, rank):
        self.models = {(name, layout): model(*rows(rank)) for layout, rows in LAYOUTS.items()
                       for name, model in MODELS.items()}
        self.models |= {(name, "came along"): model for name, model in taken[rank].items()}
        self.models |= {(name, "taken"): model.take(np.arange(rank, 500, 2)) for name, model in whole.items()}
        self.X = images[250 * rank : 250 * rank + 247]

    def gradients(self, thetas):
        parts = {case: model.grad(thetas[case]) for case, model in self.models.items()}
        loss_slope = np.tanh(self.X @ thetas["by hand", "-"])
        return parts | {("by hand", "-"): self.X.T @ loss_slope / len(self.X)}


def walks(pool, kill_at=None):
    """{model, layout: SHA-256 of where 100 steps have led}; before one of them worker 1 may be killed."""
    starts = {name: np.random.default_rng(0).normal(size=model.dim) for name, model in whole.items()}
    thetas = {(name, layout): start for name, start in starts.items() for layout in [*LAYOUTS, "came along", "taken"]}
    thetas["by hand", "-"] = np.random.default_rng(0).normal(size=(64, 8))
    for t in range(1, 101):
        if t == kill_at:
            os.kill(pool.pids()[1], signal.SIGKILL)
        first, second = gd.distributed.gather(pool, "gradients", thetas)
        thetas = {case: theta - 0.01 * (first[case] + second[case]) for case, theta in thetas.items()}
    return {", ".join(case): hashlib.sha256(theta.tobytes()).hexdigest() for case, theta in thetas.items()}


def main(address=None, rounds=1):
    """Print the walks: in the simulation; in processes, one of which is killed; on the cluster at an address."""
    with gd.distributed.workers(Worker, 2, "simulated") as pool:
        found = {"simulated": walks(pool)}
    for k in range(rounds):
        with gd.distributed.workers(Worker, 2) as pool:
            found[f"processes {k}"] = walks(pool, kill_at=50)
    if address:
        with gd.distributed.workers(Worker, 2, address=address, connect_timeout=30) as pool:
            found["cluster"] = walks(pool)
    print(json.dumps(found))
