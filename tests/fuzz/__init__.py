"""Coverage-guided fuzzing of what meets the world: `python -m tests.fuzz --help`."""
