# Data ingestion for industry cloud solutions. An hourly job of the service
# finds the destination and registers itself in Cloud ALM.
resource "sapcalm_destination" "data_ingestion" {
  name        = "SAP_Cloud_ALM"
  service_key = { url_form = "origin_with_slash" }

  properties = {
    systemRole = "PROD" # or TEST
  }
}
