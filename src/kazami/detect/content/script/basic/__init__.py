"""VBScript and VBA: one language here, as what they share is what scripts are hidden with."""
