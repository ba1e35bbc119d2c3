resource "patronus_controller" "example" {
  name          = "controllers/example"
  peer_address  = "192.0.2.1:7400"
  api_address   = "192.0.2.1:7400"
  agent_address = "192.0.2.1:7400"
  role          = "VOTER"
}
