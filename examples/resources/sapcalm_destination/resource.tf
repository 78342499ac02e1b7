# The destination CloudALM, which SAP Order Management foundation reads:
# everything comes from the provider's Cloud ALM key.
resource "sapcalm_destination" "cloud_alm" {}
