resource "patronus_qos_profile" "example" {
  name = "${patronus_organization.example.name}/qosProfiles/example"
  classes = [{
    traffic_class = "REALTIME"
    percent       = 1
  }]
}
