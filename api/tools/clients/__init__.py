"""Everything that the clients derive from the schema: one reader, one writer per client."""
