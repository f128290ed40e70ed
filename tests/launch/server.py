"""A Jupyter server, and lessons that are run through its API as a browser would run them; how much memory it takes."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import threading
import time
import uuid
from pathlib import Path

import psutil
import requests
import websocket

from tools.notebooks import load

MINUTES = 60
# After a lesson's set-up cell: does a worker process find the same gdlib?
ASK_A_WORKER = """
class Worker:
    def __init__(self, rank): pass
    def which(self): return __import__("gdlib").__file__

with gd.distributed.workers(Worker, n=1) as pool:
    print(pool.first([pool.call(0, "which")], timeout=60)[1] == gd.__file__)
"""


class Server:
    """JupyterLab as BinderHub starts it: a token, a base address of its own, from the repository's folder."""

    def __init__(self, jupyter_lab: Path, folder: Path, env: dict):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.folder = folder
        self.token, base = secrets.token_hex(16), "/user/somebody/"
        self.address = f"127.0.0.1:{port}{base}"
        command = [str(jupyter_lab), "--ip=127.0.0.1", f"--port={port}", "--no-browser", "--allow-root"]
        command += [f"--ServerApp.base_url={base}", "--ServerApp.port_retries=0"]
        self.log = (folder / ".jupyter-server-log.txt").open("w+")
        env = env | {"JUPYTER_TOKEN": self.token, "HOME": str(folder)}
        self.process = subprocess.Popen(command, cwd=folder, env=env, stdout=self.log, stderr=self.log)
        self.peak, self.stopped = 0, threading.Event()
        self.watch = threading.Thread(target=self._watch_memory)

    def __enter__(self):
        deadline = time.monotonic() + 2 * MINUTES
        while True:
            try:
                self.ask("GET", "api/status")
                break
            except requests.RequestException:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.log.seek(0)
                    raise RuntimeError(f"the server did not start:\n{self.log.read()[-3000:]}") from None
                time.sleep(0.2)
        self.watch.start()
        return self

    def __exit__(self, *exception):
        self.stopped.set()
        self.watch.join()
        self.process.terminate()
        self.process.wait(timeout=30)
        self.log.close()

    def ask(self, method: str, what: str, **data):
        """The answer of the REST API."""
        headers = {"Authorization": f"token {self.token}"}
        with requests.request(method, f"http://{self.address}{what}", headers=headers, json=data, timeout=60) as answer:
            answer.raise_for_status()
            return answer.json() if answer.content else None

    def lesson(self, path: str, kernel: str = "python3", cells=None) -> list[dict]:
        """Run a lesson's code cells, or the first few; every output in its order."""
        return self.run(self.cells(path)[:cells], path, kernel)

    def cells(self, path: str) -> list[str]:
        return [cell.source for cell in load(self.folder / path).cells if cell.cell_type == "code"]

    def run(self, sources: list[str], path: str, kernel: str = "python3") -> list[dict]:
        """The outputs of these cells in a new kernel, as if they stood in the notebook at the path."""
        session = self.ask("POST", "api/sessions", path=path, name="", type="notebook", kernel={"name": kernel})
        url = f"ws://{self.address}api/kernels/{session['kernel']['id']}/channels"
        socket = websocket.create_connection(url, header=[f"Authorization: token {self.token}"], timeout=10 * MINUTES)
        start, outputs = time.monotonic(), []
        for source in sources:
            outputs += execute(socket, source)
        socket.close()
        self.ask("DELETE", f"api/sessions/{session['id']}")
        print(f"  {time.monotonic() - start:5.1f} s  {path}: {len(sources)} cells, {len(outputs)} outputs; peak so far "
              f"{self.peak / 2**20:.0f} MiB", flush=True)
        return outputs

    def _watch_memory(self):
        """The most memory that the server, its kernels and their workers held at once; shared pages count once."""
        while not self.stopped.wait(0.25):
            self.peak = max(self.peak, sum(map(memory, family(self.process.pid))))


def execute(socket, source: str) -> list[dict]:
    """Run one cell by Jupyter's message protocol; its outputs."""
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "username": "", "session": uuid.uuid4().hex,
              "version": "5.3"}
    content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": False}
    socket.send(json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content,
                            "channel": "shell", "buffers": []}))
    outputs, waiting = [], {"execute_reply", "idle"}
    while waiting:
        message = json.loads(socket.recv())
        if message["parent_header"].get("msg_id") != header["msg_id"]:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind in ("stream", "display_data", "execute_result", "error"):
            outputs.append({"output_type": kind, **content})
        waiting -= {kind, content.get("execution_state")}
    return outputs


def family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def memory(process: psutil.Process) -> int:
    try:
        return process.memory_full_info().pss
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0


def complaints(outputs: list[dict]) -> list[str]:
    """What went wrong: errors, and what was written to stderr."""
    errors = [f"{out['ename']}: {out['evalue']}" for out in outputs if out["output_type"] == "error"]
    return errors + [out["text"] for out in outputs if out.get("name") == "stderr"]


def add_kernel(name: str, environment, folder: Path, **variables):
    """A kernel of another environment, for a server whose JUPYTER_PATH has this folder."""
    spec = {"argv": [str(environment.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            "display_name": name, "language": "python", "env": {"PATH": environment.env["PATH"], **variables}}
    (folder / "kernels" / name).mkdir(parents=True)
    (folder / "kernels" / name / "kernel.json").write_text(json.dumps(spec))
