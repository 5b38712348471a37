"""What looking inside files is worth on somebody's own samples: labels, layers, figures. Nothing leaves the machine."""
