"""Adapters that turn files and simulators into events."""
