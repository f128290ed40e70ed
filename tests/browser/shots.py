"""Photographs of a lesson, run in JupyterLab, from its first cell to its last: to be looked at.

    python -m tests.browser.shots notebooks/01_gradients.ipynb /tmp/01.png     # /tmp/01-1.png, /tmp/01-2.png …
"""

import sys
from pathlib import Path

from tests.browser.lab import chromium, command, jupyterlab, lesson

PIECE = 1600  # pixels: a photograph that can still be read


def shoot(notebook: Path, out: Path, width=1280):
    """Photograph the notebook after Run All Cells in pieces of equal height; gives the files' names."""
    with jupyterlab(notebook.parent) as (address, token), chromium() as browser:
        with lesson(browser, address, token, notebook.name, width=width) as page:
            command(page, "application:toggle-left-area")
            panel = page.locator(".jp-WindowedPanel-outer").first
            # The notebook's own height, without the blank that lets its end be scrolled to the top.
            total = panel.locator(".jp-WindowedPanel-viewport").evaluate("e => Math.ceil(e.offsetHeight)")
            page.set_viewport_size({"width": width, "height": total + 120})
            page.wait_for_timeout(1000)
            panel.evaluate("e => { e.scrollTop = 0; }")
            page.wait_for_timeout(500)
            files, box = [], panel.bounding_box()
            for i, top in enumerate(range(0, total, PIECE), 1):
                files.append(out.with_stem(f"{out.stem}-{i}"))
                clip = box | {"y": box["y"] + top, "height": min(PIECE, total - top)}
                page.screenshot(path=files[-1], clip=clip, full_page=True)
    return files


if __name__ == "__main__":
    print(*shoot(Path(sys.argv[1]).resolve(), Path(sys.argv[2])), sep="\n")
