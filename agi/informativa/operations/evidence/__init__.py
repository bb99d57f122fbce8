"""What people ask for as proof: checkpoints, receipts, audits."""
