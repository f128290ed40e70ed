"""Loaded by Dask into the scheduler and the workers of a local pool, as each of them starts.

Dask's web pages answer whoever asks, with or without a certificate: here nobody serves any. A notebook's stop button,
like Ctrl-C, reaches all processes that the notebook started: it is the driver's alone.
"""
import signal
import threading


def dask_setup(node):
    """Stop listening for web browsers; in a process of its own, ignore the stop button."""
    node.http_server.stop()
    if threading.current_thread() is threading.main_thread():  # a worker; the scheduler lives beside the driver
        signal.signal(signal.SIGINT, signal.SIG_IGN)
