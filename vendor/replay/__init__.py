"""Replay: recorded decisions, decided once more under another configuration."""
