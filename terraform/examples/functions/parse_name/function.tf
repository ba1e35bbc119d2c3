output "example" {
  value = provider::patronus::parse_name("organizations/acme/sites/nyc")
}
