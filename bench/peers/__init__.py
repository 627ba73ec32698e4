"""What people would use instead, answering the same question from the same topic."""
