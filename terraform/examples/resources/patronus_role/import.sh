terraform import patronus_role.example organizations/example/roles/example
