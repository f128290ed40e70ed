"""Lesson 00, Start here: what its notebook needs beyond the library."""
