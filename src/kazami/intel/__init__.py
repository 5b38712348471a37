"""What the world knows: ATT&CK as a compact table, what to do about techniques, and profiles of actors."""
