"""What is told to whom: conditions that need a person, each told once until it ends, over any number of targets."""
