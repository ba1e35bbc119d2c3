resource "patronus_enrollment_token" "example" {
  name          = "enrollmentTokens/example"
  role          = "example"
  secret_digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
  expire_time   = timeadd(plantimestamp(), "1h")
}
