"""The pages for people who use no shell: `informativa web`. Each is parse → operation → view.

- `routes`: the table of addresses: the page of each, and the least role that may ask for it
- `pages`: the pages themselves
- `server`: the HTTP server, a process of its own
- `application`: who asks, whether he may, and the answer
- `context`: one request, with its account, company, language and cookies
- `console`: what all requests share
- `logins`, `throttle`: log-ins, and attempts that wait
- `challenges`: questions that a passkey answers
- `sessions`: who is logged in
- `oidc`, `provider_client`: an identity provider: what is believed of it, and its answers
- `hardening`, `proxies`, `proxy_watch`: security headers and limits; a web server in front, and its faults
- `jobs`: work that takes longer than a page may
- `live`: new calls for the browsers that watch
- `scratch`: the folder for temporary files
"""
