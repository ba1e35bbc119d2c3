resource "patronus_call" "drain" {
  method   = "TrafficEngineeringService.Drain"
  request  = jsonencode({ name = "organizations/example/sites/example" })
  triggers = { maintenance = "2030-01-01" }
}
