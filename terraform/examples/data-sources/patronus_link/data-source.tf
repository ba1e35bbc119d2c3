data "patronus_link" "example" {
  name = "organizations/example/sites/example/links/example"
}
