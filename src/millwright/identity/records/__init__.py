"""What is registered: records under names that are one for each thing, whatever code system names it."""
