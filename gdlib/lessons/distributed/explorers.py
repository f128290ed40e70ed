"""Lesson 08: gradients that come late, and whether the walk still arrives."""
import numpy as np

import gdlib as gd
from gdlib.lessons.kit.explorer import Explorer, LogSlider, WholeSlider, counted, marker, number
from gdlib.plots import OKABE_ITO

CURVATURES, START = (1.0, 0.1), (1.0, -1.0)  # of the bowl; and where the walk begins
bowl = gd.quadratic(CURVATURES)
UPDATES, SHOWN = 400, 200
LOW, HIGH = 1e-6, 1e3
BLUE, RED, YELLOW = (OKABE_ITO[c] for c in ("blue", "vermillion", "yellow"))


class stale(Explorer):
    """Workers that don't wait for one another, on a bowl of curvatures 1 and 0.1: does the walk arrive?

    With n workers n(delay + 1) gradients are under way. Each is n(delay + 1) − 1 updates old when it arrives.

    Parameters
    ----------
    workers : int
        How many workers there are; they are equally fast and take turns.
    delay : int
        How many further gradients each has under way while it waits for new parameters.
    lr : float
        η, the learning rate of the server's updates.
    """

    controls = {
        "workers": WholeSlider("workers", 4, 1, 16),
        "delay": WholeSlider("delay", 0, 0, 4),
        "lr": LogSlider("rate", 0.4, 0.01, 10.0, 0.05),
    }

    @staticmethod
    def picture(state):
        under_way = state["workers"] * (state["delay"] + 1)
        tau, lr = under_way - 1, state["lr"]
        path = gd.run(bowl, gd.gradient_descent(lr), START, UPDATES, oracle=gd.delayed(bowl, tau)).theta
        path = np.where(np.isfinite(path), np.clip(path, -1e9, 1e9), 1e9)
        edge = stale_limit(tau, max(CURVATURES))
        factor = max(slowest_root(lr * curvature, tau) for curvature in CURVATURES)
        data = {
            "scene": None,
            "path": path[: SHOWN + 1],
            "distance": np.clip(np.linalg.norm(path[: SHOWN + 1], axis=1), LOW, HIGH),
        }
        words = (
            f"{counted(state['workers'], 'worker')}, {counted(under_way, 'gradient')} under way: each is "
            f"{counted(tau, 'update')} old. Rate × curvature is {number(lr * max(CURVATURES))}, the edge {number(edge)}"
        )
        if lr >= edge:
            by = f"by about {number(factor, 4)}" if factor > 1.001 else "by a little more than 1"
            return data, f"{words}: not stable, each update multiplies the distance {by}."
        swings = slowest_swings(lr, tau)
        how = "swings and arrives" if swings else "glides in"
        return data, f"{words}: stable, it {how}; in the end each update leaves {number(factor, 4)} of the distance."

    @staticmethod
    def draw(fig, scene):
        land, far = fig.add_axes((0.075, 0.155, 0.36, 0.80)), fig.add_axes((0.535, 0.155, 0.44, 0.80))
        x, y = np.meshgrid(np.linspace(-2, 2, 121), np.linspace(-2, 2, 121))
        land.contour(x, y, bowl(np.stack([x, y], -1)), levels=np.geomspace(0.005, 2, 12), colors="0.75", linewidths=0.8)
        land.set(xlim=(-2, 2), ylim=(-2, 2), xticks=range(-2, 3), yticks=range(-2, 3))
        land.set_xlabel("θ₁ (curvature 1)", fontsize=13, labelpad=1)
        land.set_ylabel("θ₂ (curvature 0.1)", fontsize=13, labelpad=-4)
        far.axhline(np.linalg.norm(START), color="0.45", linestyle=":", linewidth=1.2)
        far.annotate("as far as at the start", (SHOWN, 1.9), ha="right", fontsize=12, color="0.3")
        far.set(xlim=(-3, SHOWN + 3), ylim=(LOW / 2, 2 * HIGH), yscale="log")
        far.set_xlabel("update", fontsize=13)
        far.set_ylabel("distance from the lowest point", fontsize=13)
        far.grid(color="0.9")
        for ax in (land, far):
            ax.tick_params(labelsize=12)
        artists = {
            "path": land.plot([], [], "-", color=RED, linewidth=1.4, marker="o", markersize=3.5)[0],
            "start": marker(land, "s", 10, "white", "start"),
            "end": marker(land, "*", 18, YELLOW, "after 200 updates"),
            "distance": far.plot([], [], color=BLUE, linewidth=2.5)[0],
        }
        land.legend(handles=[artists["start"], artists["end"]], loc="upper right", fontsize=11, framealpha=1)
        return artists

    @staticmethod
    def update(artists, data):
        path = data["path"]
        artists["path"].set_data(*path.T)
        artists["start"].set_data(*path[:1].T)
        end = path[-1]
        inside = bool((np.abs(end) <= 2).all())
        artists["end"].set_data([end[0]] if inside else [], [end[1]] if inside else [])
        artists["distance"].set_data(np.arange(len(path)), data["distance"])


def stale_limit(tau, curvature):
    """The largest stable learning rate on a bowl where each gradient is tau updates old: 2 sin(π/(2(2τ + 1)))/λ."""
    return 2 * np.sin(np.pi / (2 * (2 * tau + 1))) / curvature


def stale_roots(rate_times_curvature, tau):
    """The roots of z^(τ+1) − z^τ + ηλ: the factors with which a walk on gradients τ updates old may go."""
    polynomial = np.zeros(tau + 2)
    polynomial[0], polynomial[1] = 1.0, -1.0
    polynomial[-1] += rate_times_curvature
    return np.roots(polynomial)


def slowest_root(rate_times_curvature, tau):
    """The largest factor in size: what each update leaves of the distance, in the long run."""
    return float(np.abs(stale_roots(rate_times_curvature, tau)).max())


def slowest_swings(lr, tau):
    """Whether the slowest direction swings: its largest factor is complex or negative."""
    found = np.concatenate([stale_roots(lr * curvature, tau) for curvature in CURVATURES])
    slowest = found[np.abs(found).argmax()]
    return bool(abs(slowest.imag) > 1e-6 * abs(slowest) or slowest.real < 0)
