"""Keywords of rules, a module a family: each takes its value and tells the builder what it means."""
