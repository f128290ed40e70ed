"""The Python, the packages and the variables of Google Colab's CPU machines since August 2026: what tests emulate."""

from tools.notebooks import REPOSITORY, ROOT

PYTHON = "3.13"
# `distributed` is not among them: the set-up cell installs it. pip is, and IPython 7.34 needs setuptools.
PACKAGES = [
    "ipython==7.34.0", "ipykernel==6.17.1", "ipywidgets==7.7.1", "numpy==2.1.3", "matplotlib==3.10.0", "tqdm", "pip",
    "setuptools",
]  # fmt: skip
# gdlib is not among them either: the set-up cell clones it, here from this checkout instead of its public address.
VARIABLES = {
    "COLAB_RELEASE_TAG": "emulated",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": f"url.{ROOT.as_uri()}.insteadOf",
    "GIT_CONFIG_VALUE_0": REPOSITORY,
}
