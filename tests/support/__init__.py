"""What several test folders share: a simulator in a child process, its ledger, and a raw client."""
