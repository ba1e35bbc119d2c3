resource "patronus_nat_policy" "example" {
  name    = "${patronus_organization.example.name}/natPolicies/example"
  segment = patronus_segment.example.name
}
