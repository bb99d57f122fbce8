"""The pages of the console, one module each. Who may ask for which is in `..routes`.

- `entry`: log-in, log-out, invitations, the choice of a language and a company
- `provider`: log-in at an identity provider
- `account`: the reader's own account: password, app, recovery codes, sessions
- `passkeys`: passkeys of the own account
- `company_accounts`: the accounts of a company, for its admins
- `today`: the first page of a company
- `calls`, `call_filter`, `call`: recorded calls, their filter, and the story of one
- `caller`: a caller: search, records, consents, what he was told elsewhere
- `caller_lookup`: callers who were looked up, as sessions remember them
- `consents`: what counts of all callers, and a withdrawal
- `letter`: the answer to an access request
- `erasure`: preview, confirmation and outcome
- `person_requests`: persons' requests: those that are open, and one with its next step
- `notices`: notices and their versions, lines and their plans
- `sounds`: a recording as a browser plays it
- `simulation`: what would happen to a call
- `evidence`: the log and its copies, audits, bundles
- `exports`: files that a second person must confirm
- `access_log_page`: who looked at whom
"""
