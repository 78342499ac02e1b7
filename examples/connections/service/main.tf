# Services that send their data to SAP Cloud ALM. Each reads a destination in
# its own subaccount, with the values of the Cloud ALM key.
#
# Take this file and the one of your service. The keys are the two of the guide
# "Other SAP services and Cloud ALM".

terraform {
  required_providers {
    sapcalm = {
      source = "sapcalm/sapcalm"
    }
  }
}

provider "sapcalm" {
  destination_service_key = file("${path.module}/keys/destination.json") # of the service's subaccount
  cloud_alm_service_key   = file("${path.module}/keys/cloud-alm.json")
}
