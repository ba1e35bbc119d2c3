data "patronus_steering_policies" "example" {
  parent = "organizations/example"
  filter = "labels.tier = \"gold\""
}
