data "patronus_segment" "example" {
  name = "organizations/example/segments/example"
}
