"""The two wire formats and the translation between them. Pure: no I/O, no clock."""
