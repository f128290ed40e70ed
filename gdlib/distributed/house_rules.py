"""Loaded by Dask into the scheduler and the workers of a local pool, as each of them starts.

Dask's web pages answer whoever asks, with or without a certificate: here nobody serves any. And a notebook's stop
button reaches all processes of the notebook, as Ctrl-C does: it is the driver's alone.
"""
import signal
import threading


def dask_setup(node):
    """Stop listening for web browsers; in a process of its own, ignore the stop button."""
    node.http_server.stop()
    if threading.current_thread() is threading.main_thread():  # a worker; the scheduler lives beside the driver
        signal.signal(signal.SIGINT, signal.SIG_IGN)
