# Services that SAP Cloud ALM calls. It reads destinations in its own
# subaccount, and each leads to another service.
#
# Take this file and the one of your service. It needs a key of the Destination
# service in Cloud ALM's subaccount.

terraform {
  required_version = ">= 1.11" # for write-only arguments

  required_providers {
    sapcalm = {
      source = "sapcalm/sapcalm"
    }
  }
}

provider "sapcalm" {
  destination_service_key = file("${path.module}/keys/destination-cloud-alm.json")
}
