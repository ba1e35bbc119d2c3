data "patronus_steering_policy" "example" {
  name = "organizations/example/steeringPolicies/example"
}
