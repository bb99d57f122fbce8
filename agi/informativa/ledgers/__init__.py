"""Ledgers, in which deliveries are recorded. Each passes the same contract test."""
