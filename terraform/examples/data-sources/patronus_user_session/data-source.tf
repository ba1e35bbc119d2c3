data "patronus_user_session" "example" {
  name = "organizations/example/userSessions/example"
}
