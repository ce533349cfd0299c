"""The kernel: facts become a ledger, the ledger and the rulebook become alerts.

Everything here is pure: no clock, no randomness, no environment, no files written. A result depends on its
arguments alone, whatever the order, the pieces or the machine.
"""
