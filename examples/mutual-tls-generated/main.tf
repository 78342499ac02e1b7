# SAP Order Management connected to SAP Cloud ALM by mutual TLS, with a
# certificate that SAP makes and renews: nobody ever holds its private key.
#
# 1. terraform apply makes the certificate.
# 2. Make a service key of Cloud ALM that trusts it, with the parameters that
#    `terraform output -raw cloud_alm_key_parameters` prints, and put it into
#    keys/cloud-alm.json. It has neither secret nor private key.
# 3. terraform apply connects.
#
# Whether Cloud ALM accepts a certificate of SAP Cloud Root CA is not known.

terraform {
  required_version = ">= 1.3"
  required_providers {
    sapcalm = {
      source = "sapcalm/sapcalm"
    }
  }
}

provider "sapcalm" {
  destination_service_key      = file("${path.module}/keys/destination.json")
  order_management_service_key = file("${path.module}/keys/order-management.json")
}

locals {
  key_file = "${path.module}/keys/cloud-alm.json"
  # Nothing, until there is a key.
  keys = fileexists(local.key_file) ? { calm = jsondecode(file(local.key_file)) } : {}
}

resource "sapcalm_destination_certificate" "cloud_alm" {
  name = "cloud-alm.pem"
  generate = {
    common_name = "cloud-alm"
    validity    = 90
  }
}

# Subject and issuer count, and not this one certificate, so that the renewed
# one is accepted, too. Once there is a key nobody needs it any more: an output
# with the chain would change with every renewal.
output "cloud_alm_key_parameters" {
  value = length(local.keys) > 0 ? null : jsonencode({
    credential-type = "x509"
    x509 = {
      certificate         = sapcalm_destination_certificate.cloud_alm.chain
      certificate-pinning = false
    }
  })
}

resource "sapcalm_destination" "cloud_alm" {
  for_each = local.keys

  name              = "CloudALM"
  url               = each.value.endpoints.Api
  client_id         = each.value.uaa.clientid
  token_service_url = "${each.value.uaa.certurl}/oauth/token"
  check_token       = true

  # The reference makes Terraform make the certificate first, and delete it last.
  token_service_key_store_location = sapcalm_destination_certificate.cloud_alm.name
}

resource "sapcalm_registration" "order_management" {
  for_each = sapcalm_destination.cloud_alm

  destination_name = each.value.name
}
