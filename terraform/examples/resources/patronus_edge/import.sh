terraform import patronus_edge.example organizations/example/sites/example/edges/example
