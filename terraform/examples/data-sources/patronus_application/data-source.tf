data "patronus_application" "example" {
  name = "organizations/example/applications/example"
}
