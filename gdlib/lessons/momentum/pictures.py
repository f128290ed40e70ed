"""Lesson 04's pictures: each function takes what a cell computed, and gives `plots.show` or `plots.film` its figure."""
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm

from gdlib import plots

BALL, STYLE = plots.METHOD["momentum"]
SHADES = {"light": "#e39a5f", "own": BALL, "dark": "#6b2f00"}  # of the ball's colour, for three values of β
# What a step leaves, over rate and β: blue where the ball arrives, white at 1, orange where it flies off.
FACTOR = LinearSegmentedColormap.from_list("factor", ["#0b4f7d", "#6fb0da", "#f7f7f7", "#f1c6a8", "#e0986a"])
FACTOR_NORM = TwoSlopeNorm(1, vmin=0.4, vmax=1.6)
BORDERS = (lambda beta: (1 - np.sqrt(beta)) ** 2, lambda beta: (1 + np.sqrt(beta)) ** 2)  # of ηλ, where balls swing


def title(ax, text):
    """A finding, above the axes."""
    ax.set_title(text, loc="left", fontsize=11)


def ravine(J, paths, steps):
    """A film of two paths in a ravine.

    Parameters
    ----------
    J : Objective
        The ravine.
    paths : dict
        {method: points}.
    steps : int
        How many are shown.
    """
    fig, ax = plots.grid(width=8, height=4)
    plots.ground(ax, J, np.linspace(-4.5, 1.5, 300), np.linspace(-3.4, 3.0, 200))
    plots.marks(ax, start=(-4, 1), lowest=(0, 0))
    ax.set(xlabel="along", ylabel="across")
    draw = plots.hikers(ax, paths)
    for name, place in {"momentum": (-1.2, 1.6), "descent": (-1.2, -1.9)}.items():
        ax.annotate(name, place, color=plots.METHOD[name][0], fontsize=12, weight="bold")
    title(ax, f"{steps} steps, each method at its best: the ball is there, descent still creeps")
    return fig, draw, np.repeat(range(steps + 1), 2)


def weights(betas):
    """How much of an old gradient is in the velocity, for three values of β."""
    fig, axes = plots.grid(3, height=2.9, sharey=True)
    age = np.arange(61)
    for ax, beta, colour in zip(axes, betas, SHADES.values(), strict=True):
        memory = 1 / (1 - beta)
        ax.bar(age, beta**age, width=1.0, color=colour, alpha=0.75)
        ax.axvline(memory, color="black", linewidth=1)
        ax.annotate(f" 1/(1 − β) = {memory:.0f}", (min(memory, 22), 0.9), fontsize=10)
        ax.set(xlabel="age of the gradient, in steps", xlim=(-0.5, 60.5))
        title(ax, f"β = {beta}: all weights sum to {memory:.0f}")
    axes[0].set(ylabel="its weight βᵏ in v")
    return fig


def springs(walks):
    """Three balls on one parabola: their walks, and position against velocity.

    Parameters
    ----------
    walks : dict
        {β: positions}.
    """
    fig, (left, right) = plots.grid(2, height=3.7)
    named = [("β = {}: creeps", (18, 0.5)), ("β = {}: arrives first", (40, -0.35)), ("β = {}: swings", (48, 0.32))]
    for (beta, theta), (words, place), colour in zip(walks.items(), named, SHADES.values(), strict=True):
        left.plot(theta[:121], color=colour, linewidth=2)
        left.annotate(words.format(beta), place, color=colour)
        right.plot(theta, np.append(0, np.diff(theta)), ".-", color=colour, markersize=4, linewidth=1)
    right.annotate("start", (1, 0), (0.93, 0.014), ha="center")
    plots.marks(right, start=(1, 0), lowest=(0, 0))
    left.set(xlabel="step", ylabel="position θ", xlim=(0, 120))
    right.set(xlabel="position θ", ylabel="the last step, −ηv", xlim=(-1.05, 1.1))
    title(left, "Between creeping and swinging")
    title(right, "A spiral swings, a straight end creeps")
    return fig


def larger_roots(rates, theory, tried, measured):
    """The larger root against ηλ as a line for each β, and what runs did as dots.

    Parameters
    ----------
    rates : array (k,)
        ηλ of the lines.
    theory : dict
        {β: larger root (k,)}.
    tried : array (m,)
        ηλ of the runs.
    measured : dict
        {β: factor a step (m,)}.
    """
    fig, ax = plots.grid(width=8.2, height=3.8)
    ax.axhspan(1, 1.25, color=FACTOR(0.8), alpha=0.35)
    ax.annotate("above 1 it flies off", (0.05, 1.19))
    for (beta, line), dots, colour in zip(theory.items(), measured.values(), SHADES.values(), strict=True):
        ax.plot(rates, line, color="black", linewidth=1)
        ax.plot(tried, dots, "o", color=colour, markersize=6)
        ax.annotate(f"β = {beta}", (1 + beta, np.sqrt(beta)), xytext=(0, -14), textcoords="offset points", color=colour,
                    ha="center")
    ax.set(xlabel="ηλ", ylabel="left by a step", xlim=(0, 4), ylim=(0.4, 1.25))
    title(ax, "Where the ball swings a step leaves √β, whatever the curvature")
    return fig


def steps_against_kappa(kappas, counted):
    """Steps against the condition number, with lines of slope 1 and ½.

    Parameters
    ----------
    kappas : sequence of float
        Condition numbers.
    counted : dict
        {method: steps}.
    """
    fig, ax = plots.grid(width=8, height=3.9)
    for (name, steps), power, shape in zip(counted.items(), (1, 0.5), "os", strict=True):
        colour, _ = plots.METHOD[name]
        ax.loglog(kappas, steps, shape, color=colour, markersize=7)
        ax.loglog(kappas, steps[-1] * (np.array(kappas) / kappas[-1]) ** power, color="black", linewidth=1)
        words = "slope 1" if power == 1 else "slope ½"
        ax.annotate(f"{name}: {words}", (kappas[3], steps[3]), xytext=(-8, 8), textcoords="offset points",
                    color=colour, ha="right")
    ax.set(xlabel="condition number κ", ylabel="steps to a billionth")
    title(ax, "Momentum at its best pair takes the root of κ")
    return fig


def agreement(found):
    """How many times fewer steps a ball needs, against how long the slopes agree.

    Parameters
    ----------
    found : dict
        {β: (how long slopes agree, in memories; descent's steps / the ball's)}.
    """
    fig, ax = plots.grid(width=8, height=3.9)
    x = np.geomspace(0.04, 60, 50)
    ax.loglog(x, x / 2, color="black", linewidth=1)
    ax.annotate("x/2", (45, 16))
    ax.axhline(1, color="0.5", linewidth=1)
    ax.annotate("momentum saves steps", (0.042, 1.15), color="0.3")
    ax.annotate("momentum costs steps", (0.042, 0.75), color="0.3")
    places = [(17, 2.1), (11, 18), (0.9, 0.3)]
    for (beta, (agree, gain)), colour, shape, place in zip(found.items(), SHADES.values(), "^os", places, strict=True):
        ax.loglog(agree, gain, shape, color=colour, markersize=7)
        ax.annotate(f"β = {beta}", place, color=colour)
    ax.set(xlabel="how long the slopes agree / how long the ball remembers", ylabel="descent's steps / the ball's",
           xlim=(0.035, 80), ylim=(0.01, 40))
    title(ax, "A long memory pays where the slopes agree for long")
    return fig


def damping(tried, theory, measured):
    """What a step leaves against ηλ for the heavy ball and for Nesterov's rule: lines by the roots, dots by runs."""
    fig, ax = plots.grid(width=8, height=3.6)
    places = {"momentum": (0.62, 0.86), "Nesterov": (0.3, 0.6)}
    for name, (rates, line) in theory.items():
        colour, _ = plots.METHOD[name]
        ax.plot(rates, line, color="black", linewidth=1)
        ax.plot(tried, measured[name], "o", color=colour)
        ax.annotate("heavy ball" if name == "momentum" else name, places[name], color=colour, fontsize=12)
    ax.axhline(1, color="0.5", linewidth=1)
    ax.set(xlabel="ηλ: flat directions left, steep ones right", ylabel="left by a step", xlim=(0, 1.5), ylim=(0.1, 1.1))
    title(ax, "Looking ahead brakes the steep directions")
    return fig


def round_the_valley(height, runs):
    """The kinked valley with the ball's places, and walks in it.

    Parameters
    ----------
    height : function
        Of x.
    runs : dict
        {method: places x, from step 0}.
    """
    fig, (left, right) = plots.grid(2, height=3.6)
    x, last = np.linspace(-2.6, 3.5, 200), runs["momentum"][-3:]
    left.plot(x, height(x), color="0.4")
    left.plot(last, height(last), "o", color=BALL, markersize=10, markeredgecolor="white")
    left.set(xlabel="x", ylabel="height", ylim=(-4, 110))
    title(left, "Three places, for ever")
    for name, walk in runs.items():
        colour, style = plots.METHOD[name]
        right.plot(walk[:41], color=colour, linestyle=style, linewidth=2)
    right.annotate("heavy ball", (20, 2.5), color=BALL)
    right.annotate("Nesterov", (14, 0), (10, -2.9), color=colour, arrowprops={"arrowstyle": "-", "color": colour})
    right.set(xlabel="step", ylabel="x", ylim=(-3.4, 5.0))
    title(right, "Nesterov's rule, at its own pair, arrives")
    return fig


def travel(steepness, ways):
    """The distance travelled against descent's ηλ: descent, and the ball at equal η and at equal η/(1 − β)."""
    fig, ax = plots.grid(width=8, height=3.8)
    places = {"descent": (1.78, 9, "descent"), "equal η": (0.4, 2.3, "ball, equal η"),
              "equal η/(1 − β)": (0.58, 1.1, "ball, equal η/(1 − β)")}
    for name, way in ways.items():
        colour, style = plots.METHOD["descent" if name == "descent" else "momentum"]
        ax.semilogy(steepness, way, color=colour, linewidth=2, linestyle=":" if "/" in name else style)
        x, y, words = places[name]
        ax.annotate(words, (x, y), color=colour, ha="right" if name == "descent" else "left")
    ax.set(xlabel="ηλ of descent", ylabel="distance travelled / first distance", xlim=(0, 2), ylim=(0.8, 60),
           yticks=[1, 3, 10, 30], yticklabels=[1, 3, 10, 30])
    ax.minorticks_off()
    title(ax, "Without noise momentum travels less only where descent swings hard")
    return fig


def scatter(betas, found, formula):
    """The variance of a ball on noisy slopes against β, at equal η and at equal η/(1 − β), with the formula."""
    fig, ax = plots.grid(width=8, height=3.6)
    for (name, values), shape in zip(found.items(), "os", strict=True):
        ax.semilogy(range(len(betas)), formula[name], color="black", linewidth=1)
        ax.semilogy(range(len(betas)), values, shape, color=BALL, markersize=7,
                    markerfacecolor=BALL if shape == "o" else "white")
    ax.semilogy(0, found["equal η"][0], "o", color=plots.METHOD["descent"][0], markersize=9)
    ax.annotate("equal η", (2.5, 0.7), color=BALL, ha="right")
    ax.annotate("equal η/(1 − β)", (2.5, 0.034), color=BALL, ha="right")
    ax.set(xlabel="β; at 0 it is descent", ylabel="variance about the floor", ylim=(0.02, 10), xticks=range(len(betas)))
    ax.set_xticklabels(betas)
    title(ax, "At equal effective rate momentum neither adds noise nor removes it")
    return fig


def dots(needed):
    """Gradients that each rule needs, five dots a rule.

    Parameters
    ----------
    needed : dict
        {name: five counts}.
    """
    fig, ax = plots.grid(width=8, height=2.9)
    for row, (name, counts) in enumerate(needed.items()):
        colour, _ = plots.METHOD.get(name, ("black", "-"))
        ax.plot(counts, np.full(5, row), "o", color=colour, alpha=0.6, markersize=9)
        ax.plot(np.mean(counts), row, "|", color=colour, markersize=24, markeredgewidth=2.5)
    ax.set(xscale="log", xlabel="gradients to a ten-thousandth of the first excess loss", yticks=range(len(needed)),
           xlim=(15, 1500), xticks=[20, 50, 100, 200, 500, 1000])
    ax.set_xticklabels([20, 50, 100, 200, 500, "1,000"])
    ax.set_yticklabels(needed)
    ax.set_ylim(len(needed) - 0.5, -0.5)
    title(ax, "Five starts a rule, each rule at its best η and β; the bar is their mean")
    ax.minorticks_off()
    return fig
