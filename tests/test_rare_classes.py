"""Lesson 06's problem with rare classes, and its picture."""
import matplotlib.pyplot as plt
import numpy as np
import pytest

import gdlib as gd
from gdlib.lessons.adam import pictures
from gdlib.lessons.adam.rare_classes import by_frequency, rare_classes
from gdlib.plots import METHOD


def draw(**settings):
    return rare_classes(np.random.default_rng(0), **settings)


def test_the_classes_have_the_shares_of_a_power_law_and_at_least_one_row():
    model = draw(n=200_000, d=1, classes=20, tail=1.5)
    share = np.arange(1, 21) ** -1.5
    assert np.bincount(model.y) / 200_000 == pytest.approx(share / share.sum(), rel=0.05)
    assert (np.bincount(draw(n=60, classes=60, tail=5.0).y) == 1).all()


@pytest.mark.parametrize("centre", [0.0, 0.5])
def test_the_inputs_lie_within_a_half_of_their_centre_and_know_nothing_of_the_label(centre):
    model = draw(n=50_000, d=2, classes=3, tail=1.0, centre=centre)
    assert centre - 0.5 <= model.X.min() and model.X.max() < centre + 0.5
    means = [model.X[model.y == k].mean(axis=0) for k in range(3)]
    assert np.abs(np.array(means) - centre).max() < 0.01


def test_fewer_rows_than_classes_are_refused():
    with pytest.raises(ValueError, match="n must be at least the number of classes, 60; got 59. Take more rows."):
        draw(n=59, classes=60)


@pytest.mark.parametrize("tail", [0.0, 1.0, 2.5])
@pytest.mark.parametrize("groups", [1, 2, 3, 10])
def test_groups_divide_the_rows_by_how_frequent_their_class_is(tail, groups):
    y = draw(tail=tail).y
    parts = by_frequency(y, groups)
    assert len(parts) == groups and np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(y)))
    counts = [np.bincount(y)[y[rows]] for rows in parts if len(rows)]
    for often, rarely in zip(counts, counts[1:], strict=False):
        assert often.min() >= rarely.max()
    assert sum(len(np.unique(y[rows])) for rows in parts) == 60  # no class is in two groups
    assert len(parts[0]) and len(parts[-1])


def test_the_picture_shows_the_mean_loss_of_the_most_frequent_and_of_the_rarest_rows():
    models = [draw(n=100, d=3, classes=10, tail=2.5), draw(n=120, d=3, classes=10, tail=1.0)]
    rules = {"momentum": gd.momentum(0.1), "Adam": gd.adam(0.1)}
    races = {name: [(f, gd.run(f, rule, np.zeros(f.dim), 10)) for f in models] for name, rule in rules.items()}
    fig = pictures.by_frequency(races, average=3)
    for ax, part in zip(fig.axes, (0, -1), strict=True):
        for line, (name, walks) in zip(ax.lines, races.items(), strict=True):
            loss = np.mean([f(run.theta, by_frequency(f.y)[part]) for f, run in walks], axis=0)
            assert line.get_color() == METHOD[name][0]
            assert line.get_xdata().tolist() == list(range(1, 10))
            assert line.get_ydata() == pytest.approx([loss[k - 1 : k + 2].mean() for k in range(1, 10)])
    plt.close(fig)
