"""A progress bar that leaves nothing behind."""
import time
from collections.abc import Iterable, Iterator

from gdlib.display import in_notebook

FIRST, EVERY = 0.5, 0.1  # seconds until a notebook shows a bar (a quick walk shows none), and between its updates


def bar(walk: Iterable, total: int | None = None, unit: str = "it", label: str = "") -> Iterator:
    """Go through an iterable, and show how much of it is done.

    A notebook shows one line of text that is overwritten; it needs no widgets, and nothing of it is stored in the
    notebook. A terminal shows tqdm's own bar.

    Parameters
    ----------
    walk : iterable
        Things to go through.
    total : int, optional
        Number of things; by default `len(walk)` where it has a length.
    unit : str
        Name of one thing.
    label : str
        Text before the bar.

    Examples
    --------
    >>> list(bar(range(3)))
    [0, 1, 2]
    """
    if total is None and hasattr(walk, "__len__"):
        total = len(walk)
    if in_notebook():
        return _written_over(walk, total, unit, label)
    from tqdm import tqdm

    return tqdm(walk, total=total, leave=False, unit=unit, desc=label or None)


def _written_over(walk, total, unit, label):
    from IPython.display import display
    from tqdm import tqdm

    output, begin = None, time.monotonic()
    due = begin + FIRST
    try:
        for done, thing in enumerate(walk):
            now = time.monotonic()
            if now >= due:
                # An output begins and ends empty, and only its updates say something: nothing of it can be stored.
                output = output or display({}, raw=True, display_id=True)
                meter = tqdm.format_meter(done, total, now - begin, ncols=72, prefix=label, ascii=False, unit=unit)
                output.update({"text/plain": meter}, raw=True)
                due = now + EVERY
            yield thing
    finally:
        if output:
            output.update({}, raw=True)
