"""What only one lesson has: its exercises' slips, its project, its pictures."""
