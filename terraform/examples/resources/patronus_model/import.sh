terraform import patronus_model.example organizations/example/models/example
