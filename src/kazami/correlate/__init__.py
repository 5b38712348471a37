"""Findings to incidents: what ties them, how rare it is, what the story is. Pure functions over Arrow and numpy.

entity      what findings share: processes, sessions, accounts, addresses, hashes, services
seat        which host had an address, and when
strand      findings of one rule at one place that follow each other, as one
rarity      how much it says that a rule was true, or that two findings share something
link        ties between strands, each with its limit
component   what hangs together
score       which of it is an incident, and how grave
channel     what talks to the outside day and night
extend      what lies within the time of an incident: taken along, never a reason to merge
remember    accounts and public addresses that lead a step months later to an old incident; the kept skeleton
keep        ids that stay, merges that are refused, what people decided
story       an incident in words
resume      an incident that goes on after its findings are gone
run         all of it, in order
"""
