"""What is asked of a case that is there: hunts, how well the logging covers it, and the lists that analysts want.

hunt      a hunt: a question with its SQL, from a pack
hunts     the hunts of packs; what is broken is named, the rest loads
setting   what has to be switched on for logs to be written
lists     logons, hosts, event ids, pivots, base64, remote-management tools
base64    base64 in texts, decoded layer by layer
presence  what a case holds of each machine; coverage: which settings that shows on or off
sight     which rules are blind on which machine
streams   each log as a sequence; holes and gaps: what is missing in it; tampering: what logs say of it themselves
answer    a hunt asked of a case: what was found, or that the log is not there

Nothing here writes into a case, and every question runs in the sandbox of `kazami.store.sql`.
"""
