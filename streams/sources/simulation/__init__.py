"""The parts of the simulated city; `streams.sources.simulator` puts them together."""
