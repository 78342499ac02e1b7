# A destination that somebody else manages. It is an error when there is none.
data "sapcalm_destination" "cloud_alm" {
  name = "CloudALM"

  # Here this same configuration makes it, so reading must wait for it.
  depends_on = [sapcalm_destination.cloud_alm]
}

resource "sapcalm_destination" "cloud_alm" {}

output "cloud_alm_url" {
  value = data.sapcalm_destination.cloud_alm.url
}

# Secrets are never shown, only the names of their properties.
output "hidden" {
  value = data.sapcalm_destination.cloud_alm.hidden_properties
}
