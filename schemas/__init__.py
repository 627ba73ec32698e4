"""What travels on the topics; imports nothing of ours."""
