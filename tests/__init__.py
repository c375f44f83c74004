"""The suite mirrors aiproxy/; what several tests share is in support.py."""
