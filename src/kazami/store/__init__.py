"""The case at rest: a folder with events in Parquet and everything else in one DuckDB file.

segment   write events as Parquet; pure, runs in worker processes, does not know DuckDB
case      open, lock and check a case; what an interrupted scan has done
run       one scan's writing into a case, a transaction a commit
views     one SQL view a log source
sql       questions of people, in a sandbox
read      findings, events and lists for people
incidents what correlation makes of findings, and what people did to it
summary   what a scan tells people, counted by SQL
"""
