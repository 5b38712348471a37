"""Rhythm in connections: pairs of hosts (`pairs`), RITA's scores of them (`rita`), and ours (`rhythm`)."""
