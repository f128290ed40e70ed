import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from gdlib import plots


@pytest.fixture
def shown(monkeypatch):
    bundles = []
    monkeypatch.setattr(plots, "emit", bundles.append)
    return bundles


def test_show_emits_an_image_with_its_description_and_closes_the_figure(shown):
    fig, ax = plots.grid()
    ax.plot([0, 1], [1, 0])
    plots.show(fig, alt='A line that falls from "1" to 0 <quickly>.')
    (bundle,) = shown
    assert bundle["text/plain"] == 'A line that falls from "1" to 0 <quickly>.'
    assert 'alt="A line that falls from &quot;1&quot; to 0 &lt;quickly&gt;."' in bundle["text/html"]
    assert not plt.get_fignums()


def test_show_emits_the_same_picture_as_png_for_who_drops_html(shown):
    fig, ax = plots.grid(width=9, height=3)
    ax.plot([0, 1], [1, 0])
    plots.show(fig, alt="A line that falls from 1 to 0.")
    (bundle,) = shown
    assert re.findall(r'src="data:image/png;base64,([^"]+)"', bundle["text/html"]) == [bundle["image/png"]]
    assert Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).size == (1350, 450)


def test_outside_a_notebook_a_figure_is_its_description(capsys):
    fig, _ = plots.grid()
    plots.show(fig, alt="A grid with nothing in it.")
    assert capsys.readouterr().out == "A grid with nothing in it.\n"
    assert not plt.get_fignums()


@pytest.mark.parametrize("alt", ["", "A plot.", None])
def test_show_demands_a_description(alt):
    fig, _ = plots.grid()
    with pytest.raises(ValueError, match="alt must be a sentence that says what is seen; got"):
        plots.show(fig, alt=alt)
    plt.close(fig)


def test_the_same_figure_gives_the_same_bytes():
    def draw():
        fig, ax = plots.grid(2)
        plots.lines(ax[0], np.arange(5), {"a": np.arange(5), "b": np.arange(5) ** 2})
        plots.contours(ax[1], np.arange(4), np.arange(3), np.arange(12.0).reshape(3, 4))
        plots.path(ax[1], np.array([[0.0, 0.0], [1.0, 1.0]]))
        content = plots.png(fig)
        plt.close(fig)
        return content

    assert draw() == draw()


def test_things_in_a_picture_differ_by_more_than_colour():
    colours, styles, markers = zip(*plots.CYCLE, strict=True)
    for cue in (colours, map(str, styles), markers):
        assert len(set(cue)) == len(plots.CYCLE)


def test_drawing_sets_no_global_state():
    before = dict(plt.rcParams)
    fig, _ = plots.grid(2)
    plt.close(fig)
    assert dict(plt.rcParams) == before


@pytest.mark.parametrize("projection", [None, "3d"])
def test_the_ground_has_its_height_lines_and_lies_under_the_path(projection):
    fig = plt.figure()
    ax = fig.add_subplot(projection=projection)
    x = np.linspace(-1, 1, 20)
    assert plots.ground(ax, lambda p: p[..., 0] ** 2 + 3 * p[..., 1], x, 2 * x, levels=[0.5, 1.0]) is ax
    limits = ax.get_xlim3d() + ax.get_ylim3d() if projection else ax.get_xlim() + ax.get_ylim()
    assert np.allclose(limits, [-1, 1, -2, 2], atol=0.3)
    fig.canvas.draw()
    plt.close(fig)


def test_every_method_stands_out_from_the_ground_or_from_the_white_rim_of_its_path():
    """Contrasts are WCAG's: 2 with white for all, 2.5 with the ground for the three commonest."""

    def luminance(colour):
        rgb = np.array(to_rgb(colour))
        return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]

    middle = luminance(plots.GROUND(0.5))
    assert middle > 0.6
    for name, (colour, _) in plots.METHOD.items():
        assert 1.05 / (luminance(colour) + 0.05) >= 2, name
    strong = [name for name, (colour, _) in plots.METHOD.items() if (middle + 0.05) / (luminance(colour) + 0.05) >= 2.5]
    assert {"descent", "momentum", "Adam"} <= set(strong)


def test_no_two_methods_share_a_colour_or_a_style():
    assert len({colour for colour, _ in plots.METHOD.values()}) == len(plots.METHOD)
    assert len({style for _, style in plots.METHOD.values()}) == len(plots.METHOD)


@pytest.mark.parametrize("projection", [None, "3d"])
def test_hikers_show_their_paths_up_to_a_step(projection):
    fig = plt.figure()
    ax = fig.add_subplot(projection=projection)
    paths = {"descent": np.array([[0.0, 0], [1, 1], [2, 0]]), "mine": np.array([[0.0, 0], [0, 2]])}
    draw = plots.hikers(ax, paths, height=(lambda p: p.sum(axis=-1)) if projection else None)
    for k in (0, 1, 9):
        draw(k)
        lines = {line.get_label(): line for line in ax.lines}
        for name, path in paths.items():
            shown = np.array(lines[name].get_data_3d() if projection else lines[name].get_data())
            assert np.array_equal(shown[:2].T, path[: k + 1])
    assert lines["descent"].get_color() == plots.METHOD["descent"][0]
    fig.canvas.draw()
    plt.close(fig)


@pytest.mark.parametrize("projection", [None, "3d"])
def test_start_and_lowest_point_have_marks_of_their_own(projection):
    fig = plt.figure()
    ax = fig.add_subplot(projection=projection)
    height = (lambda p: p.sum(axis=-1)) if projection else None
    assert plots.marks(ax, start=(1, 2), lowest=(3, 4), height=height) is ax
    places = [np.ravel(line.get_data_3d() if projection else line.get_data()).tolist() for line in ax.lines]
    assert places == ([[1, 2, 3], [3, 4, 7]] if projection else [[1, 2], [3, 4]])
    assert [line.get_marker() for line in ax.lines] == ["o", "X"]
    assert [line.get_markerfacecolor() for line in ax.lines] == ["white", "black"]
    plots.marks(ax, lowest=(0, 0), height=height)
    assert len(ax.lines) == 3
    plt.close(fig)
