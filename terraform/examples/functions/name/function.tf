output "example" {
  value = provider::patronus::name("link", "acme", "nyc", "inet0")
}
