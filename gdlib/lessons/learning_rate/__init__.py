"""Lesson 03, Learning rate: what its notebook needs beyond the library."""
