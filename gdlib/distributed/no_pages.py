"""Loaded by Dask into the processes of a local pool: none of them serves web pages.

Dask's pages answer whoever asks, with or without a certificate.
"""


def dask_setup(node):
    """Stop listening for web browsers, on a scheduler or a worker that is starting."""
    node.http_server.stop()
