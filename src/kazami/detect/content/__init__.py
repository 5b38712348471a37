"""Looking inside files: identify, open, recurse, judge. See docs/content.md.

An analyzer a format, each a small module or folder here, registered in `kazami.analyzers` like anybody's. They observe;
`meaning` says from data what an observation means, `recursion` brings children to analyzers under one `budget`, and
`verdict` adds up.
"""
