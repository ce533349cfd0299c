"""Exported tables (CSV, Excel, Parquet) become a ledger, as a declared mapping says.

`mapping` reads and checks the mapping, `read` brings files in as text, `values` turns text into typed columns,
`convert` runs it all; the language is described in docs/import.md.
"""
