"""Shell scripts: what their commands come to, without running any."""
