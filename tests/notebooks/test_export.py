"""The stored lessons as others show them: printed by way of LaTeX, and in viewers that trust no notebook's HTML."""

import base64
import re

import pytest
from nbconvert import HTMLExporter, LatexExporter
from traitlets.config import Config

from tools.notebooks import lessons, load


@pytest.fixture(scope="module", params=lessons(), ids=lambda path: path.stem)
def outputs(request):
    """A lesson without its prose and its code: what is left are the outputs."""
    nb = load(request.param)
    nb.cells = [cell for cell in nb.cells if cell.cell_type == "code"]
    for cell in nb.cells:
        cell.source = ""
    return nb


def pictures(nb):
    """The PNG files that the outputs' HTML shows, in their order, in base64."""
    pages = [out.data.get("text/html", "") for cell in nb.cells for out in cell.outputs if "data" in out]
    return [source for page in pages for source in re.findall(r"data:image/png;base64,([^\"]+)", page)]


def test_latex_keeps_every_picture(outputs):
    exporter = LatexExporter()
    exporter.register_filter("convert_pandoc", lambda text, *_: text)  # a table as Markdown: as it is, without pandoc
    body, resources = exporter.from_notebook_node(outputs)
    included = re.findall(r"\{([^{}]+\.png)\}", body)
    expected = [base64.b64decode(source) for source in pictures(outputs)]
    assert expected and [resources["outputs"][name] for name in included] == expected


def test_a_viewer_that_trusts_no_html_shows_every_picture(outputs):
    """As VS Code does in a folder that is not trusted."""
    order = HTMLExporter().default_config.NbConvertBase.display_data_priority
    trusted = [kind for kind in order if kind.startswith("image/") or kind == "text/plain"]
    config = Config({"NbConvertBase": {"display_data_priority": trusted}})
    body, _ = HTMLExporter(config=config).from_notebook_node(outputs)
    shown = re.findall(r"<img[^>]*src=\"data:image/png;base64,\s*([^\"]+?)\s*\"", body)
    assert shown and shown == pictures(outputs)
