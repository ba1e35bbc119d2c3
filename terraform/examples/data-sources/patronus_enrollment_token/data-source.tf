data "patronus_enrollment_token" "example" {
  name = "enrollmentTokens/example"
}
