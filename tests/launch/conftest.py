"""One clone of HEAD for all of these tests, and their lines shown as they run."""

import pytest

from tests.launch.environments import clone


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """A clone of HEAD: nothing that is ignored or not committed."""
    return clone(tmp_path_factory.mktemp("clone") / "course")
