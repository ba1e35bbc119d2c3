resource "patronus_rate_limit" "example" {
  name     = "${patronus_organization.example.name}/rateLimits/example"
  rate_bps = 10000
}
