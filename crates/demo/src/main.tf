# SAP Order Management foundation, connected to SAP Cloud ALM.

terraform {
  required_providers {
    sapcalm = {
      source = "sapcalm/sapcalm"
    }
  }
}

# The emulator wrote the three service keys; real ones come from SAP BTP.
provider "sapcalm" {
  destination_service_key      = file("keys/destination.json")
  order_management_service_key = file("keys/order-management.json")
  cloud_alm_service_key        = file("keys/cloud-alm.json")

  # Where the emulator registers. SAP's page for the real path needs a login, so
  # the provider has to guess it; the registration's documentation links the page.
  order_management_api = {
    register = { path = "v1/registration" }
  }
}

# Named CloudALM; URL, client id, secret and token URL come from the Cloud ALM key.
resource "sapcalm_destination" "cloud_alm" {}

# Registers the tenant once the destination is there, and offboards it before
# the destination goes.
resource "sapcalm_registration" "order_management" {
  destination_name = sapcalm_destination.cloud_alm.name
}
