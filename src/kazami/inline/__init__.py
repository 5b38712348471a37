"""Inline: connections are looked at as they begin, and cut where their first bytes prove a remote access tool.

netlink   packets from the kernel and verdicts back, over NFQUEUE; no library, no compiler
packet    where things are in an IP packet
watch     flows that are looked at, and what is decided of them
hook      the rules that lead packets here: set up, taken away, and cleaned after a crash
guard     a process beside it, which lets everything pass where it dies or stands still
run       all of it together
"""
