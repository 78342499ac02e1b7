# The certificate and private key of an x509 service key, as PEM.
locals {
  cloud_alm = jsondecode(file("${path.module}/keys/cloud-alm.json"))
}

resource "sapcalm_destination_certificate" "cloud_alm" {
  name = "cloud-alm.pem"
  content = {
    pem_wo = "${local.cloud_alm.uaa.certificate}\n${local.cloud_alm.uaa.key}"
  }
}

# One that SAP makes and renews: nobody holds its private key.
resource "sapcalm_destination_certificate" "generated" {
  name = "generated.pem"
  generate = {
    common_name = "order-management"
    validity    = 90
  }
}

# A key store. Its password belongs to the destination that uses it.
resource "sapcalm_destination_certificate" "client" {
  name = "client.p12"
  content = {
    base64_wo = filebase64("${path.module}/keys/client.p12")
  }
}
