data "patronus_rate_limits" "example" {
  parent = "organizations/example"
  filter = "labels.tier = \"gold\""
}
