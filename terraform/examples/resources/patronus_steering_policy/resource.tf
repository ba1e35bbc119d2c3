resource "patronus_steering_policy" "example" {
  name    = "${patronus_organization.example.name}/steeringPolicies/example"
  segment = patronus_segment.example.name
  rules = [{
    preference = "REQUIRE"
  }]
}
