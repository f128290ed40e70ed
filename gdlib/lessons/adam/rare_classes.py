"""A classification problem with rare classes: a few labels are frequent, most are rare, as words in a text are."""
import numpy as np

from gdlib.networks import SoftmaxRegression


def rare_classes(
    rng: np.random.Generator, n: int = 600, d: int = 20, classes: int = 60, tail: float = 1.5, centre: float = 0.5
) -> SoftmaxRegression:
    """Draw a softmax regression whose k-th class has a share of the rows proportional to k^(−tail).

    The inputs are uniform within ½ of `centre` and say nothing about the label, so every row has to be learned by
    heart. Start at W = 0, b = 0: `np.zeros(model.dim)`.

    Parameters
    ----------
    rng : Generator
        Source of the rows.
    n : int
        Number of rows, at least as many as classes.
    d : int
        Number of inputs.
    classes : int
        Number of classes K; each has at least one row, and class 0 is the most frequent.
    tail : float
        Tail exponent; 0 makes all classes about equally frequent, words in a text have about 1.
    centre : float
        Mean of the inputs: 0.5 makes all of them positive.

    Raises
    ------
    ValueError
        There are fewer rows than classes.

    References
    ----------
    Kunstner, Yadav, Milligan, Schmidt, Bietti (2024), Heavy-tailed class imbalance and why Adam outperforms gradient
    descent on language models.

    Examples
    --------
    >>> model = rare_classes(np.random.default_rng(0), n=100, d=3, classes=10)
    >>> model.X.shape, model.dim, bool((np.bincount(model.y) >= 1).all())
    ((100, 3), 40, True)
    """
    if n < classes:
        raise ValueError(f"n must be at least the number of classes, {classes}; got {n}. Take more rows.")
    share = np.arange(1.0, classes + 1) ** -tail
    y = np.concatenate([np.arange(classes), rng.choice(classes, n - classes, p=share / share.sum())])
    return SoftmaxRegression(centre - 0.5 + rng.random((n, d)), y, classes=classes)


def by_frequency(y: np.ndarray, groups: int = 3) -> list[np.ndarray]:
    """Divide the rows into groups, from the most frequent classes to the rarest, of equal size as far as possible.

    Sort the rows by how frequent their class is, and cut the list into equal parts. All rows of a class go into the
    part in which its first row lies.

    Parameters
    ----------
    y : array (n,) of int
        Labels 0 … K−1.
    groups : int
        Number of groups.

    Returns
    -------
    list of array
        Numbers of the rows of each group. A group between others is empty if one class fills its part.

    Examples
    --------
    >>> by_frequency(np.array([0, 0, 0, 1, 1, 2]), groups=2)
    [array([0, 1, 2]), array([3, 4, 5])]
    """
    counts = np.bincount(y)
    order = np.argsort(-counts, kind="stable")
    first = np.cumsum(counts[order]) - counts[order]
    group = np.empty(len(counts), int)
    group[order] = groups * first // len(y)
    return [np.flatnonzero(group[y] == i) for i in range(groups)]
