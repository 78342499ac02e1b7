# SAP Order Management connected to SAP Cloud ALM with an x509 service key:
# the destination proves itself with a certificate instead of a client secret.
#
# A certificate of an x509 key is valid for 7 days, unless the key was created
# with another `validity`. With a new key in keys/cloud-alm.json the next apply
# replaces the certificate and leaves everything else as it is.

terraform {
  required_version = ">= 1.11" # for write-only arguments
  required_providers {
    sapcalm = {
      source = "sapcalm/sapcalm"
    }
  }
}

provider "sapcalm" {
  destination_service_key      = file("${path.module}/keys/destination.json")
  order_management_service_key = file("${path.module}/keys/order-management.json")
  cloud_alm_service_key        = file("${path.module}/keys/cloud-alm.json")
}

locals {
  cloud_alm = jsondecode(file("${path.module}/keys/cloud-alm.json"))
}

resource "sapcalm_destination_certificate" "cloud_alm" {
  name = "cloud-alm.pem"
  content = {
    pem_wo = "${local.cloud_alm.uaa.certificate}\n${local.cloud_alm.uaa.key}"
  }
}

resource "sapcalm_destination" "cloud_alm" {
  name              = "CloudALM"
  url               = local.cloud_alm.endpoints.Api
  client_id         = local.cloud_alm.uaa.clientid
  token_service_url = "${local.cloud_alm.uaa.certurl}/oauth/token"
  check_token       = true

  # The reference makes Terraform upload the certificate first, and delete it last.
  token_service_key_store_location = sapcalm_destination_certificate.cloud_alm.name
}

resource "sapcalm_registration" "order_management" {
  destination_name = sapcalm_destination.cloud_alm.name
}
