"""One module a kind of file for others: diagrams, the report."""
