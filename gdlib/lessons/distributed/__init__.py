"""Lesson 08, Distributed: what its notebook needs beyond the library."""
