"""Operations on proofs: checkpoints, receipts, bundles, audits."""
