resource "patronus_sla_profile" "example" {
  name = "${patronus_organization.example.name}/slaProfiles/example"
}
