terraform import patronus_site.example organizations/example/sites/example
