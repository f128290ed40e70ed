"""Lesson 02, Batch, SGD, mini-batch: what its notebook needs beyond the library."""
