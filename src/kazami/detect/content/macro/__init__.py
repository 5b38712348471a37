"""Code in documents: VBA projects and Excel 4 macros. Analyzers read the structure; the source is a child, for whoever reads scripts."""
