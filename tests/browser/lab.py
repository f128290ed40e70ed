"""JupyterLab and Chromium, started once, away from the checkout and from the home directory's settings."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM_FLAGS = [
    "--no-sandbox",  # Chromium refuses to start as root with its sandbox
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
KERNEL = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"
SETTINGS = {
    # All cells in the page, not only those in view; and no question about news at the start.
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


@contextlib.contextmanager
def jupyterlab(folder: Path):
    """A JupyterLab on a copy of the folder's notebooks: gives its address and token, and ends it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temp:
        temp = Path(temp)
        shutil.copytree(folder, temp / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        for plugin, settings in SETTINGS.items():
            file = temp / "settings" / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(settings))
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        token = secrets.token_hex(16)
        folders = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
        }
        env = os.environ | {name: str(temp / where) for name, where in folders.items()}
        env |= {"JUPYTER_TOKEN": token, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
        command += [f"--port={port}", "--ServerApp.port_retries=0", "--expose-app-in-browser", f"--notebook-dir={temp}"]
        with open(temp / "log", "w+") as log:
            server = subprocess.Popen(command, env=env, cwd=temp, stdout=log, stderr=log)
            try:
                _wait_for(f"http://127.0.0.1:{port}/api?token={token}", server, log)
                yield f"http://127.0.0.1:{port}", token
            finally:
                server.terminate()
                server.wait(timeout=30)


def _wait_for(url, server, log, seconds=60):
    for _ in range(seconds * 5):
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        if server.poll() is not None:
            break
        time.sleep(0.2)
    log.seek(0)
    raise RuntimeError(f"JupyterLab did not start within {seconds} s:\n{log.read()[-3000:]}")


@contextlib.contextmanager
def chromium():
    """The Chromium on the PATH, headless, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def lesson(browser, address: str, token: str, name: str, run=True, width=1280, height=900):
    """A page with the lesson open in JupyterLab, all its cells run; its kernel ends with it."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(60_000)
    try:
        page.goto(f"{address}/lab/tree/notebooks/{name}?reset&token={token}")
        # The indicator says idle before there is a kernel, and cells that run then are lost.
        page.wait_for_function(f"() => {KERNEL}?.status === 'idle' || document.querySelector('.jp-Dialog')")
        if dialog := page.locator(".jp-Dialog").all_inner_texts():
            raise RuntimeError(f"JupyterLab asks instead of opening {name}: {dialog[0]!r}")
        if run:
            command(page, "notebook:run-all-cells")
            page.wait_for_function(f"() => {KERNEL}.status === 'idle'")
        yield page
    finally:
        page.evaluate("window.jupyterapp.serviceManager.sessions.shutdownAll()")  # the next lesson starts its own
        page.close()


def notebook(page):
    """The notebook that is open in JupyterLab, with its outputs."""
    return nbformat.from_dict(page.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.toJSON()"))


def command(page, name: str, seconds=300):
    """Run a command of JupyterLab and wait until it is done."""
    page.evaluate(
        """([name, ms]) => Promise.race([
            window.jupyterapp.commands.execute(name).then(() => {}),
            new Promise((_, fail) => setTimeout(() => fail(new Error(`${name} not done after ${ms / 1000} s`)), ms)),
        ])""",
        [name, 1000 * seconds],
    )
