data "patronus_organization" "example" {
  name = "organizations/example"
}
