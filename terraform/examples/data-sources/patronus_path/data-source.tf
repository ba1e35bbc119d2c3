data "patronus_path" "example" {
  name = "organizations/example/paths/example"
}
