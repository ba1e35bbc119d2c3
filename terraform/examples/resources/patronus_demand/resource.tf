resource "patronus_demand" "example" {
  name             = "${patronus_organization.example.name}/demands/example"
  source_site      = patronus_site.example.name
  destination_site = patronus_site.example.name
  rate_bps         = 1
}
