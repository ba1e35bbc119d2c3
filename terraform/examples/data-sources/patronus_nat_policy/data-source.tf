data "patronus_nat_policy" "example" {
  name = "organizations/example/natPolicies/example"
}
