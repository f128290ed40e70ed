"""The recipe that Binder's repo2docker writes for this repository, carried out in a virtual environment.

There is no Docker and no conda here. What is translated, and said when it is done:

- the image's conda environment becomes a virtual environment of the same Python, with the packages that repo2docker
  asks for by name, in the versions of its lock file (what these need in turn is the newest that fits);
- ${KERNEL_PYTHON_PREFIX} and ${NB_PYTHON_PREFIX} are that environment, ${REPO_DIR} is a clone of the repository;
- the image's users, locales and system packages are left out.

Every step after the one that copies the repository into the image is run as it is written.
"""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.launch.environments import Environment, run

COPIED = "COPY --chown=0:0 src/ ${REPO_DIR}/"


class Recipe:
    """What `jupyter-repo2docker --no-build --debug` prints for a repository."""

    def __init__(self, repository: Path):
        self.repository = repository
        self.text = run(sys.executable, "-m", "repo2docker", "--no-build", "--debug", ".", cwd=repository)
        version = re.search(r"environment-2epy-2d(\d+)-2e(\d+)-2dlinux-2d64-2elock", self.text)
        self.python = ".".join(version.groups())
        before, after = self.text.split(COPIED)
        assert "pip install" not in before, "the recipe installs packages before it has the repository"
        self.steps = [step.replace("\\\n", "") for step in re.findall(r"^RUN ((?:.*\\\n)*.*)", after, re.M)]

    def base_packages(self) -> list[str]:
        """What the image's environment has by name, in the versions of repo2docker's lock file."""
        folder = Path(find_spec("repo2docker").submodule_search_locations[0]) / "buildpacks" / "conda"
        asked = (folder / f"environment.py-{self.python}.yml").read_text(encoding="utf-8")
        lock = (folder / f"environment.py-{self.python}-linux-64.lock").read_text(encoding="utf-8")
        names = [name for name in re.findall(r"^- ([\w-]+)", asked.split("dependencies:")[1], re.M)
                 if name not in ("python", "nodejs")]
        versions = {name: re.search(rf"/{re.escape(name)}-([\d.]+)-", lock)[1] for name in names}
        return [f"{name.removesuffix('-singleuser')}=={version}" for name, version in versions.items()]

    def carry_out(self, folder: Path) -> Environment:
        """The environment that the recipe's steps lead to."""
        base = self.base_packages()
        print(f"  translated: conda's environment -> venv of Python {self.python} with {', '.join(base)}")
        environment = Environment(folder, self.python, *base)
        prefix = str(environment.folder)
        variables = {"KERNEL_PYTHON_PREFIX": prefix, "NB_PYTHON_PREFIX": prefix, "REPO_DIR": str(self.repository)}
        for step in self.steps:
            run("bash", "-c", step, cwd=self.repository, env=environment.env | variables)
        return environment
