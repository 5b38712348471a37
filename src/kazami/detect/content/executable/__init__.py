"""Programs and libraries: who they say they are, who signed them, how they are built, what lies in them and beside them."""
