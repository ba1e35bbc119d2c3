resource "patronus_cluster_role_binding" "example" {
  name    = "clusterRoleBindings/example"
  role    = "example"
  members = ["example"]
}
