"""Accounts of the console.

- `management`: all that can be done with them
- `store`: the file in which they are, with invitations
- `passwords`: rules and hashes (argon2id)
- `totp`: one-time codes (RFC 6238)
"""
