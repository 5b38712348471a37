"""Code in documents: VBA projects and Excel 4 macros. Analyzers read the structure; the source is a child, for whoever reads scripts."""

from kazami.detect.content.meaning import meanings

MEANINGS = meanings(__file__)
