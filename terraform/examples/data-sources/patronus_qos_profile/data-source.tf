data "patronus_qos_profile" "example" {
  name = "organizations/example/qosProfiles/example"
}
