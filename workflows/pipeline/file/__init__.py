"""Reading the pipeline file: YAML with places, shape, references, warnings. Only the loader imports from here."""
