data "patronus_site" "example" {
  name = "organizations/example/sites/example"
}
