data "patronus_call" "status" {
  method = "ClusterService.GetClusterStatus"
}

output "leader" {
  value = jsondecode(data.patronus_call.status.replies[0]).leader
}
