"""Lesson 07, Training health: what its notebook needs beyond the library."""
