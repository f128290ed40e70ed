"""Lesson 05's pictures: each function takes what a cell computed. A film's gives figure, draw and frames."""
import numpy as np

from gdlib import plots


def raised(number):
    """A power of ten as it is written: 10⁻⁶."""
    return "10" + f"{np.log10(number):.0f}".translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def leaving(f, walks):
    """Walks over a pass, in 3-D, and their losses beside it.

    Parameters
    ----------
    f : Objective
        The pass.
    walks : dict
        Distance from the ridge at the start -> the points of the walk, (k, 2).
    """
    fig, (empty, chart) = plots.grid(2, height=4)
    empty.remove()
    fig.set_layout_engine("none")
    chart.set_position([0.64, 0.14, 0.35, 0.74])
    land = fig.add_axes([-0.09, -0.22, 0.72, 1.3], projection="3d", computed_zorder=False)
    land.set_axis_off()
    land.patch.set_visible(False)
    land.set_box_aspect((1.1, 1, 0.55))
    land.view_init(40, 205)
    plots.ground(land, f, np.linspace(-0.6, 1.1, 90), np.linspace(-0.95, 0.95, 90))
    for lowest in f.minima:
        plots.marks(land, walks[next(iter(walks))][0], lowest, f)
    names = {y0: f"y₀ = {raised(y0)}" for y0 in walks}
    hike = plots.hikers(land, {names[y0]: walk for y0, walk in walks.items()}, f)
    curves = []
    for (y0, walk), (colour, style, _) in zip(walks.items(), plots.CYCLE, strict=False):
        (curve,) = chart.plot([], [], linestyle=style, color=colour, linewidth=2.4, animated=True)
        curves.append((curve, loss := f(walk)))
        chart.annotate(names[y0], (np.argmax(loss < -0.12) + 6, -0.1), color=colour)
    chart.set(xlabel="step", ylabel="loss", xlim=(0, 1.1 * len(loss)), ylim=(-0.3, 0.5))
    chart.set_title("The nearer the ridge, the longer it waits", loc="left", fontsize=11)

    def draw(k):
        hike(k)
        for curve, loss in curves:
            curve.set_data(np.arange(k + 1), loss[: k + 1])

    return fig, draw, range(0, len(loss), 7)


def six_maps(surfaces):
    """Maps around a level point; what lies lower than it is blue.

    Parameters
    ----------
    surfaces : dict
        What is written above a map -> height at points (..., 2).
    """
    fig, axes = plots.grid(3, 2, height=6.6)
    x = np.linspace(-1, 1, 401)
    square = np.stack(np.meshgrid(x, x), axis=-1)
    for ax, (name, surface) in zip(axes.flat, surfaces.items(), strict=True):
        height = surface(square)
        ax.contourf(x, x, height, levels=[-9, 0, 9], colors=[plots.OKABE_ITO["sky"], "white"])
        ax.contour(x, x, height, levels=np.linspace(-1, 1, 21), colors="0.5", linewidths=0.6, linestyles="-")
        ax.plot(0, 0, "ko", markersize=5)
        ax.set(aspect="equal", xticks=[-1, 0, 1], yticks=[-1, 0, 1], xlabel="x", ylabel="y")
        ax.set_title(name, fontsize=11)
        ax.grid(False)
    return fig


def newtons_fates(f, index, points, kinds):
    """Himmelblau's ground with its critical points, and beside it the kind of point that Newton's walk ends in.

    Parameters
    ----------
    f : Objective
        The ground.
    index : array (q, q) of int
        For each start of the square from −5 to 5 the index of the point where it ends; −1 where it does not.
    points : array (k, 2)
        The critical points.
    kinds : array (k,) of int
        Their indices.
    """
    fig, (land, fate) = plots.grid(2, height=4.6)
    x = np.linspace(-5, 5, 300)
    plots.ground(land, lambda p: np.sqrt(f(p)), x, x)
    plots.regions(fate, index, extent=(-5, 5, -5, 5))
    land.set_title("nine level points", loc="left", fontsize=11)
    fate.set_title("where Newton's step leads from each start", loc="left", fontsize=11)
    white = dict(color="white", markeredgecolor="black", markersize=11, linestyle="")
    for kind, (name, shape) in enumerate([("minimum", "X"), ("saddle", "D"), ("maximum", "^")]):
        for ax in (land, fate):
            ax.plot(*points[kinds == kind].T, shape, label=name, **white)
    for ax in (land, fate):
        ax.set(xlabel="θ₁", ylabel="θ₂", aspect="equal")
    fig.legend(*land.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return fig


def waits(distances, measured, theory):
    """Steps until away against the distance from the ridge, with the formula's lines.

    Parameters
    ----------
    distances : array (k,)
        Distances from the ridge at the start.
    measured : dict
        Learning rate -> steps (k,).
    theory : callable
        Learning rate -> steps (k,).
    """
    fig, ax = plots.grid(width=7.5)
    for (lr, steps), (colour, _, shape) in zip(measured.items(), plots.CYCLE, strict=False):
        ax.semilogx(distances, theory(lr), color="black", linewidth=1)
        ax.semilogx(distances, steps, shape, color=colour)
        ax.annotate(f"η = {lr}", (distances[0], steps[0]), (8, 4), textcoords="offset points", color=colour)
    ax.annotate("lines: your formula", (1e-5, 900))
    ax.set(xlabel="distance from the ridge at the start", ylabel="steps until away", ylim=(0, 1_450))
    ax.set_title("Each factor of ten costs the same number of steps", loc="left", fontsize=11)
    return fig


def saddle_and_well(sizes, times, theory, across):
    """Batch size at a saddle, where it costs some steps, and in a local minimum, where it decides.

    Parameters
    ----------
    sizes : list of int
        Batch sizes.
    times : array (sizes, walks)
        Steps until away from the saddle.
    theory : array (sizes,)
        The median by theory.
    across : dict
        What is written at a line -> share of the walks (sizes,) that leave the local minimum.
    """
    fig, (left, right) = plots.grid(2)
    low, median, high = np.percentile(times, [5, 50, 95], axis=1)
    left.errorbar(sizes, median, yerr=[median - low, high - median], fmt="o", color=plots.BLUE, capsize=3)
    left.plot(sizes, theory, color="black", linewidth=1)
    left.annotate("line: median by theory\nbars: 5% to 95% of the walks", (0.03, 0.85), xycoords="axes fraction")
    left.set(xscale="log", xlabel="rows in a batch", ylabel="steps until away", ylim=(0, None))
    left.set_title("Leaving a saddle: some more steps", loc="left", fontsize=11)
    for (name, share), (colour, line, shape) in zip(across.items(), plots.CYCLE, strict=False):
        right.plot(sizes, share, shape, color=colour, linestyle=line)
        right.annotate(name, (sizes[0], share[0]), (2, -32 if share[0] > 0.5 else 8), textcoords="offset points",
                       color=colour)
    right.set(xscale="log", xlabel="rows in a batch", ylabel="share that leaves", ylim=(-0.05, 1.05))
    right.set_title("Leaving a local minimum: yes or no", loc="left", fontsize=11)
    for ax in (left, right):
        ax.set_xticks(sizes, sizes)
        ax.minorticks_off()
    return fig


def one_after_another(alone, helped, theory):
    """A walk past six saddles: its coordinates, and when it leaves each, without pushes and with them.

    Parameters
    ----------
    alone, helped : array (k, 6)
        The points of the walk without pushes and with them.
    theory : array (6,)
        Step at which each saddle is left, without pushes.
    """
    fig, (left, right) = plots.grid(2, height=3.9)
    for i, (colour, *_) in enumerate(plots.CYCLE):
        left.semilogy(np.abs(alone[:, i]), color=colour)
    for i, (colour, *_) in list(enumerate(plots.CYCLE))[2:]:
        left.annotate(f"x{'₁₂₃₄₅₆'[i]}", ((np.abs(alone[:, i]) > 0.5).argmax(), 5), color=colour, ha="center")
    left.set(xlabel="step", ylabel="size of each coordinate", xlim=(0, len(alone)), ylim=(1e-36, 1e3))
    left.set_title("While one saddle holds, the later come nearer", loc="left", fontsize=11)
    number = np.arange(1, 7)
    right.plot(number, theory, color="black", linewidth=1)
    for walk, colour, shape in [(alone, plots.BLUE, "o"), (helped, plots.VERMILLION, "s")]:
        right.plot(number, (np.abs(walk) > 0.5).argmax(axis=0), shape, color=colour)
    right.annotate("descent; line: your formula", (5.2, 1_000), color=plots.BLUE, ha="right")
    right.annotate("with pushes", (6, 250), color=plots.VERMILLION, ha="right")
    right.set(xlabel="saddle", ylabel="step at which it is left", ylim=(0, None))
    right.set_title("Each saddle doubles the time; pushes stop that", loc="left", fontsize=11)
    return fig


def parting(losses, noise, steps, slope):
    """Equal units that are parted by noise: three losses, and the steps until they part.

    Parameters
    ----------
    losses : dict
        Noise -> loss at each step.
    noise : array (k,)
        Sizes of the noise.
    steps : array (k, seeds)
        Steps until the units have parted.
    slope : float
        Steps that a factor of ten costs, by theory.
    """
    fig, (left, right) = plots.grid(2)
    for (size, loss), (colour, line, _) in zip(losses.items(), plots.CYCLE, strict=False):
        left.semilogy(loss, color=colour, linestyle=line)
        left.annotate(f"noise {raised(size)}", (np.argmax(loss < 0.09) - 60, 0.13), color=colour)
    left.set(xlabel="step", ylabel="loss", ylim=(None, 0.2))
    left.set_title("Level, as if it had converged; then it falls", loc="left", fontsize=11)
    x = np.log10(noise)
    right.semilogx(noise, steps, "o", color=plots.BLUE, markersize=4)
    right.semilogx(noise, steps.mean() - slope * (x - x.mean()), color="black", linewidth=1)
    right.annotate("slope by your formula", (1e-7, steps.mean() + 60))
    right.set(xlabel="size of the noise", ylabel="steps until the units part", ylim=(0, None))
    right.set_title("The saddle's own curvature sets the wait", loc="left", fontsize=11)
    return fig


def spectra(curvatures):
    """The eigenvalues of a network's Hessian at some steps, as three histograms with a logarithmic height.

    Parameters
    ----------
    curvatures : dict
        Step -> eigenvalues in ascending order (d,).
    """
    fig, axes = plots.grid(1, len(curvatures), height=5, sharex=True, sharey=True)
    every = np.concatenate([*curvatures.values()])
    bins = 0.05 * np.arange(np.floor(every.min() / 0.05), np.ceil(every.max() / 0.05) + 1)  # 0 is an edge
    for ax, (step, values) in zip(axes, curvatures.items(), strict=True):
        for part, colour in [(values[values < 0], plots.VERMILLION), (values[values >= 0], plots.BLUE)]:
            ax.hist(part, bins, color=colour)
        lowest = f"{values[0]:.2g}".replace("-", "−")
        ax.annotate(f"step {step}: the lowest is {lowest}", (0.01, 0.8), xycoords="axes fraction")
        ax.annotate("", (values[0], 1), (values[0], 12), arrowprops={"arrowstyle": "->"})
        ax.set(yscale="log", ylabel="how many", ylim=(0.7, 1_000))
    axes[0].set_title("Most curvatures are near 0; the ways down become flat", loc="left", fontsize=11)
    axes[-1].set_xlabel("curvature")
    return fig


def heights(points, ends):
    """Where searches for critical points end, loss against index; and the losses at which trainings end.

    Parameters
    ----------
    points : dict
        Where the searches begin -> (indices, losses) of the points found.
    ends : dict
        Number of hidden units -> losses (k,).
    """
    fig, (left, right) = plots.grid(2, height=4)
    places = [(3.4, 0.41), (2.3, 0.22), (0.35, 0.08)]
    for (name, (index, loss)), (colour, _, shape), at in zip(points.items(), plots.CYCLE, places, strict=False):
        shift = np.random.default_rng(0).uniform(-0.25, 0.25, len(index))
        left.plot(index + shift, loss, shape, color=colour, markersize=5, alpha=0.6)
        left.annotate(name, at, color=colour)
    left.set(xlabel="index: how many ways down", ylabel="loss", ylim=(0, 0.6))
    left.set_title("3 units: the higher, the more ways down", loc="left", fontsize=11)
    for row, loss in enumerate(ends.values()):
        right.plot(row + np.linspace(-0.2, 0.2, len(loss)), loss, "o", color=plots.BLUE, markersize=5, alpha=0.6)
    right.set_xticks(range(len(ends)), list(ends))
    right.set(xlabel="hidden units", ylabel="loss at the end", ylim=(0, None))
    right.set_title("20 trainings each: the wider, the more alike", loc="left", fontsize=11)
    return fig
