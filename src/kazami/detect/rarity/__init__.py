"""What is rare at a tenant, by what the same tenant had before. Pure; it may raise a doubt and never convicts."""
