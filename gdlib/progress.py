"""A bar that shows how far a long walk is, and leaves nothing behind."""
import time

from gdlib.display import in_notebook

FIRST, EVERY = 0.5, 0.1  # seconds until a bar appears in a notebook, so that a quick walk shows none, and between moves


def bar(walk, total=None, unit="it", label=""):
    """Yield what `walk` yields, and show how far it is.

    In a notebook it is a line of text, written over in place, which needs no widgets; a terminal gets tqdm's own bar.
    What a notebook stores of it is empty, also where it is saved or compared by a tool.

    Parameters
    ----------
    walk : iterable
        What to go through.
    total : int, optional
        How many there are; by default `len(walk)`, where it has one.
    unit : str
        What one of them is called.
    label : str
        What stands before the bar.

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
