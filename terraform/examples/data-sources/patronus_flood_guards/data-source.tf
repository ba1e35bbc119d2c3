data "patronus_flood_guards" "example" {
  parent = "organizations/example"
  filter = "labels.tier = \"gold\""
}
