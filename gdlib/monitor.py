"""What is recorded while a model is trained, the file that keeps it, and the monitor that `gd.run` feeds."""
from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gdlib.checkpoints import Damaged, read_sealed, write_sealed
from gdlib.checks import check_whole
from gdlib.display import in_notebook
from gdlib.models import Model
from gdlib.rules.rule import Optimizer
from gdlib.schedules import as_schedule

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["History", "Monitor"]

FORMAT, VERSION = "gdlib monitor", 1
ONE_EACH = ("t", "loss", "validation_loss", "lr", "sharpness")  # columns with one number per entry
PER_LAYER = ("grad_norm", "update_ratio")
FIRST_SHARPNESS, NEXT_SHARPNESS = 50, 10  # power iterations from a random vector, and from the last eigenvector


class History:
    """What was recorded during training: k entries, for L layers of parameters.

    `Monitor` and `TorchMonitor` fill one; `Monitor.load` reads one. An entry at t > 0 describes step t: its gradient,
    its update and its learning rate; and the point after it. What was not measured is nan.

    Parameters
    ----------
    layers : sequence of str
        Names of the layers of parameters.
    units : sequence of str
        Names of the layers of hidden relu units.
    rule : str
        Name of the rule.
    """

    def __init__(self, layers: Sequence[str] = (), units: Sequence[str] = (), rule: str = ""):
        self._entries, self.layers, self.units, self.rule = [], tuple(layers), tuple(units), rule

    def add(self, t: int, **values: float | Sequence[float]) -> None:
        """Append an entry.

        Parameters
        ----------
        t : int
            Number of steps taken.
        **values : float or sequence of float
            Other columns of the entry; a missing one is nan.
        """
        self._entries.append({"t": t, **values})

    def _values(self, name):
        count = {"dead": len(self.units)} | dict.fromkeys(PER_LAYER, len(self.layers))
        empty = np.full(count[name], np.nan) if name in count else np.nan
        values = np.array([entry.get(name, empty) for entry in self._entries], float)
        return values.reshape(len(self._entries), *np.shape(empty))

    @property
    def t(self):
        """Number of steps taken: (k,)."""
        return self._values("t").astype(int)

    @property
    def loss(self):
        """Loss over the training rows: (k,)."""
        return self._values("loss")

    @property
    def validation_loss(self):
        """Loss over the validation rows: (k,)."""
        return self._values("validation_loss")

    @property
    def lr(self):
        """Learning rate η: (k,)."""
        return self._values("lr")

    @property
    def sharpness(self):
        """Largest eigenvalue of the Hessian of the loss: (k,)."""
        return self._values("sharpness")

    @property
    def grad_norm(self):
        """Length ‖g‖ of each layer's part of the gradient that the rule received: (k, L)."""
        return self._values("grad_norm")

    @property
    def update_ratio(self):
        """Length of each layer's update beside its weights, ‖θ_t − θ_{t−1}‖ / ‖θ_{t−1}‖: (k, L)."""
        return self._values("update_ratio")

    @property
    def dead(self):
        """Share of units that give 0 for every row looked at, in each of H layers of relu units: (k, H)."""
        return self._values("dead")

    def __len__(self):
        return len(self._entries)

    def __repr__(self):
        return f"{type(self).__name__}({len(self)} entries, {len(self.layers)} layers)"

    def __str__(self):
        """Last entry in one line."""
        if not self._entries:
            return "nothing recorded yet"
        parts = [f"step {self.t[-1]:,}: loss {self.loss[-1]:.2g}"]
        for words, values in (("gradient", self.grad_norm[-1]), ("update ratio", self.update_ratio[-1])):
            if np.isfinite(values).any():
                parts.append(f"{words} {_span(values)}")
        if np.isfinite(self.dead[-1]).any():
            parts.append(f"dead units {100 * np.nanmax(self.dead[-1]):.0f} % at most")
        return ", ".join(parts)

    def describe(self) -> str:
        """Say in words what the picture shows: its text for a reader who cannot see it."""
        self._check_entries()
        sentences = [_told_loss(self.t, self.loss)]
        for words, values in (("gradient norm of a layer", self.grad_norm),
                              ("update of a layer, as a share of its weights", self.update_ratio)):
            medians = [np.median(column[np.isfinite(column)]) for column in values.T if np.isfinite(column).any()]
            if medians:
                sentences.append(f"Median {words}: {_span(np.array(medians))}.")
        still = [name for name, norm in zip(self.layers, self.grad_norm[-1], strict=True) if norm == 0]
        if still:
            sentences.append(f"At the end the gradient is 0 in {', '.join(still)}.")
        if self.units and np.isfinite(self.dead[-1]).any():
            most = int(np.nanargmax(self.dead[-1]))
            share = 100 * self.dead[-1, most]
            sentences.append(f"Most dead units: {share:.0f} %, in {self.units[most]}." if share else "No unit is dead.")
        measured = self.sharpness[np.isfinite(self.sharpness)]
        if len(measured):
            sentences.append(f"The sharpness goes from {measured[0]:.2g} to {measured[-1]:.2g}.")
        return " ".join(sentences)

    def figure(self) -> Figure:
        """Draw the dashboard: loss, gradient norms, updates, dead units, sharpness and learning rate over the steps.

        Raises
        ------
        ValueError
            Nothing is recorded yet.
        """
        self._check_entries()
        from gdlib.dashboard import drawn

        return drawn(self)

    def show(self, alt: str | None = None) -> None:
        """Show the dashboard; where no front end is, its description.

        Parameters
        ----------
        alt : str, optional
            What is *seen* in it, in a sentence or two, for a reader who cannot see it; by default `describe()`.

        Raises
        ------
        ValueError
            Nothing is recorded yet, or `alt` is shorter than a sentence.
        """
        from gdlib.plots import show

        show(self.figure(), self.describe() if alt is None else alt)

    def save(self, path: str | Path) -> Path:
        """Write everything into one file of arrays (npz, no pickle) with its checksum, whole or not at all.

        Parameters
        ----------
        path : str or Path
            File to write; its folder is made where it is missing.

        Returns
        -------
        Path
            The file.
        """
        path, content = Path(path), io.BytesIO()
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = {name: self._values(name) for name in (*ONE_EACH, *PER_LAYER, "dead")}
        names = {"layers": np.array(self.layers, str), "units": np.array(self.units, str), "rule": np.array(self.rule)}
        np.savez(content, format=np.array(FORMAT), version=np.array(VERSION), **names, **columns)
        write_sealed(path, content.getvalue())
        return path

    @staticmethod
    def load(path: str | Path) -> History:
        """Read a file that `save` wrote.

        Parameters
        ----------
        path : str or Path
            File to read.

        Returns
        -------
        History
            What was recorded.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ValueError
            The file is not one that `save` wrote, it is damaged, or its version is unknown.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"path must be a file that save(path) wrote; got {path}, where there is no file.")
        try:
            with np.load(io.BytesIO(read_sealed(path)), allow_pickle=False) as stored:
                parts = dict(stored)
        except (Damaged, ValueError, TypeError) as error:  # TypeError: an array alone
            raise ValueError(f"path must be a file that save(path) wrote; got {path.name}, which cannot be read "
                             f"({error}). Save it again.") from None
        return _history_of(path, parts)

    def _check_entries(self):
        if not self._entries:
            raise ValueError(f"{type(self).__name__} must have recorded something; got no entry. Train with it first, "
                             f"as in gd.run(…, monitor=monitor).")


def screen():
    """Make the screen of a live run; it needs matplotlib, which the rest of the monitor does without."""
    from gdlib.dashboard import Screen

    return Screen()


def _history_of(path, parts):
    """Check the parts of a file, and make a History of them."""
    if str(parts.get("format")) != FORMAT:
        raise ValueError(f"path must be a file that save(path) wrote; got {path.name}, which holds something else.")
    if str(parts.get("version")) != str(VERSION):
        raise ValueError(f"version must be {VERSION}; got {parts.get('version')} in {path.name}. Read it with the "
                         f"gdlib that wrote it, or train again.")
    k, layers, units = (len(np.atleast_1d(parts.get(name, ()))) for name in ("t", "layers", "units"))
    shapes = dict.fromkeys(ONE_EACH, (k,)) | dict.fromkeys(PER_LAYER, (k, layers)) | {"dead": (k, units)}
    wanted = {name: (shape, "f") for name, shape in shapes.items()}
    wanted |= {"layers": ((layers,), "U"), "units": ((units,), "U"), "rule": ((), "U")}
    for name, (shape, kind) in wanted.items():
        got = parts.get(name, np.array(None))
        if (got.shape, got.dtype.kind) != (shape, kind):
            raise ValueError(f"{name} must be an array of {'numbers' if kind == 'f' else 'words'} of shape {shape} in "
                             f"{path.name}; got {got.dtype} of shape {got.shape}. Save it again.")
    history = History(map(str, parts["layers"]), map(str, parts["units"]), str(parts["rule"]))
    history._entries = [{name: parts[name][i] for name in shapes} for i in range(k)]
    return history


class Monitor(History):
    """Monitor of one run of `gd.run(…, monitor=monitor)`: a History that fills up, and leaves the run's bits alone.

    It records the start, every `every`-th step, and the last. A run that ends early leaves what was recorded before. A
    monitor that is used again starts over; with `resume` it goes on.

    Parameters
    ----------
    every : int
        Distance in steps between the entries. At the default the digits network trains less than 5 % longer.
    rows : int
        Loss, dead units and sharpness are taken over at most this many rows of the model, evenly spaced in its data.
    sharpness_every : int, optional
        Distance in steps between measurements of the sharpness, a multiple of `every`; by default none is made. The
        first takes 50 Hessian–vector products, each later one 10 that start from the last eigenvector.
    validation : Model, optional
        The same model over validation rows, such as `gd.MLP(X[validation], y[validation], …)`, for its loss.
    live : bool
        True shows the dashboard while the run goes on. In a notebook a progress bar stands beside it, and the picture
        is drawn at most twice a second and for at most a fifth of the time. Elsewhere a line of text is printed every
        two seconds. Only the last picture stays.

    Raises
    ------
    ValueError, TypeError
        An argument is wrong.

    Examples
    --------
    >>> import gdlib as gd
    >>> monitor = Monitor(every=2)
    >>> run = gd.run(gd.quadratic([2.0]), gd.gradient_descent(0.25), [4.0], 4, monitor=monitor)
    >>> monitor.t, monitor.loss, monitor.update_ratio[1:, 0]
    (array([0, 2, 4]), array([16.    ,  1.    ,  0.0625]), array([0.5, 0.5]))
    """

    def __init__(
        self,
        every: int = 50,
        *,
        rows: int = 128,
        sharpness_every: int | None = None,
        validation: Model | None = None,
        live: bool = False,
    ):
        super().__init__()
        check_whole(every, "every", 1)
        check_whole(rows, "rows", 1)
        if sharpness_every is not None:
            check_whole(sharpness_every, "sharpness_every", 1)
            if sharpness_every % every:
                raise ValueError(f"sharpness_every must be a multiple of every, {every}; got {sharpness_every}. "
                                 f"Try {every * (1 + sharpness_every // every)}.")
        if validation is not None and not isinstance(validation, Model):
            raise TypeError(f"validation must be a model over validation rows; got {validation!r}. Make one like the "
                            f"model that is trained, such as gd.MLP(X[rows], y[rows]).")
        self.every, self.rows, self.sharpness_every, self.live = every, rows, sharpness_every, live
        self.validation = None if validation is None else _fewer_rows(validation, rows)

    def begin(self, f: Callable, opt: Optimizer, theta: np.ndarray, first: int, steps: int) -> None:
        """Get ready for a run; `gd.run` calls this before the first step.

        Parameters
        ----------
        f : Objective or model
            Function of the run.
        opt : Optimizer
            Rule of the run.
        theta : array (d,)
            Start.
        first : int
            Number of steps taken before.
        steps : int
            Number of steps to come.

        Raises
        ------
        ValueError
            There are several runs, or the validation model has other parameters than f.
        """
        if theta.ndim != 1:
            raise ValueError(f"monitor must watch one run; got {theta[..., 0].size}. Give theta0 one start and no "
                             f"per_run values, or leave monitor out.")
        shapes = getattr(f, "shapes", (theta.shape,))
        if self.validation is not None and self.validation.shapes != shapes:
            raise ValueError(f"validation must be a model with the parameters {shapes} of the run's; got "
                             f"{self.validation.shapes}. Make both with the same settings.")
        named = _layers(shapes)
        self.layers, self._spans = tuple(named), list(named.values())
        self.units = _relu_layers(f, theta)
        self.rule, self._probe = opt.name, _fewer_rows(f, self.rows)
        lr = opt.values().get("lr")
        self._lr = (lambda t: np.nan) if lr is None else as_schedule(lr)
        self._first, self._last, self._next = first, first + steps, first
        self._vector, self._gradient = None, None
        self._entries = [entry for entry in self._entries if entry["t"] <= first] if first else []
        self._screen, self.bar = (screen(), in_notebook()) if self.live else (None, False)

    def watch(self, grads: Iterable[Callable]) -> Iterator[Callable]:
        """Pass the gradient functions on; of a step that is recorded, note the first gradient that the rule asks for.

        Parameters
        ----------
        grads : iterable of callable
            Gradient functions, one per step.

        Yields
        ------
        callable
            Gradient function of the next step.
        """
        for t, grad in enumerate(grads, start=self._first + 1):
            yield self._noting(grad) if t == self._next else grad

    def after(self, t: int, theta: np.ndarray) -> None:
        """Record step t if it is due; called after each step, and at the start.

        Parameters
        ----------
        t : int
            Number of steps taken.
        theta : array (d,)
            Point after step t.
        """
        if t == self._next:
            self._next = min((t // self.every + 1) * self.every, self._last)
            if not (self._entries and self._entries[-1]["t"] == t):  # where a resumed run begins, it was recorded
                step = {} if t == self._first else self._measured_step(t, theta)
                self.add(t, **self._measured_point(t, theta), **step)
            if self._screen is not None:
                self._screen.update(self, self._last)
        if t + 1 == self._next:
            self._before = theta.copy()

    def end(self) -> None:
        """End the live picture, if there is one, and show the last one; called however the run ended."""
        if self._screen is not None:
            self._screen.end(self)

    def _noting(self, grad):
        self._gradient = None

        def noting(theta):
            g = grad(theta)
            if self._gradient is None:
                self._gradient = self._norms(g)
            return g

        return noting

    def _norms(self, vector):
        """Length of each layer's part."""
        return np.array([np.linalg.norm(vector[span]) for span in self._spans])

    def _measured_step(self, t, theta):
        """Measure what belongs to the step that led here."""
        ratio = self._norms(theta - self._before) / self._norms(self._before)
        gradient = {} if self._gradient is None else {"grad_norm": self._gradient}
        return {"lr": float(self._lr(t)), "update_ratio": ratio, **gradient}

    def _measured_point(self, t, theta):
        """Measure what belongs to the point."""
        found = {}
        if self.units:
            found["loss"], units = self._probe.loss_and_units(theta)
            found["dead"] = [1 - h.any(axis=0).mean() for h in units]
        else:
            found["loss"] = self._probe(theta)
        if self.validation is not None:
            found["validation_loss"] = self.validation(theta)
        if not np.isfinite(theta).all():
            found.pop("dead", None)
        elif self.sharpness_every is not None and t % self.sharpness_every == 0:
            found["sharpness"] = self._measured_sharpness(theta)
        return found

    def _measured_sharpness(self, theta):
        from gdlib.analysis import sharpness

        iterations = FIRST_SHARPNESS if self._vector is None else NEXT_SHARPNESS
        value, vector = sharpness(self._probe, theta, self._vector, iterations)
        self._vector = vector if np.isfinite(vector).all() and vector.any() else None
        return value


def _layers(shapes):
    """Span in θ of each layer, {name: slice}: an array of two axes or more with the vector behind it, its biases.

    Any other vector stands alone, such as the gains of a normalised network.
    """
    ends = list(accumulate(map(prod, shapes), initial=0))
    spans, matrices, vectors = {}, 0, 0
    for i, shape in enumerate(shapes):
        if len(shape) > 1:
            matrices += 1
            has_biases = shapes[i + 1 : i + 2] and len(shapes[i + 1]) < 2
            spans[f"layer {matrices}"] = slice(ends[i], ends[i + 1 + bool(has_biases)])
        elif i == 0 or len(shapes[i - 1]) < 2:
            vectors += 1
            spans[f"vector {vectors}"] = slice(ends[i], ends[i + 1])
    return spans if len(spans) > 1 else {"θ": slice(0, ends[-1])}


def _relu_layers(f, theta):
    """Names of the layers of relu units."""
    if getattr(f, "activation", None) != "relu" or not hasattr(f, "loss_and_units"):
        return ()
    return tuple(f"layer {i}" for i, _ in enumerate(f.loss_and_units(theta, slice(0, 1))[1], start=1))


def _fewer_rows(f, rows):
    """The same model over at most so many rows, evenly spaced; an objective as it is."""
    if not isinstance(f, Model) or f.n <= rows:
        return f
    return f.take(np.linspace(0, f.n - 1, rows).round().astype(int))


def _span(values):
    """Smallest and largest of the finite values, in words."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return "not finite"
    low, high = f"{finite.min():.1g}", f"{finite.max():.1g}"
    return low if low == high else f"{low} to {high}"


def _told_loss(t, loss):
    """Say how the loss went."""
    finite = np.isfinite(loss)
    if not finite.all():
        return f"The loss is not finite at step {t[np.argmin(finite)]:,}."
    if len(loss) == 1:
        return f"The loss is {loss[0]:.2g} at step {t[0]:,}."
    way = "falls" if loss[-1] < loss[0] else "rises" if loss[-1] > loss[0] else "goes"
    return f"The loss {way} from {loss[0]:.2g} to {loss[-1]:.2g} in {t[-1] - t[0]:,} steps."
