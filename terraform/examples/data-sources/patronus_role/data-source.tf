data "patronus_role" "example" {
  name = "organizations/example/roles/example"
}
