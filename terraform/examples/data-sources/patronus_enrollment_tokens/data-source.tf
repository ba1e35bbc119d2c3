data "patronus_enrollment_tokens" "example" {
  filter = "labels.tier = \"gold\""
}
