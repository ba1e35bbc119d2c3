terraform {
  required_providers {
    patronus = {
      source = "patronus-sdwan/patronus"
    }
  }
}

provider "patronus" {
  servers    = ["192.0.2.1:7400", "192.0.2.2:7400", "192.0.2.3:7400"]
  credential = "/etc/patronus/terraform.pem"
}
