"""Proof that needs no trust in the keeper of the records, in the formats of transparency logs.

Bytes in, values or an `EvidenceError` out. Data that is not exactly in its format is refused, so that one
content has one text. Hashes are SHA-256, 32 bytes, raw.

Published formats:

- `tree`: a Merkle tree (RFC 6962 and 9162)
- `tiles`, `tile_files`: its files (C2SP tlog-tiles), and the folder of them
- `note`, `keys`, `ed25519`: signed texts (C2SP signed-note), their keys, their signatures (RFC 8032)
- `checkpoint`: tree heads (C2SP tlog-checkpoint)
- `cosignature`, `witness`: witnesses (C2SP tlog-cosignature, tlog-witness)
- `policy`: trusted keys (C2SP tlog-policy)
- `proof`: a proof for one leaf (C2SP tlog-proof)
- `jcs`, `encoding`: canonical JSON (RFC 8785); numbers, base64 and names

Our own: what a leaf says:

- `commitment`, `entries`: two salted hashes of a record, and the versions of entries
- `receipt`: one record, opened, with its proof
- `stated_facts`: totals, and the newest entry of an access log, as texts
- `notes`, `note_values`: what was done to records, and by which rule
- `rules`, `purging`: rules of the controller, and the purges that they allow
- `erased_leaves`: the leaves of an erasure
- `approval`, `received_approval`, `note_approvals`: the controller's word for leaves, here and in logs
- `note_flaws`, `note_standing`: whether notes hold
- `read_log`: logs as far as somebody verified them

Times:

- `leaf_times`: times of leaves, held against those

The keeper's files, and others:

- `origin`: names of logs, and their folders
- `log_folder`: the log of one ledger, and its signing key
- `settings`: where it is published, who witnesses
- `publishing`: in which order, so that nobody sees a part
- `retrieving`: back from there, where it is lost here
- `targets`: folders where copies are
- `elsewhere`: others that have checkpoints: nothing is signed against them
- `witness_client`, `witness_server`, `witness_store`, `witness_approvals`: asking a witness, and being one
- `http`: HTTP with a limit on everything

Following a log at home:

- `log_source`, `log_following`, `log_copy`: where it is served, what is new and verified, the copy
- `monitoring`, `monitor_state`: what a look means, and what is remembered
"""
