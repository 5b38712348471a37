"""Network evidence: sensor logs, flow exports, proxies, web servers and captures, all in Zeek's words.

`words` decides what a record is and how its names become Zeek's, after ``words.yml``; the other modules read formats.
"""
