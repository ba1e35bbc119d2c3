data "patronus_rate_limit" "example" {
  name = "organizations/example/rateLimits/example"
}
