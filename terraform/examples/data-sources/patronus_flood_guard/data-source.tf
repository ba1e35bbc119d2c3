data "patronus_flood_guard" "example" {
  name = "organizations/example/floodGuards/example"
}
