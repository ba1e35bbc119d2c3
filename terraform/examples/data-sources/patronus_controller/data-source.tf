data "patronus_controller" "example" {
  name = "controllers/example"
}
