resource "patronus_user_session" "example" {
  name        = "${patronus_organization.example.name}/userSessions/example"
  user        = "example"
  site        = patronus_site.example.name
  segment     = patronus_segment.example.name
  addresses   = ["192.0.2.1"]
  expire_time = timeadd(plantimestamp(), "1h")
}
