"""Notices to tenants: planned first, applied when told, undone by a withdrawal, with every step in a log.

words      what is said, in English and Japanese
build      one tenant's data into a notice: nothing of another tenant can get in, because nothing of it is handed over
page       a notice as HTML and as plain text
stix       as a STIX 2.1 bundle
ocsf       as an OCSF 1.7 Incident Finding (2005)
mail       over SMTP
webhook    over HTTPS
sign       Ed25519, with a key that is not the provider's mail account
log        what was done: lines that are only added, each with the hash of the one before
"""
