"""Lesson 01, Gradients: what its notebook needs beyond the library."""
