data "patronus_sla_profile" "example" {
  name = "organizations/example/slaProfiles/example"
}
