data "patronus_cluster_role_binding" "example" {
  name = "clusterRoleBindings/example"
}
