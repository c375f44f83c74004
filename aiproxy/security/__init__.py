"""Passwords, tokens, credentials and limits."""
