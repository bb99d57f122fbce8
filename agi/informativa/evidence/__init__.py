"""Proof that needs no trust in the keeper of the records, in the formats of transparency logs.

Each module is one published format: a Merkle tree (`tree`, RFC 6962 and 9162), its files (`tiles`, C2SP
tlog-tiles), signed texts (`note`, C2SP signed-note), tree heads (`checkpoint`, C2SP tlog-checkpoint),
witnesses (`cosignature`, C2SP tlog-cosignature), trusted keys (`policy`, C2SP tlog-policy), a proof for
one leaf (`proof`, C2SP tlog-proof), canonical JSON (`jcs`, RFC 8785). Our own are what a leaf says
(`commitment`, `entries`, `notes`) and the controller's word for it (`approval`). Bytes in, values or an
`EvidenceError` out; only `tile_files`, `log_folder` and the modules that publish, witness and stamp
(`targets*`, `witness_*`, `http`, `timestamp`) read and write. Data that is not exactly in its format is
refused, so that one content has one text. Hashes are SHA-256, 32 bytes, raw.
"""
