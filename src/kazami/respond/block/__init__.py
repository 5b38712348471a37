"""Blocks: from findings to what firewalls, sensors, name servers and proxies can be told; never what is spared.

indicator  what findings of one tenant name as bad, with confidence
allow      what is never blocked, and what is only with a warning
build      indicators into blocks: reason, time to live, or why not
suricata, nftables, sinkhole, proxy, stix   sinks: what a block is in their words
live       the kernel's own tables, over nft
file       how a sink's files come to a folder and leave it as it was
"""
