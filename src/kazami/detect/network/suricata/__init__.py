"""Rules of Suricata's language over captures: a stated subset, evaluated with its proof. See ``docs/suricata.md``."""
