# Connects one subaccount of SAP Order Management foundation to SAP Cloud ALM. Its
# keys are those of the provider block that the caller hands over.

terraform {
  required_providers {
    sapcalm = {
      source = "sapcalm/sapcalm"
    }
  }
}

# Named CloudALM; URL, client id, secret and token URL come from the Cloud ALM key.
resource "sapcalm_destination" "cloud_alm" {}

resource "sapcalm_registration" "order_management" {
  destination_name = sapcalm_destination.cloud_alm.name

  # Another address of Cloud ALM asks for another registration.
  triggers = {
    target = sapcalm_destination.cloud_alm.url
  }
}

output "url" {
  description = "Where the service sends its monitoring data."
  value       = sapcalm_destination.cloud_alm.url
}

output "status" {
  description = "The status of the registration."
  value       = sapcalm_registration.order_management.status
}
