"""A case as readers browse it: a file beside it that can be made anew at any time, and answers in milliseconds.

The case itself is made for scans and questions; who turns pages asks for ten rows out of a million, over and over, from
twenty places. `build` copies what such readers want into one SQLite file with the indexes that pages need; `reader`
opens it for one person, behind the wall of the tenants that this person may see; the other modules are what can be
asked. Nothing here is the truth: the case is, and a file that does not fit to it is thrown away.

schema     tables and indexes
build      the file, made from a case
reader     the file, opened behind the wall
findings, incidents, entities, counts, lists   what can be asked
"""
