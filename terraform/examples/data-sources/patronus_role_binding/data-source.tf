data "patronus_role_binding" "example" {
  name = "organizations/example/roleBindings/example"
}
