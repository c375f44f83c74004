"""The parts of the scripted provider: wire, asks, replies and the two formats."""
