terraform import patronus_link.example organizations/example/sites/example/links/example
