"""What is wrong and why: one rule a file with its cases beside it, the ledger a rule may speak of, and knowledge."""
