"""Films: a GIF with its description, its last frame for PDF and for who wants less motion, within its budgets."""
import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from gdlib import film, plots

ALT = "A blue ball rolls from the left edge of the picture to the right."


@pytest.fixture
def shown(monkeypatch):
    bundles = []
    monkeypatch.setattr(film, "emit", bundles.append)
    return bundles


def rolling(frames=5):
    """A ball that rolls to the right, its picture and its frames."""
    fig, ax = plots.grid(width=4, height=3)
    (ball,) = ax.plot([], [], "o", color=plots.BLUE, markersize=30)
    ax.set(xlim=(0, 1), ylim=(0, 1))
    return fig, lambda x: ball.set_data([x], [0.5]), np.linspace(0.1, 0.9, frames)


def images(bundle):
    """The GIF and the still of a bundle."""
    moving = re.search(r'src="data:image/gif;base64,([^"]+)"', bundle["text/html"])[1]
    still = re.search(r'srcset="data:image/png;base64,([^"]+)"', bundle["text/html"])[1]
    assert still == bundle["image/png"]
    return [Image.open(io.BytesIO(base64.b64decode(data))) for data in (moving, still)]


def pixels(image, frame=0):
    image.seek(frame)
    return np.asarray(image.convert("RGB")).astype(int)


def test_it_moves_and_ends_where_its_last_frame_is(shown):
    film.film(*rolling(), ALT)
    moving, still = images(*shown)
    assert moving.n_frames == 5 and moving.size == still.size == (400, 300)
    where = [np.flatnonzero((pixels(moving, k) * [-1, 0, 1]).sum(axis=-1).max(axis=0) > 100).mean() for k in range(5)]
    assert np.all(np.diff(where) > 20)
    assert np.array_equal(pixels(moving, 4), pixels(still))


def test_the_last_frame_is_held_and_it_begins_again(shown):
    film.film(*rolling(), ALT)
    moving, _ = images(*shown)
    assert moving.info["loop"] == 0
    times = [moving.seek(k) or moving.info["duration"] for k in range(5)]
    assert times[-1] > 20 * times[0]


def test_colours_are_kept_and_white_is_white(shown):
    film.film(*rolling(), ALT)
    moving, _ = images(*shown)
    seen = pixels(moving, 2)
    blue = np.array([int(plots.BLUE[i : i + 2], 16) for i in (1, 3, 5)])
    assert np.abs(seen[150, 200] - blue).max() <= 6
    assert (seen[0, 0] == 255).all()


def test_what_moves_keeps_its_own_colour_exactly_however_small_it_is(shown):
    fig, draw, frames = rolling()
    (ball,) = fig.axes[0].lines
    ball.set(animated=True, markersize=6)
    fig.axes[0].imshow(np.random.default_rng(0).random((60, 80)), cmap="winter", extent=(0, 1, 0, 1), aspect="auto")
    film.film(fig, draw, frames, ALT)
    moving, _ = images(*shown)
    blue = [int(plots.BLUE[i : i + 2], 16) for i in (1, 3, 5)]
    assert (pixels(moving, 2) == blue).all(axis=-1).sum() > 10


def test_a_colour_that_only_the_first_frames_have_is_kept(shown):
    fig, ax = plots.grid(width=4, height=3)
    ax.axis("off")
    block = ax.axvspan(0, 1, color="#a9cfe8")
    film.film(fig, lambda k: block.set_facecolor("#a9cfe8" if k < 5 else "#7fc8a9"), range(10), ALT)
    moving, _ = images(*shown)
    for k, wanted in [(0, (0xA9, 0xCF, 0xE8)), (1, (0x7F, 0xC8, 0xA9))]:  # frames that are alike are one
        assert np.abs(pixels(moving, k)[150, 200] - wanted).max() <= 6


def test_what_stands_still_is_drawn_once_and_the_film_is_the_same():
    """With `animated=True` on the ball the axes below it are drawn for the first frame only."""
    films, counts = {}, {}
    for animated in (False, True):
        fig, draw, frames = rolling()
        ax, times = fig.axes[0], []
        ax.lines[0].set_animated(animated)
        patch = ax.patch
        original = patch.draw
        patch.draw = lambda renderer, times=times, original=original: times.append(1) or original(renderer)
        films[animated], counts[animated] = [p.tobytes() for p in film._pictures(fig, draw, frames)], len(times)
        plt.close(fig)
    assert counts[True] == 1 and counts[False] >= 5
    assert films[True] == films[False] and len(set(films[True])) == 5


def test_a_title_that_changes_is_drawn_anew_though_the_ball_is_animated(shown):
    fig, draw, frames = rolling(3)
    fig.axes[0].lines[0].set_animated(True)

    def with_title(x):
        draw(x)
        fig.axes[0].set_title("" if x < 0.3 else "It rolls.")

    film.film(fig, with_title, frames, ALT)
    moving, _ = images(*shown)
    dark = [int((pixels(moving, k)[:40].sum(axis=-1) < 200).sum()) for k in range(3)]
    assert dark[0] < dark[1] == dark[2]


def test_it_is_described_can_be_closed_and_stands_still_for_who_asked_for_that(shown):
    film.film(*rolling(), ALT)
    (bundle,) = shown
    assert bundle["text/plain"] == ALT and f'alt="{ALT}"' in bundle["text/html"]
    assert bundle["text/html"].startswith("<details open><summary>")
    assert '<source media="(prefers-reduced-motion: reduce)"' in bundle["text/html"]
    assert not plt.get_fignums()


@pytest.mark.parametrize("frames", [0, 1, 61])
def test_too_few_or_too_many_frames_are_refused_before_any_is_drawn(shown, frames):
    fig, _, states = rolling(frames)
    with pytest.raises(ValueError, match=f"frames must be 2 to 60 states; got {frames}"):
        film.film(fig, None, states, ALT)
    plt.close(fig)


@pytest.mark.parametrize("alt", ["", "a film", None])
def test_a_film_needs_its_description(shown, alt):
    fig, draw, frames = rolling()
    with pytest.raises(ValueError, match="alt must be a sentence that says what is seen; got"):
        film.film(fig, draw, frames, alt)
    plt.close(fig)
