"""Detection on what has been: a city's own history with a report, and scores of detection benchmarks."""
