data "patronus_cluster_role_bindings" "example" {
  filter = "labels.tier = \"gold\""
}
