data "patronus_user_sessions" "example" {
  parent = "organizations/example"
  filter = "labels.tier = \"gold\""
}
