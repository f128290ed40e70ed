"""Lesson 06's pictures: what has been learned of frequent and rare classes, as a film and as losses."""
import numpy as np

from gdlib import plots
from gdlib.lessons.adam import rare_classes


def learned(model, runs, titles=None, **size):
    """Make a film of the chance that a model gives to each row's own class, from the most frequent class to the rarest.

    A class is a bar, as wide as it has rows.

    Parameters
    ----------
    model : SoftmaxRegression
        The classifier.
    runs : dict
        Method, such as "momentum" or "Adam" -> its points (k, d), one per step.
    titles : dict, optional
        Method -> what stands above its panel; without it, the method's name.
    **size : object
        Width and height of the figure.

    Returns
    -------
    fig : Figure
        A panel for each method.
    draw : callable
        Function k -> None that shows step k.
    frames : list of int
        Steps for `plots.film`.
    """
    counts = np.bincount(model.y)
    order = np.argsort(-counts, kind="stable")
    widths = counts[order]
    fig, axes = plots.grid(len(runs), sharey=True, squeeze=False, **({"height": 3.6} | size))
    moving = {}
    for ax, name in zip(axes[0], runs, strict=True):
        colour, _ = plots.METHOD[name]
        bars = ax.bar(np.cumsum(widths) - widths, 0 * widths, widths, align="edge", color=colour, edgecolor="white",
                      linewidth=0.3, animated=True)
        step = ax.text(0.6, 0.93, "", transform=ax.transAxes, ha="center", va="top", fontsize=11, animated=True)
        moving[name] = bars, step
        ax.spines[["top", "right"]].set_visible(False)
        ax.set(xlim=(0, len(model.y)), ylim=(0, 1), xlabel="rows, from the most frequent class to the rarest")
        ax.set_title((titles or {}).get(name, name), loc="left", fontsize=11)
    axes[0, 0].set_ylabel("chance of the right class")

    def draw(k):
        for name, (bars, step) in moving.items():
            right = model.probabilities(runs[name][k], model.X)[np.arange(model.n), model.y]
            heights = np.bincount(model.y, right) / counts
            for bar, height in zip(bars, heights[order], strict=True):
                bar.set_height(height)
            step.set_text(f"step {k}")

    last = min(len(points) for points in runs.values()) - 1
    return fig, draw, np.unique(np.linspace(0, last, 41).astype(int)).tolist()


def by_frequency(races, average=11):
    """Draw the loss over the steps on the third of the rows with the most frequent classes, and on the rarest third.

    Parameters
    ----------
    races : dict
        Method, such as "momentum" or "Adam" -> its walks on several draws, (model, Run) each. What is drawn is their
        mean.
    average : int
        Number of steps, odd, of the running mean.

    Returns
    -------
    Figure
        For `plots.show`.
    """
    fig, axes = plots.grid(2, height=3.4, sharey=True)
    for ax, part, title in zip(axes, (0, -1), ("most frequent classes", "rarest classes"), strict=True):
        for name, walks in races.items():
            loss = np.mean([f(run.theta, rare_classes.by_frequency(f.y)[part]) for f, run in walks], axis=0)
            calm = np.convolve(loss, np.full(average, 1 / average), "valid")
            colour, style = plots.METHOD[name]
            ax.plot(average // 2 + np.arange(len(calm)), calm, color=colour, linestyle=style, linewidth=2.4)
            if part:
                ax.annotate(name, (len(calm) + average // 2, calm[-1]), xytext=(4, 0), textcoords="offset points",
                            color=colour, va="center", fontsize=12, annotation_clip=False)
        ax.set(xlabel="step", xlim=(0, len(loss) - 1), ylim=(0, 1.6 * np.log(walks[0][0].y.max() + 1)))
        ax.set_title(f"The third with the {title}", loc="left", fontsize=11)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel(f"loss, running mean of {average} steps")
    return fig
