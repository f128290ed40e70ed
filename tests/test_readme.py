"""What the README tells people to type works: its Python, its commands, and its lines for Windows."""

import contextlib
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import sysconfig

import pytest

from tools.notebooks import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.M | re.S)
PYTHON = [code for language, code in BLOCKS if language == "python"]
WINDOWS = [line for _, code in BLOCKS for line in code.splitlines() if line.startswith(("py ", ".venv\\"))]


ELSEWHERE = [code for code in PYTHON if 'address="tls://' in code]
HERE = "\n".join(code for code in PYTHON if code not in ELSEWHERE)


def run(program, folder):
    """Not in a file, as in a notebook: worker processes would import the file."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=folder, env=os.environ | PATH,
                          capture_output=True, encoding="utf-8", timeout=300)
    assert done.returncode == 0, done.stderr


PATH = {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}


def test_every_python_block_runs(tmp_path):
    told = re.search(r"^(network\.accuracy\(.*\)) +# (0\.\d+), on rows it has never seen$", HERE, re.M)
    run("\n".join([
        HERE,
        "assert not set(train) & set(test)",
        f"assert round({told[1]}, 2) == {told[2]}, {told[1]}",
        "assert run.loss[-1] < 0.5 * run.loss[0]",
        "assert long.t[0] == 0 and long.t[-1] == 1000",
    ]), tmp_path)
    assert list((tmp_path / "my-run").iterdir())
    again = next(code for code in PYTHON if "checkpoint=" in code)
    before = HERE[: HERE.index("with gd.distributed.workers")]
    run("\n".join([before, again, "assert long.t[0] == 1000"]), tmp_path)  # it is done, and read from its folder


@pytest.mark.skipif(shutil.which("openssl") is None, reason="NO TEST OF CERTIFICATES: no `openssl` on the PATH")
def test_the_lines_for_a_network_work_in_their_order(tmp_path):
    """As they stand there, but for the machine's name, a port that is free, and a second worker."""
    (block,) = [code for language, code in BLOCKS if language == "bash" and "openssl" in code]
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        here = f"127.0.0.1:{s.getsockname()[1]}"
    openssl = [line for line in block.splitlines() if line.startswith("openssl ")]
    scheduler, worker = [line for line in block.splitlines() if line.startswith("dask ")]
    for line in openssl:
        subprocess.run(shlex.split(line), cwd=tmp_path, check=True, capture_output=True)
    host, port = here.split(":")
    lines = [f"{scheduler} --host {host} --port {port}", *[f"{worker} --host {host}".replace("host:8786", here)] * 2]
    with contextlib.ExitStack() as stack:
        for line in lines:
            command = [sys.executable, "-m", "distributed.cli.dask_" + line.split()[1], *shlex.split(line)[2:]]
            process = subprocess.Popen(command, cwd=tmp_path, env=os.environ | PATH, stderr=subprocess.DEVNULL)
            stack.callback(process.wait, 60)
            stack.callback(process.terminate)
        (code,) = ELSEWHERE
        code = code.replace("host:8786", here).replace("security=security", "security=security, connect_timeout=60")
        body = "    assert [pool.call(k, \"gradient\", start, 1).rank for k in range(2)] == [0, 1]"
        before = HERE[: HERE.index("with gd.distributed.workers")]
        run("\n".join([before, code.replace("    ...", body)]), tmp_path)


def test_the_code_comes_first_then_the_two_commands():
    places = [README.index(text) for text in ("git clone --branch", "/archive/refs/heads/", "make lab\nmake test\n")]
    assert places == sorted(places)
    assert README.index("## Get the code") == README.index("\n## ") + 1


def test_the_lines_for_windows_suit_both_of_its_shells():
    assert len(WINDOWS) == 6
    for line in WINDOWS:
        assert re.match(r"py -3\.1[1-4] -m venv \.venv$|\.venv\\Scripts\\python -m (pip|jupyter|ruff|pytest)\b", line)
        assert not re.search(r"[#;&|$%'\"]|activate", line), line
    named = re.findall(r"\S+\.(?:txt|ipynb)", "\n".join(WINDOWS))
    assert len(named) == 3
    for name in named:
        assert (ROOT / name.replace("\\", "/")).is_file(), name


@pytest.mark.parametrize("package, command, installed_by", [
    ("jupyterlab", "jupyter lab", "requirements.txt"),
    ("pytest", "pytest", "requirements.txt"),
    ("ruff", "ruff check", "requirements-dev.txt"),
])
def test_what_those_lines_call_is_what_they_install(package, command, installed_by):
    assert any(f" -m {command}" in line for line in WINDOWS)
    assert f"\n{package}==" in (ROOT / installed_by).read_text(encoding="utf-8")


def test_a_folder_of_the_length_that_the_readme_allows_fits_on_windows():
    allowed = int(re.search(r"a folder whose path has at most (\d+) characters", README)[1])
    packages = sysconfig.get_path("purelib")
    installed = max(len(os.path.join(folder, name)) for folder, _, names in os.walk(packages) for name in names)
    longest = len(r"\.venv\Lib\site-packages") + installed - len(packages)
    assert allowed + longest < 260
    said = int(re.search(r"takes about (\d+) of them below the course's folder", README)[1])
    assert longest <= said + 5
