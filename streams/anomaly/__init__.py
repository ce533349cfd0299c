"""Anomaly models in motion: trained and scored over a ledger, compared with a truth, shown in figures."""
