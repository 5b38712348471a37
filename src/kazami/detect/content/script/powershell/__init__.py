"""PowerShell: a parser and an evaluator that only calculates."""
