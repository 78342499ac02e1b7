terraform {
  required_providers {
    sapcalm = {
      source = "sapcalm/sapcalm"
    }
  }
}

# Every attribute has an environment variable, such as
# SAPCALM_DESTINATION_SERVICE_KEY; then this block can be empty.
provider "sapcalm" {
  destination_service_key      = file("keys/destination.json")
  order_management_service_key = file("keys/order-management.json")
  cloud_alm_service_key        = file("keys/cloud-alm.json")
}

# Named CloudALM, everything else from the Cloud ALM key.
resource "sapcalm_destination" "cloud_alm" {}

resource "sapcalm_registration" "order_management" {
  destination_name = sapcalm_destination.cloud_alm.name
}
