# The endpoint as it stands in the key, as SAP Order Management foundation wants it.
output "verbatim" {
  value = provider::sapcalm::cloud_alm_url(file("keys/cloud-alm.json"), null)
}

output "origin" {
  value = provider::sapcalm::cloud_alm_url(file("keys/cloud-alm.json"), "origin")
}
