# <level>/<name>; the level is `subaccount` or `instance`.
terraform import sapcalm_destination_certificate.cloud_alm subaccount/cloud-alm.pem
