"""What differs between two snapshots, and how much it matters. Pure; what things mean stands in ``change.yml``."""
