data "patronus_controllers" "example" {
  filter = "labels.tier = \"gold\""
}
