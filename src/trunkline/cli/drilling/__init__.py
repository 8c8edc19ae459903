"""What runs a drill: the isolated copy's processes, its calls, its stores that go away. What it proves is judged in `ops/drill`."""
