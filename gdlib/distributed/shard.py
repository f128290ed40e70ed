"""A worker's object over its part of the rows."""
import numpy as np

from gdlib.checks import check_whole
from gdlib.models import Model


class Shard:
    """A worker's object: a model over its part of the rows.

    Parameters
    ----------
    model : Model
        The model over this worker's rows.
    batch_size : int, optional
        How many rows are drawn for each gradient, with replacement; by default all are taken.
    seed : int
        Of the draws, different for each worker. A call at step t draws the same rows whenever it is made.
    """

    def __init__(self, model: Model, batch_size: int | None = None, seed: int = 0):
        if batch_size is not None:
            check_whole(batch_size, "batch_size", 1, model.n)
        self.model, self.batch_size, self.seed = model, batch_size, seed

    @property
    def n_rows(self):
        """How many rows this worker has: its weight in `local_steps`."""
        return self.model.n

    def gradient(self, theta: np.ndarray, t: int) -> tuple[np.ndarray, int]:
        """The gradient over this worker's rows, or those drawn for step t, and how many rows it is over.

        Parameters
        ----------
        theta : ndarray
            Where, (d,).
        t : int
            The step.
        """
        if self.batch_size is None:
            return self.model.grad(theta), self.model.n
        rows = np.random.default_rng([self.seed, t]).integers(self.model.n, size=self.batch_size)
        return self.model.grad(theta, rows), self.batch_size
