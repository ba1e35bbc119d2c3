data "patronus_demand" "example" {
  name = "organizations/example/demands/example"
}
