"""Films: figures that move without a kernel, a widget or JavaScript, made from what was already computed."""
import base64
import html
import io
from collections.abc import Callable, Iterable

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

from gdlib.display import emit

MOST, DPI = 60, 100  # frames; 1 inch is shown as 100 pixels
STEP, HOLD = 70, 2500  # milliseconds that a frame lasts, and the last one, which is held


def film(fig, draw: Callable, frames: Iterable, alt: str) -> None:
    """Show a figure that moves, and close it.

    The film leaves as a GIF, and its last frame beside it as PNG, for PDF, for viewers that trust no notebook, and for
    readers who asked their system for less motion. It can be closed, so that nobody has to look at it while reading.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        With everything in it that stands still.
    draw : callable
        frame -> None; moves the artists in `fig`. It is quick where these were made with `animated=True`, as then the
        rest is drawn only once.
    frames : iterable
        What `draw` is called with, 2 to 60 of them; each is shown for 70 ms, the last for 2.5 s.
    alt : str
        What happens, and what is to be seen at the end, in a sentence or two, for a reader who doesn't see it.

    Raises
    ------
    ValueError
        There are too few or too many frames, or `alt` says less than a short sentence.
    """
    frames = list(frames)
    if not 2 <= len(frames) <= MOST:
        raise ValueError(f"frames must be 2 to {MOST} states; got {len(frames)}. Take every k-th, as in frames[::k].")
    if not isinstance(alt, str) or len(alt.split()) < 5:
        raise ValueError(f"alt must say in a sentence what is to be seen; got {alt!r}. Tell what happens.")
    width, height = (round(inches * 100) for inches in fig.get_size_inches())
    moving, still = (base64.b64encode(data).decode() for data in drawn(fig, draw, frames))
    plt.close(fig)
    size = f'width="{width}" height="{height}" style="max-width:100%;height:auto"'
    picture = (
        f'<picture><source media="(prefers-reduced-motion: reduce)" srcset="data:image/png;base64,{still}">'
        f'<img alt="{html.escape(alt)}" {size} src="data:image/gif;base64,{moving}"></picture>'
    )
    film = f"<details open><summary>Film (close it to stop it)</summary>{picture}</details>"
    emit({"text/html": film, "image/png": still, "text/plain": alt})


def drawn(fig, draw: Callable, frames: Iterable) -> tuple[bytes, bytes]:
    """The film as the bytes of a GIF that begins again after its end, and its last frame as those of a PNG."""
    from PIL import Image

    pictures = list(_pictures(fig, draw, frames))
    own = {to_rgb(artist.get_color()) for artist in _moving(fig) if hasattr(artist, "get_color")}
    palette = _palette(pictures[:: max(1, len(pictures) // 3)] + pictures[-1:], own | {(1, 1, 1)})
    first, *others = (picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures)
    moving, still = io.BytesIO(), io.BytesIO()
    times = [STEP] * len(others) + [HOLD]
    first.save(moving, "GIF", save_all=True, append_images=others, duration=times, loop=0, optimize=True, disposal=1)
    others[-1].save(still, "PNG", optimize=True)
    return moving.getvalue(), still.getvalue()


def _palette(pictures, own):
    """So few colours that a film stays small: 90 of what fills the pictures, 29 of what is rare, and `own`, exactly."""
    from PIL import Image

    width, height = pictures[0].size
    picture = Image.new("RGB", (width, height * len(pictures)))
    for row, each in enumerate(pictures):
        picture.paste(each, (0, height * row))
    most = picture.quantize(90, method=Image.Quantize.MEDIANCUT).getpalette()[: 3 * 90]
    rare = picture.quantize(29, method=Image.Quantize.MAXCOVERAGE).getpalette()[: 3 * 29]
    colours = [colour for colour in zip(*[iter(most + rare)] * 3, strict=True) if min(colour) < 240]
    palette = Image.new("P", (1, 1))
    palette.putpalette([round(255 * value) for colour in sorted(own) for value in colour] + np.ravel(colours).tolist())
    return palette


def _pictures(fig, draw, frames):
    """The figure at each frame. What was made with `animated=True` is drawn anew, the rest only if `draw` moved it."""
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
    """What was made with `animated=True`, in the order in which it is drawn."""
    return sorted(fig.findobj(lambda artist: artist.get_animated()), key=lambda artist: artist.get_zorder())
