"""Alerts of other sensors as findings: what they say is taken over, what they do not say is read from their titles."""
