"""Lesson 06's pictures: a film, and the losses of frequent and rare classes."""
import numpy as np

from gdlib import plots


def race(f, paths, target):
    """Make a film of methods from one start on the ground of f, in two dimensions, and of the losses they have left.

    Parameters
    ----------
    f : Objective
        Its lowest value is 0.
    paths : dict
        Method -> its points, (k, 2).
    target : float
        The share of the loss at which a method has arrived.
    """
    fig, (land, chart) = plots.grid(2, height=4.4)
    every, start = np.concatenate(list(paths.values())), next(iter(paths.values()))[0]
    (left, bottom), (right, top) = every.min(axis=0) - 0.25, every.max(axis=0) + 0.25
    plots.ground(land, f, np.linspace(left, right, 300), np.linspace(bottom, top, 300))
    plots.marks(land, start, f.minima[0])
    land.set(xlabel="θ₁", ylabel="θ₂")
    hike, curves, said = plots.hikers(land, paths), {}, []
    shares = {name: np.maximum(f(path) / f(start), target / 30) for name, path in paths.items()}
    for name, share in shares.items():
        colour, style = plots.METHOD[name]
        (curves[name],) = chart.plot([], [], color=colour, linestyle=style, linewidth=2.4, animated=True)
        said.append((int(np.argmax(np.append(share <= target, True))), name, colour))
    leaves = [name for first, name, _ in said if first < len(shares[name]) and shares[name][-1] > target]
    title = f"{min(said)[1]} arrives first" + (f"; {' and '.join(leaves)} won't stay" if leaves else "")
    for row, (first, name, colour) in enumerate(sorted(said)):
        words = f"{name}: step {first}" if first < len(share) else f"{name}: later"
        chart.text(0.5, 0.92 - 0.075 * row, words, color=colour, fontsize=12, transform=chart.transAxes)
    chart.axhline(target, color="0.4", linewidth=1)
    chart.set(xlabel="step", ylabel="share of the loss left", yscale="log", xlim=(0, len(share)), ylim=(target / 30, 3))
    chart.set_title(title[0].upper() + title[1:], loc="left", fontsize=11)
    land.set_title("One start, each method at its best rate from there", loc="left", fontsize=11)

    def draw(k):
        hike(k)
        for name, curve in curves.items():
            curve.set_data(np.arange(k + 1), shares[name][: k + 1])

    return fig, draw, np.unique(np.geomspace(1, len(share), 50).astype(int)) - 1


def by_frequency(model, runs, groups):
    """Draw the loss over the steps on each group of rows, a panel for each group and a curve for each method.

    The panels reach up to one and a half times the loss of a model that finds all classes equally likely.

    Parameters
    ----------
    model : SoftmaxRegression
        Its rows are those of the groups.
    runs : dict
        Method, such as "momentum" or "Adam" -> its Run.
    groups : list of array
        Numbers of the rows of each group, from the most frequent classes to the rarest; empty ones are left out.

    Returns
    -------
    Figure
        For `plots.show`.
    """
    groups = [rows for rows in groups if len(rows)]
    fig, axes = plots.grid(len(groups), height=3.6, sharey=True, squeeze=False)
    for ax, rows in zip(axes[0], groups, strict=True):
        for name, run in runs.items():
            colour, style = plots.METHOD[name]
            ax.plot(run.t, model(run.theta, rows), color=colour, linestyle=style, linewidth=2.4, label=name)
        classes, most = np.unique(model.y[rows], return_counts=True)
        few, many = most.min(), most.max()
        rows_each = f"{few}" if few == many else f"{few} to {many}"
        ax.set_title(f"{len(classes)} {'class' if len(classes) == 1 else 'classes'} of {rows_each} "
                     f"{'row' if many == 1 else 'rows'}", loc="left", fontsize=11)
        ax.set_xlabel("step")
    axes[0, 0].set(ylabel="mean loss of these rows", ylim=(0, 1.5 * np.log(model.y.max() + 1)))
    axes[0, -1].legend(frameon=False)
    return fig
