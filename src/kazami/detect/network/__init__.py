"""What only the network shows: tools that call home (`rat`), rhythm in connections (`beacon`)."""
