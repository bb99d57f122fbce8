"""Descriptions of all settings for the reference page: the meaning, the unit, and an example.

They are not in schema.py: with docstrings that pydantic reads its import takes 1.14 times the instructions,
and a class that stands at two places has one description of each field, but two examples. A test compares the
names.
"""

from __future__ import annotations

_C, _N, _L = "controllers.NAME", "controllers.NAME.notices.NAME", "lines.NAME"
_V = f"{_N}.versions[]"
_H = f"{_C}.choices.NAME"
_HV = f"{_H}.versions[]"
_K = f"{_C}.lookups.NAME"
_O = f"{_C}.outsourcing"
_P, _W = "evidence.publish[]", "evidence.witness[]"

SETTINGS: dict[str, tuple[str, str]] = {
    "manager": (
        "Asterisk's manager interface, to bring home the proof of what the dialplan played by itself.",
        "",
    ),
    "manager.address": ("Its address and port.", "127.0.0.1:5038"),
    "manager.user": ("The user's section in manager.conf.", "informativa"),
    "manager.secret": ("A file with the user's secret, mode 0600.", "keys/manager.secret"),
    "service": ("The FastAGI service.", ""),
    "service.listen": ("Where Asterisk finds it: address and port.", "127.0.0.1:4588"),
    "service.token": (
        "A file with the secret by which Asterisk is known, mode 0600; it stands in the dialplan too.",
        "keys/agi.token",
    ),
    "service.exposed": ("Whether listen and metrics may be addresses that other machines reach.", "true"),
    "service.sessions": ("Calls at a time, 1 to 100000; one more is played to by the dialplan.", "2000"),
    "service.drain": ("Seconds that calls get to end when the service is stopped, 0 to 600.", "100"),
    "service.metrics": ("Address and port where Prometheus may ask at /metrics.", "127.0.0.1:9464"),
    "service.elsewhere": (
        "Which other machine's service the dialplan asks where this one's is away: hagi:// and a name with"
        " SRV records, or agi:// and an address. The same token is on all machines.",
        "hagi://notice.example",
    ),
    "evidence": ("Where the proof of what was recorded goes, and who vouches for it.", ""),
    "evidence.domain": (
        "A domain of yours: logs that begin from now on are named by it; the machine's name, if not given.",
        "acme.example",
    ),
    "evidence.box": ("What this machine is called in the names of logs; its own name.", "pbx-1"),
    "evidence.interval": ("How often what was recorded is signed, 24 hours at most.", "1 minute"),
    _P.removesuffix("[]"): ("The folders in which logs are published.", ""),
    f"{_P}.folder": ("A folder that is there, on another machine's disk for instance.", "/mnt/proof"),
    f"{_P}.independent": ("Whether who administers the ledgers cannot change what is there.", "true"),
    f"{_P}.entries": (
        "Whether the entries of logs go there too; from them a log can be restored.",
        "false",
    ),
    f"{_P}.controllers": ("Whose logs; all, if not given.", "[acme]"),
    _W.removesuffix("[]"): ("Who signs that a log took nothing back (C2SP tlog-witness).", ""),
    f"{_W}.key": ("Its key, as `informativa witness key` shows it.", "home.example+5c2b9f1e+BKj…"),
    f"{_W}.url": ("Where it answers.", "https://witness.example"),
    f"{_W}.controllers": ("Whose logs it knows; all, if not given.", "[acme]"),
    "evidence.quorum": ("How many of a log's witnesses must sign: any, all, or a number.", "any"),
    "backup": ("The backups of this installation (`informativa backup`).", ""),
    "backup.folder": ("Where they are made; better on another disk.", "/var/backups/informativa"),
    "backup.keep": (
        "How long they are kept; an erased caller is in those from before until then.",
        "30 days",
    ),
    "backup.warn_after": ("How old the newest may be before `doctor` warns.", "2 days"),
    "web": ("The pages for people who use no shell (`informativa web`).", ""),
    "web.listen": (
        "Their address and port; one that other machines reach needs a certificate.",
        "127.0.0.1:4591",
    ),
    "web.certificate": (
        "A file with the certificate, and those that lead to its root (PEM).",
        "keys/web.pem",
    ),
    "web.key": ("A file with the certificate's key, mode 0600.", "keys/web.key"),
    "web.names": (
        "Without a certificate: names by which browsers reach them, beside `localhost` and the address.",
        "[console.acme.example]",
    ),
    "web.folder": ("Where accounts are kept.", "web"),
    "web.idle": ("Who asks for nothing for so long must log in anew, 24 hours at most.", "30 minutes"),
    "web.proxy": ("A web server in front of them, which speaks TLS.", ""),
    "web.proxy.addresses": ("From where it asks: addresses and networks.", "[127.0.0.1]"),
    "web.proxy.client": (
        "The header in which it names the browser: `X-Forwarded-For`, beside which it says by"
        " `X-Forwarded-Proto` whether that came by https; or `Forwarded`, which says both.",
        "Forwarded",
    ),
    "web.oidc": ("An identity provider (OpenID Connect) at which people may log in, beside passwords.", ""),
    "web.oidc.issuer": ("Its address, letter for letter as it calls itself.", "https://login.acme.example"),
    "web.oidc.client": ("The name by which it knows the console.", "informativa"),
    "web.oidc.secret": ("A file with the secret that it gave for that name, mode 0600.", "keys/oidc.secret"),
    "web.oidc.url": ("Where browsers find the console, without a path.", "https://console.acme.example"),
    "web.oidc.scopes": ("What the console asks for; `openid` is needed.", "[openid, profile]"),
    "web.oidc.name": (
        "The claim that names the account; nobody may choose his own.",
        "preferred_username",
    ),
    "web.oidc.roles": ("The claim with the values below; a dot leads into a claim.", "realm_access.roles"),
    "web.oidc.grants": ("Which value of that claim gives which role; nothing else gives one.", ""),
    "web.oidc.grants[].value": ("The value, letter for letter.", "privacy-officers"),
    "web.oidc.grants[].controller": ("The company.", "acme"),
    "web.oidc.grants[].role": ("The role there.", "compliance"),
    "web.oidc.longest": (
        "How long a log-in counts, twelve hours at most; a role that ends there counts here until then.",
        "8 hours",
    ),
    "web.second_factor": (
        "Which roles must give a code or a passkey, too; whoever has none sets it up first.",
        "",
    ),
    **{
        f"web.second_factor.{role}": ("Whether that role must: required or optional.", "required")
        for role in ("reader", "compliance", "admin")
    },
    "operator": ("The company that runs this PBX.", "Acme S.p.A."),
    "fallback_prompt": ("Played where nobody configured the called number.", "prompts/it/short-nokey"),
    "shared_numbers": ("Numbers that many callers show, `*` for any digits at the end.", '["+3902440*"]'),
    "verification": (
        "What words of a carrier's own say of a number: passed, failed or absent.",
        "{Number OK: passed}",
    ),
    "controllers": ("Who answers for callers' data, by a short name.", "acme:"),
    f"{_C}.name": ("Its name.", "Acme S.p.A."),
    f"{_C}.retention": ("Days, weeks, months or years after which records are deleted.", "5 years"),
    f"{_C}.service_purposes": ("Those without which the service cannot be given.", "[service]"),
    f"{_C}.names": (
        "What people read in place of the ids of its purposes and notices, by language.",
        "{en: {crm: managing your contract}}",
    ),
    f"{_C}.letter": ("What the answer to an access request says besides what is on record.", ""),
    f"{_C}.letter.contact": ("Where to write to use one's rights.", "privacy@acme.example"),
    f"{_C}.letter.dpo": ("Where the data protection officer is.", "dpo@acme.example"),
    f"{_C}.letter.authority": (
        "To which supervisory authority a complaint may go.",
        "Garante per la protezione dei dati personali (www.garanteprivacy.it)",
    ),
    f"{_C}.letter.recipients": (
        "Who else receives the records; `[]` where nobody does.",
        "[Centralini S.r.l. (maintenance)]",
    ),
    f"{_C}.letter.transfers": (
        "By which safeguard they leave the European Economic Area; `none` where they do not.",
        "none",
    ),
    f"{_C}.report": ("The mail of its monthly report (`informativa report --send`).", ""),
    f"{_C}.report.to": ("Who gets it.", "[privacy@acme.example]"),
    f"{_C}.report.sender": ("Whose it says it is; the command decides, if not given.", "pbx@acme.example"),
    f"{_C}.report.language": ("Its language: en or it; en, if not given.", "it"),
    f"{_C}.report.run": (
        "The command that takes the mail; `/usr/sbin/sendmail -t -oi`, if not given.",
        "msmtp -t",
    ),
    f"{_C}.requests": ("How the company answers persons' requests.", ""),
    f"{_C}.requests.four_eyes": (
        "Whether who opens a request, or identifies its person, may not answer or erase; no erasure is done"
        " without a request then.",
        "true",
    ),
    f"{_C}.exports": ("How the company's records are taken away as files.", ""),
    f"{_C}.exports.four_eyes": (
        "Whether a second account must confirm a file of records or consents, or an auditor's bundle, before"
        " it is made; commands make none then.",
        "true",
    ),
    f"{_C}.reason_for_looking": (
        "Whether whoever looks a person up must give a reason, which the access log holds.",
        "required",
    ),
    f"{_C}.recycled_after": (
        "So long without a call, a number may be somebody else's: the notice is due again.",
        "2 years",
    ),
    f"{_C}.time_zone": ("Where its days begin and end; UTC, if not given.", "Europe/Rome"),
    _O: ("What must be there where another company answers the calls.", ""),
    f"{_O}.processor": ("The company that answers.", "Acme S.p.A."),
    f"{_O}.contract": ("The contract.", ""),
    f"{_O}.contract.reference": ("Where it is filed.", "2026/17"),
    f"{_O}.contract.date": ("Of which day it is.", "2026-10-01"),
    f"{_O}.analysis": ("The analysis before it.", ""),
    f"{_O}.analysis.reference": ("Where it is filed.", "2026/16"),
    f"{_O}.analysis.date": ("Of which day it is.", "2026-09-15"),
    f"{_O}.sub_processors": ("Who works for the processor.", "[Trunk Ltd]"),
    f"{_C}.approver": (
        "The key of the controller's person who approves what the log says is gone.",
        "acme.example/approver+3f9e1c70+ATk…",
    ),
    f"{_C}.erasures": (
        "Whether `each` erasure needs an approval, or they are a `standing` instruction: `each` where there"
        " is an approver.",
        "standing",
    ),
    f"{_C}.instruction": (
        "The controller's instruction for these settings: a ticket's id, no name and no number.",
        "DPO-2026/17",
    ),
    f"{_C}.key": ("A file with 64 hexadecimal digits, mode 0600.", "keys/acme.key"),
    f"{_C}.old_keys_for": ("How long a key that was put away recognises callers.", "1 year"),
    f"{_C}.ledger": ("Its SQLite file.", "ledger/acme.sqlite3"),
    f"{_C}.notices": ("Its notices, by name.", "privacy:"),
    _V.removesuffix("[]"): ("The versions of a notice, the oldest first, the last in force.", ""),
    f"{_V}.version": ("Its name.", '"2026-11"'),
    f"{_V}.purposes": ("Of what callers are told; a new one makes the notice due again.", "[service]"),
    f"{_V}.material": ("Whether all who know an older one hear it.", "true"),
    f"{_V}.starts": ("In force from that day on, in its time zone.", "2026-11-01"),
    f"{_V}.short": ("The short notice by language, 30 seconds at most.", "{it: prompts/it/short}"),
    f"{_V}.short_nokey": (
        "The same in words that name no key, for where Asterisk plays it alone and hears none.",
        "{it: prompts/it/short-nokey}",
    ),
    f"{_V}.full": ("What a caller hears who presses the key for it, by language.", "{it: prompts/it/full}"),
    f"{_V}.supplements": ("What to play instead to who knows that version.", '"2025": {it: prompts/it/new}'),
    f"{_C}.choices": ("What its callers are asked and answer by key, by name.", "marketing:"),
    f"{_H}.asks": (
        "Its kind: consent, operator (one in the EU), human (not a machine) or recording (refused).",
        "consent",
    ),
    f"{_H}.purpose": ("Of a consent: to which one purpose; a notice before it tells of that.", "marketing"),
    f"{_H}.holds": ("Of a consent: how long a yes holds, no longer than `retention`.", "24 months"),
    f"{_H}.again": (
        "Of a consent: for how long who said no, or withdrew, is not asked; 12 months, if not given.",
        "12 months",
    ),
    f"{_H}.vouched": (
        "Of a consent: who must vouch at least for the number: network, signature, dialplan, or nobody.",
        "network",
    ),
    f"{_H}.keys": (
        "The keys of its options, as the prompt tells them; of recording one does.",
        '{granted: "4", refused: "5"}',
    ),
    f"{_H}.tries": ("How often it is asked of who presses another key, 1 to 3; 2, if not given.", "2"),
    f"{_H}.wait": ("How long a key is waited for after the prompt, 1 to 10 seconds; 4.", "4 seconds"),
    f"{_H}.silence": (
        "Of recording: what silence means, recorded or not-recorded. Counsel decides: there is no default.",
        "not-recorded",
    ),
    f"{_H}.withdraw_at": (
        "Of a consent: the number to call to withdraw it, a line of this company.",
        '"+390212345678"',
    ),
    _HV.removesuffix("[]"): ("The versions of a choice, the oldest first, the last in force.", ""),
    f"{_HV}.version": ("Its name.", '"2026-12"'),
    f"{_HV}.material": ("Whether a consent to an older one ends.", "true"),
    f"{_HV}.starts": ("In force from that day on, in its time zone.", "2026-12-01"),
    f"{_HV}.short": ("The question by language, 20 seconds at most.", "{it: prompts/it/marketing}"),
    f"{_HV}.withdraw": (
        "How a consent is withdrawn, by language; the key is that of `refused`.",
        "{it: prompts/it/marketing-withdraw}",
    ),
    f"{_C}.lookups": ("The company's own systems that know who was told, by name.", "crm:"),
    f"{_K}.notice": ("Which notice they know of.", "privacy"),
    f"{_K}.by": ("How callers were told: operator, website or contract.", "contract"),
    f"{_K}.url": (
        "What answers in JSON; {number} or {customer} in it.",
        "https://crm.example/told?n={number}",
    ),
    f"{_K}.token": ("A file with a bearer token, mode 0600.", "keys/crm.token"),
    f"{_K}.query": (
        "One SELECT of date, version or both.",
        "SELECT day AS date FROM t WHERE phone = {number}",
    ),
    f"{_K}.driver": ("A DB-API module.", "psycopg"),
    f"{_K}.connect": ("A YAML file with what its connect() takes, mode 0600.", "keys/customers.yaml"),
    f"{_K}.milliseconds": ("How many of them a call waits, 1 to 2000.", "150"),
    f"{_C}.hook": ("The address that is told of callers' consents, a message for each act.", ""),
    f"{_C}.hook.url": (
        "Where: https, or http on this machine.",
        "https://crm.example/consents",
    ),
    f"{_C}.hook.secret": ("The file with the secret that signs them, mode 0600.", "keys/acme.hook"),
    f"{_C}.hook.subject": (
        "How a caller is named: number, by a hash of it, or customer, by INFORMATIVA_CUSTOMER.",
        "customer",
    ),
    f"{_C}.hook.timeout": (
        "How long an answer is waited for, 1 to 60 seconds; 10, if not given.",
        "20 seconds",
    ),
    "internal": (
        "Which calls are those of your own telephones: they hear nothing, are asked nothing, and are on"
        " record as internal, without a caller.",
        "",
    ),
    "internal.variable": (
        "Whether those count whose channel has INFORMATIVA_INTERNAL=yes, as an endpoint's `set_var` sets it.",
        "true",
    ),
    "internal.contexts": (
        "The contexts of the telephones' PJSIP endpoints: calls from there, with a number of 2 to 6 digits.",
        "[from-internal]",
    ),
    "internal.prefixes": (
        "Of those only with a number that begins so; all, if not given.",
        '["2"]',
    ),
    "lines": ("The called numbers, with country code.", '"+390212345678":'),
    f"{_L}.controller": ("Whose it is.", "acme"),
    f"{_L}.language": ("Its language.", "it"),
    f"{_L}.languages": ("Other languages, by the caller's country.", "{GB: en}"),
    f"{_L}.fallback": ("Languages to try where a prompt is missing.", "[en]"),
    f"{_L}.region": ("The country of national numbers.", "IT"),
    f"{_L}.plan": ("What its callers must hear, in this order.", ""),
    f"{_L}.plan[].notice": ("A notice of the controller.", "privacy"),
    f"{_L}.plan[].choice": ("Or a choice of the controller.", "marketing"),
    f"{_L}.consents": ("How many consents are asked for in a call at most, 1 to 9.", "1"),
    f"{_L}.plan[].countries": (
        "Only for calls to operators in these countries, as INFORMATIVA_COUNTRY names them; `others` for all"
        " that the plan does not name, and none.",
        "[AL, others]",
    ),
    f"{_L}.plan[].when": ("`once`, `always`, or every so often.", "every 12 months"),
    f"{_L}.keys": ("What a caller may press during a notice.", ""),
    f"{_L}.keys.full": ("Plays the full text.", '"1"'),
    f"{_L}.keys.repeat": ("Plays the notice again.", '"2"'),
    f"{_L}.keys.skip": ("Ends the notice.", '"9"'),
    f"{_L}.keys.skip_informs": ("Whether who skips it counts as informed.", "true"),
    f"{_L}.callers": ("How the trunk writes numbers: national, international or either.", "national"),
    f"{_L}.answer": ("Whether to answer before the notice.", "false"),
    f"{_L}.again_after_transfer": ("Whether to play again after a transfer.", "true"),
    f"{_L}.service_data_only": ("Leave out what has service purposes alone (Garante 2007).", "true"),
    f"{_L}.landlines": ("`shared`: whoever rings from a landline is nobody in particular.", "shared"),
    f"{_L}.require": (
        "`signature`: only who rings with a number that the network has signed (STIR/SHAKEN) is recognised.",
        "signature",
    ),
    f"{_L}.fallback_informs": ("Whether a notice in another language than the wanted counts.", "false"),
    f"{_L}.trust_restricted": ("Recognise restricted numbers that came along all the same.", "true"),
}
