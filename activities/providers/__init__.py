"""One file per outside API; reached only from the rules' frame and their actions."""
