"""What is known of files by their hashes: good, bad, or just known; exactly, and with who says so since when.

A shelf holds one book a kind of hash (SHA-256, SHA-1, MD5): sorted records in one file, which the system maps and shares
among processes, and an index into it by the first bits. Additions go into a new generation of the book, put in place as
a whole; small ones into a supplement first.

label      what is said of a hash, and by whom
book       the sorted file: written in buckets, read by single hashes or by arrays
supplement additions of the day, until the next generation
shelf      books, labels and supplement of one folder
formats    what others publish: NSRL, MISP, STIX, CSV, lists
"""
