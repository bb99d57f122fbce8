"""Accounts of the console.

- `management`: all that can be done with them, by commands
- `company_accounts`: those of one company, as its admins lead them
- `own_account`: acts of somebody on his own account
- `factors`: second factors, a table of their kinds
- `user_account`: accounts and invitations, as values
- `store`: the file in which they are, with invitations
- `file_format`: the same as JSON
- `passkeys`: answers of authenticators (WebAuthn)
- `passwords`: rules and hashes (argon2id)
- `totp`: one-time codes (RFC 6238)
"""
