import {
  to = sapcalm_destination_certificate.cloud_alm
  id = "subaccount/cloud-alm.pem"
}
