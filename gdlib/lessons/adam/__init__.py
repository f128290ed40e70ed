"""Lesson 06, Adam: what its notebook needs beyond the library."""
