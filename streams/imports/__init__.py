"""Exported tables (CSV, Excel, Parquet) become a ledger, as a declared mapping says.

`mapping` reads and checks the mapping, `read` brings files in as text, `values` turns text into typed columns,
`rows` makes ledger rows of them, `complete` fills what follows from these, `convert` runs it all. The language is
described in docs/import.md.
"""
