"""Where deliveries are recorded. Every ledger here passes the same contract test."""
