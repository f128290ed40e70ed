"""Lesson 07: its explorers."""
