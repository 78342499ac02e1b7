# Terraform 1.12 and newer.
import {
  to = sapcalm_destination_certificate.cloud_alm
  identity = {
    level = "subaccount"
    name  = "cloud-alm.pem"
  }
}
