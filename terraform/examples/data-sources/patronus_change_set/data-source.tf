data "patronus_change_set" "example" {
  name = "organizations/example/changeSets/example"
}
