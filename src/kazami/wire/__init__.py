"""What bytes of protocols have in common, for those who make records of them and those who look for rules in them."""
