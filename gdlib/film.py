"""Films: figures that move without a kernel, a widget or JavaScript, made from results."""
import base64
import html
import io
from collections.abc import Callable, Iterable

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from gdlib.display import emit

MOST, DPI = 60, 100  # frames; 1 inch is shown as 100 pixels
STEP, HOLD = 70, 2500  # milliseconds that a frame lasts, and the last one, which is held


def film(fig: Figure, draw: Callable, frames: Iterable, alt: str) -> None:
    """Show a figure that moves, and close it.

    The film is stored as a GIF, and its last frame as a PNG: for PDF, for viewers that do not trust the notebook, and
    for readers who asked their system for less motion. The reader can close it.

    Parameters
    ----------
    fig : Figure
        Figure with everything that stands still.
    draw : callable
        Function frame -> None that moves the artists in `fig`. Make these with `animated=True`: then the rest is drawn
        only once.
    frames : iterable
        Arguments of `draw`, 2 to 60 of them; each is shown for 70 ms, the last for 2.5 s.
    alt : str
        What happens and what is *seen* at the end, in a sentence or two, for a reader who cannot see it.

    Raises
    ------
    ValueError
        There are too few or too many frames, or `alt` is shorter than a sentence.
    """
    frames = list(frames)
    if not 2 <= len(frames) <= MOST:
        raise ValueError(f"frames must be 2 to {MOST} states; got {len(frames)}. Take every k-th, as in frames[::k].")
    if not isinstance(alt, str) or len(alt.split()) < 5:
        raise ValueError(f"alt must be a sentence that says what is seen; got {alt!r}. Tell what happens.")
    width, height = (round(inches * 100) for inches in fig.get_size_inches())
    moving, still = (base64.b64encode(data).decode() for data in drawn(fig, draw, frames))
    plt.close(fig)
    emit({"text/html": as_html(moving, still, width, height, alt), "image/png": still, "text/plain": alt})


def as_html(moving: str, still: str, width: int, height: int, alt: str) -> str:
    """Write a film as HTML that can be closed, and that stands still for readers who asked for less motion.

    Parameters
    ----------
    moving, still : str
        The GIF and the PNG, in base64.
    width, height : int
        Size in pixels.
    alt : str
        Description.
    """
    size = f'width="{width}" height="{height}" style="max-width:100%;height:auto"'
    picture = (
        f'<picture><source media="(prefers-reduced-motion: reduce)" srcset="data:image/png;base64,{still}">'
        f'<img alt="{html.escape(alt)}" {size} src="data:image/gif;base64,{moving}"></picture>'
    )
    return f"<details open><summary>Film (close it to stop it)</summary>{picture}</details>"


def drawn(fig: Figure, draw: Callable, frames: Iterable) -> tuple[bytes, bytes]:
    """Encode a film as a GIF that starts over after its end, and its last frame as a PNG.

    Parameters
    ----------
    fig : Figure
        Figure with everything that stands still.
    draw : callable
        Function frame -> None that moves the artists in `fig`.
    frames : iterable
        Arguments of `draw`.

    Returns
    -------
    moving : bytes
        The GIF.
    still : bytes
        The PNG.
    """
    pictures = list(_pictures(fig, draw, frames))
    return encoded(pictures, {to_rgb(artist.get_color()) for artist in _moving(fig) if hasattr(artist, "get_color")})


def encoded(pictures: list, own: set) -> tuple[bytes, bytes]:
    """Encode pictures as a GIF that starts over after its end, and the last one as a PNG.

    Parameters
    ----------
    pictures : list of PIL.Image.Image
        The frames.
    own : set of tuple of float
        Colours (red, green, blue) that are kept exactly.

    Returns
    -------
    moving : bytes
        The GIF.
    still : bytes
        The PNG.
    """
    from PIL import Image

    chosen = palette(pictures[:: max(1, len(pictures) // 3)] + pictures[-1:], own | {(1, 1, 1)})
    first, *others = (picture.quantize(palette=chosen, dither=Image.Dither.NONE) for picture in pictures)
    moving, still = io.BytesIO(), io.BytesIO()
    times = [STEP] * len(others) + [HOLD]
    first.save(moving, "GIF", save_all=True, append_images=others, duration=times, loop=0, optimize=True, disposal=1)
    others[-1].save(still, "PNG", optimize=True)
    return moving.getvalue(), still.getvalue()


def palette(pictures: list, own: set) -> object:
    """Choose few colours, so that a file stays small: 90 that fill the pictures, 29 rare ones, and `own`, exactly.

    Parameters
    ----------
    pictures : list of PIL.Image.Image
        What they are for, all of one size.
    own : set of tuple of float
        Colours (red, green, blue) that are kept exactly.

    Returns
    -------
    PIL.Image.Image
        An image that carries them, for `quantize`.
    """
    from PIL import Image

    width, height = pictures[0].size
    picture = Image.new("RGB", (width, height * len(pictures)))
    for row, each in enumerate(pictures):
        picture.paste(each, (0, height * row))
    most = picture.quantize(90, method=Image.Quantize.MEDIANCUT).getpalette()[: 3 * 90]
    rare = picture.quantize(29, method=Image.Quantize.MAXCOVERAGE).getpalette()[: 3 * 29]
    colours = [colour for colour in zip(*[iter(most + rare)] * 3, strict=True) if min(colour) < 246]
    carrier = Image.new("P", (1, 1))
    carrier.putpalette([round(255 * value) for colour in sorted(own) for value in colour] + np.ravel(colours).tolist())
    return carrier


def _pictures(fig, draw, frames):
    """Yield the figure at each frame. Animated artists are drawn anew, the rest only where `draw` changed it."""
    from PIL import Image

    canvas, still = FigureCanvasAgg(fig), None
    fig.set(dpi=DPI, facecolor="white")
    moving = _moving(fig)
    for frame in frames:
        draw(frame)
        if fig.stale or still is None:
            canvas.draw()
            fig.set_layout_engine("none")  # laid out once, so that nothing jumps
            still, fig.stale = canvas.copy_from_bbox(fig.bbox), False
        canvas.restore_region(still)
        for artist in moving:
            artist.draw(canvas.get_renderer())
        yield Image.fromarray(np.array(canvas.buffer_rgba())).convert("RGB")


def _moving(fig):
    """Find the artists made with `animated=True`, in the order in which they are drawn."""
    return sorted(fig.findobj(lambda artist: artist.get_animated()), key=lambda artist: artist.get_zorder())
