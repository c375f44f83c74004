"""The server: sockets, threads, streams, start and stop."""
