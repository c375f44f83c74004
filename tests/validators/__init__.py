"""Judges: what a real provider would refuse in a request, as sentences."""
