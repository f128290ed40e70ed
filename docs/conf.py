"""The course as a site, by Sphinx: `make site`. Nothing on it is fetched from another host."""
import html
import json
import re
import shutil
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from docutils.nodes import SkipNode  # noqa: E402
from docutils.utils.math import MathError, latex2mathml  # noqa: E402
from sphinx.util import logging  # noqa: E402

project = "Gradient descent, measured"
author = copyright = "The gdlib authors"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ADDRESS = PYPROJECT["project"]["urls"]["Repository"]

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
include_patterns = ["docs/*.md", "notebooks/*.ipynb", "notebooks/trials/*.ipynb", "instructor/*.md", "CLAIMS.md",
                    "CONTRIBUTING.md", "data/trials/README.md"]
root_doc = "docs/index"
suppress_warnings = [
    "myst.xref_missing", "myst.header",  # links to files that are no pages, and headings that GitHub allows
    "mystnb.unknown_mime_type",
]

nb_execution_mode = "off"  # what is stored is shown: the tests ran it
nb_merge_streams = True
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
napoleon_google_docstring = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say it in words

html_title = project
html_theme = "furo"
html_theme_options = {"source_repository": ADDRESS, "source_branch": PYPROJECT["tool"]["course"]["branch"],
                      "source_directory": ""}
html_favicon = "icon.svg"
html_static_path = ["site.css"]
html_extra_path = ["root"]  # the site's address leads to the first page
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False


# --- notebooks --------------------------------------------------------------------------------------------------------


def readied(text):
    """A notebook as the site shows it: its set-up cell is folded, and its badges are words without pictures."""
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if "set-up" in cell["metadata"].get("tags", []):
            cell["metadata"]["tags"] = ["set-up", "hide-input"]
        if cell["cell_type"] == "markdown":
            cell["source"] = re.sub(r"\[!\[([^\]]*)\]\(https?:[^)]*\)\]", r"[\1]", source)
    notebook["metadata"].setdefault("language_info", {"name": "python"})["pygments_lexer"] = "ipython3"
    return json.dumps(notebook)


def read(app, docname, source):
    """Sphinx hands every page over before it parses it."""
    if Path(app.env.doc2path(docname)).suffix == ".ipynb":
        source[0] = readied(source[0])


def linked(app, pagename, templatename, context, doctree):
    """Links that stand in HTML, as in the boxes of verdicts, lead to the site's pages."""
    if "body" in context:
        context["body"] = re.sub(r'href="(?!\w+:)([^"#]+)\.(?:ipynb|md)(?=["#])', r'href="\1.html', context["body"])


def with_pictures(app, error):
    """Pictures that stand in HTML, as in the ledger, come along."""
    shutil.copytree(ROOT / "pictures", Path(app.outdir) / "pictures", dirs_exist_ok=True)


# --- formulas ---------------------------------------------------------------------------------------------------------


def mathml(node, as_block):
    """A formula as MathML, which browsers draw and screen readers read."""
    tex = re.sub(r"\\([dt]?frac)(\d)(\d?)", braced, node.astext())
    try:
        return str(latex2mathml.tex2mathml(tex, as_block=as_block))
    except MathError as error:
        logging.getLogger(__name__).warning(f"this formula cannot become MathML: {error}", location=node)
        return f"<code>{html.escape(node.astext())}</code>"


def braced(fraction):
    r"""In TeX \frac12 is a half; docutils would read twelve over what follows."""
    name, above, below = fraction.groups()
    return rf"\{name}{{{above}}}" + (f"{{{below}}}" if below else "")


def inline(translator, node):
    """A formula within a line."""
    translator.body.append(mathml(node, as_block=False))
    raise SkipNode


def block(translator, node):
    """A formula that stands alone."""
    translator.body.append(f'<div class="math">{mathml(node, as_block=True)}</div>')
    raise SkipNode


def setup(app):
    """What Sphinx calls first."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.connect("source-read", read)
    app.connect("html-page-context", linked)
    app.connect("build-finished", with_pictures)
