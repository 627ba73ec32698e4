"""Vigil: what a city's incident and dispatch events say, as they happen."""
